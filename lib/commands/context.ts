/**
 * What a command gets from the outside.
 *
 * @module
 */

import type { AccountOptions } from "../aws/account.ts";
import type { Environment } from "../environment.ts";
import { isOn } from "../environment.ts";
import type { RunCounts } from "../jobs/counts.ts";
import { Llama, type LlamaOptions } from "../llama.ts";
import type { LocalOptions } from "../start_local.ts";
import { ask } from "../terminal/ask.ts";
import type { Output } from "../terminal/output.ts";
import { isInForeground } from "../terminal/foreground.ts";
import { Progress, type ProgressMode, progressView } from "../terminal/progress.ts";
import type { TerminalSize } from "../terminal/status_lines.ts";
import type { GlobalValues } from "./flag_tables.ts";

/** What must be ended before the process exits, whichever way it does. */
export interface Closable {
  /** Ends it, and waits until nothing is left. */
  close(): Promise<void>;
  /** Ends it at once. */
  closeSync(): void;
  /** How many jobs have been started and have not ended. */
  readonly inFlight?: number;
}

/** What a command gets from the outside. */
export interface CommandContext {
  /** The flags before the subcommand. */
  readonly global: GlobalValues;
  /** The environment variables. */
  readonly environment: Environment;
  /** Standard output and standard error. */
  readonly output: Output;
  /** Standard input; asked for only by who reads it. */
  readonly stdin: () => ReadableStream<Uint8Array>;
  /** Whether standard input is a terminal. */
  readonly isStdinTerminal: boolean;
  /** Reads the terminal's size. */
  readonly terminalSize: () => TerminalSize;
  /** Aborted, with an `Interrupted` as its reason, when the user wants to stop. */
  readonly signal: AbortSignal;
  /**
   * For a command that can wait for its jobs: once it has called this, the first ctrl-C while there
   * are some aborts only the signal that it gives, and the second is like any other's first.
   */
  readonly drain: () => AbortSignal;
  /** Hands over what must be ended before the process exits. */
  readonly closeAtExit: <T extends Closable>(opened: T) => T;
}

/**
 * The connection that the flags ask for.
 *
 * @param context Flags and environment.
 * @param options What the subcommand's own flags say.
 * @returns A connection that is closed at exit.
 */
export function openLlama(
  context: CommandContext,
  options: Pick<LlamaOptions, "invokeRetries"> = {},
): Llama {
  const { global, environment, output, closeAtExit } = context;
  return closeAtExit(
    new Llama({
      local: isLocal(context) ? localOptions(global) : undefined,
      ...options,
      ...accountOptions(global),
      store: global.store || undefined,
      s3Concurrency: global["s3-concurrency"],
      debug: global["debug-aws"] ? (line) => void output.message(line) : undefined,
      onNotice: (message, hint) => {
        void output.message(message);
        if (hint !== undefined) void output.message(`hint: ${hint}`);
      },
      environment,
    }),
  );
}

/**
 * What the flags say of the user's AWS account.
 *
 * @param global The flags before the subcommand.
 * @returns Region and profile, and how a code is asked for.
 */
export function accountOptions(global: GlobalValues): AccountOptions {
  return {
    region: global.region || undefined,
    profile: global.profile || undefined,
    mfaCode: (serial) => ask(`Code of the MFA device ${serial}: `),
  };
}

/**
 * Whether functions run on this machine.
 *
 * @param context Flags and environment.
 * @returns True if a flag or a variable says so.
 */
export function isLocal(
  { global, environment }: Pick<CommandContext, "global" | "environment">,
): boolean {
  return global.local || isOn(environment["LLAMA_LOCAL"]);
}

/**
 * What the flags say of Lambda on this machine.
 *
 * @param global The flags before the subcommand.
 * @returns Where functions are found.
 */
export function localOptions(global: GlobalValues): LocalOptions {
  return { functions: global.functions || undefined, commands: global.function };
}

/**
 * Shows how far a run is, from now on.
 *
 * @param context Output, environment, terminal.
 * @param mode How.
 * @param counts How far the run is.
 * @param readsStdin Whether the run reads its input from standard input.
 * @returns What ends it: by `await using`, or else at exit.
 */
export function openProgress(
  context: CommandContext,
  mode: ProgressMode,
  counts: Readonly<RunCounts>,
  readsStdin: boolean,
): AsyncDisposable {
  const { environment, output, isStdinTerminal, terminalSize, closeAtExit } = context;
  const view = progressView(mode, {
    output,
    term: environment["TERM"],
    hasTyping: readsStdin && isStdinTerminal,
    // https://no-color.org
    style: { hasColour: !environment["NO_COLOR"], hasCost: !isLocal(context) },
    size: terminalSize,
    isInForeground,
  });
  const progress = view && closeAtExit(new Progress(view, counts));
  return { [Symbol.asyncDispose]: async () => await progress?.close() };
}
