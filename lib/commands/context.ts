/**
 * What a command gets from the outside.
 *
 * @module
 */

import { type AccountOptions, findAccount } from "../aws/account.ts";
import { AwsClient, type AwsClientOptions } from "../aws/client.ts";
import type { Settings } from "../settings.ts";
import { inForce, readSettings } from "../deploy/settings_file.ts";
import type { Environment } from "../environment.ts";
import { isOn } from "../environment.ts";
import { LlamaError } from "../errors.ts";
import type { RunCounts } from "../jobs/counts.ts";
import { Llama, type LlamaOptions } from "../llama.ts";
import { accountOfArn, bucketOwner } from "../store/bucket_owner.ts";
import { openStoreWith } from "../store/open.ts";
import type { ObjectStore } from "../store/store.ts";
import type { LocalOptions } from "../local/start.ts";
import { ask } from "../terminal/ask.ts";
import type { Output } from "../terminal/output.ts";
import { isInForeground } from "../terminal/foreground.ts";
import { pipelineMayShow } from "../terminal/pipeline.ts";
import { Progress, type ProgressMode, progressView } from "../terminal/progress.ts";
import type { TerminalSize } from "../terminal/status_lines.ts";
import type { GlobalValues } from "./spec/global.ts";

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
 * The connection that the flags ask for, or else the environment, or else llama's settings.
 *
 * @param context Flags and environment.
 * @param options What the subcommand's own flags say.
 * @returns A connection that is closed at exit.
 * @throws {LlamaError} `config` if the settings cannot be read.
 */
export async function openLlama(
  context: CommandContext,
  options: Pick<LlamaOptions, "invokeRetries"> = {},
): Promise<Llama> {
  const { global, environment, closeAtExit } = context;
  const settings: SettingsInForce = isLocal(context) ? global : await settingsOf(context);
  const { store, region, bucketOwner } = settings;
  return closeAtExit(
    new Llama({
      local: isLocal(context) ? localOptions(global) : undefined,
      ...options,
      ...accountOptions(global),
      region: region || undefined,
      store: store || undefined,
      bucketOwner,
      s3Concurrency: global["s3-concurrency"],
      ...reportersOf(context),
      environment,
    }),
  );
}

function reportersOf({ global, output }: CommandContext): Reporters {
  return {
    debug: global["debug-aws"] ? (line) => void output.message(line) : undefined,
    onNotice: noticesTo(output),
  };
}

/**
 * Returns a function that prints notices.
 *
 * @param output Where to.
 * @returns The function; it gets what happened, and what to do.
 */
export function noticesTo(output: Output): (message: string, hint?: string) => void {
  return (message, hint) => {
    void output.message(message);
    if (hint !== undefined) void output.message(`hint: ${hint}`);
  };
}

type Reporters = Pick<AwsClientOptions, "debug" | "onNotice">;

/** The settings in force, and what follows from them. */
export interface SettingsInForce extends Settings {
  /** The account that the store's bucket must belong to, where that is known. */
  readonly bucketOwner?: string | undefined;
}

/**
 * The settings in force: the flags win over the environment, and that over the file.
 *
 * @param context Flags and environment.
 * @param region A region that a command's own flag names.
 * @param file What the file says, where that is known.
 * @returns The settings.
 * @throws {LlamaError} `config` if the file cannot be read.
 */
export async function settingsOf(
  context: CommandContext,
  region?: string,
  file?: Settings,
): Promise<SettingsInForce> {
  const { global, environment } = context;
  const written = file ?? await readSettings(environment);
  const settings = inForce(written, environment);
  const store = global.store || settings.store;
  // The bucket of a stack is of the same account as its role; any other may be anyone's.
  const isOfStack = written.stack === settings.stack && written.stack !== undefined &&
    store === written.store;
  return {
    ...settings,
    store,
    bucketOwner: bucketOwner(environment, isOfStack ? accountOfArn(written.role) : undefined),
    region: region || global.region || settings.region,
  };
}

/** What the commands that set things up work with. */
export interface Aws {
  /** Signs and sends; closed at exit. */
  readonly client: AwsClient;
  /** The settings in force. */
  readonly settings: SettingsInForce;
}

/**
 * The connection of the commands that set things up.
 *
 * @param context Flags and environment.
 * @param named A region that the command's own flag names.
 * @param file What the settings' file says, where that is known.
 * @returns The connection, which nothing has been sent over yet.
 * @throws {LlamaError} `config` if the settings cannot be read; `usage` with `-local`.
 */
export async function openAws(
  context: CommandContext,
  named?: string,
  file?: Settings,
): Promise<Aws> {
  const { global, environment, closeAtExit } = context;
  if (global.local) {
    throw new LlamaError("usage", "-local goes without AWS, which this command is about", {
      hint: "leave out -local",
    });
  }
  const settings = await settingsOf(context, named, file);
  const account = findAccount(environment, { ...accountOptions(global), region: settings.region });
  const client = new AwsClient({ ...account, ...reportersOf(context) });
  const closeSync = () => client[Symbol.dispose]();
  closeAtExit({ close: () => Promise.resolve(closeSync()), closeSync });
  return { client, settings };
}

/**
 * Opens a store over the connection of a command that sets things up.
 *
 * @param context Flags and environment.
 * @param client The connection.
 * @param url The store's URL.
 * @param bucketOwner The account that its bucket must belong to, where that is known.
 * @returns The store; its connections are the client's.
 * @throws {LlamaError} `config` if the URL names no kind of store that there is.
 */
export function openStore(
  { global, environment }: CommandContext,
  client: AwsClient,
  url: string,
  bucketOwner: string | undefined,
): ObjectStore {
  const s3Concurrency = global["s3-concurrency"];
  return openStoreWith(url, client, { environment, s3Concurrency, bucketOwner });
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
 * @param run How far it is, whether it reads its input from standard input, and whether its
 * functions run on this machine, as far as that is known.
 * @returns What ends it: by `await using`, or else at exit.
 */
export function openProgress(
  context: CommandContext,
  mode: ProgressMode,
  { counts, readsStdin, isLocal }: {
    counts: Readonly<RunCounts>;
    readsStdin: boolean;
    isLocal: () => boolean;
  },
): AsyncDisposable {
  const { environment, output, isStdinTerminal, terminalSize, closeAtExit } = context;
  const view = progressView(mode, {
    output,
    term: environment["TERM"],
    hasTyping: readsStdin && isStdinTerminal,
    // https://no-color.org
    style: {
      hasColour: !environment["NO_COLOR"],
      get hasCost() {
        return !isLocal();
      },
    },
    size: terminalSize,
    isInForeground,
    isShared: pipelineMayShow,
  });
  const progress = view && closeAtExit(new Progress(view, counts));
  return { [Symbol.asyncDispose]: async () => await progress?.close() };
}
