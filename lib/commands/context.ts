/**
 * The context in which a command runs, and the connections and views that it opens.
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
import { newCounts, type RunCounts } from "../jobs/counts.ts";
import type { LlamaOptions } from "../client/options.ts";
import { Llama } from "../llama.ts";
import { accountOfArn, bucketOwner } from "../store/bucket_owner.ts";
import { openStoreWith } from "../store/open.ts";
import type { ObjectStore } from "../store/store.ts";
import type { LocalOptions } from "../local/start.ts";
import { ask } from "../terminal/ask.ts";
import type { Output } from "../terminal/output.ts";
import { isInForeground } from "../terminal/foreground.ts";
import { pipelineMayShow } from "../terminal/pipeline.ts";
import { Progress, progressView } from "../terminal/progress.ts";
import type { ProgressMode } from "../terminal/progress_mode.ts";
import type { TerminalSize } from "../terminal/status_lines.ts";
import { waitingView } from "../terminal/waiting.ts";
import type { GlobalValues } from "./spec/global.ts";

/** A resource that must be closed before the process exits, however it exits. */
export interface Closable {
  /** Closes it, and waits until that is done. */
  close(): Promise<void>;
  /** Closes it at once. */
  closeSync(): void;
  /** The number of jobs in flight. */
  readonly inFlight?: number;
}

/** The outside world as a command sees it. */
export interface CommandContext {
  /** The flags before the subcommand. */
  readonly global: GlobalValues;
  /** All flags as written, before and after the subcommand. */
  readonly flagWords: readonly string[];
  /** The environment variables. */
  readonly environment: Environment;
  /** Standard output and standard error. */
  readonly output: Output;
  /** Opens standard input; called only by commands that read it. */
  readonly stdin: () => ReadableStream<Uint8Array>;
  /** Whether standard input is a terminal. */
  readonly isStdinTerminal: boolean;
  /** Reads the terminal's size. */
  readonly terminalSize: () => TerminalSize;
  /** Aborted, with an `Interrupted` as its reason, when the user wants to stop. */
  readonly signal: AbortSignal;
  /**
   * For a command that can wait for its jobs: once it has called this, the first ctrl-C with jobs in
   * flight aborts only the returned signal, and the second one aborts `signal`.
   */
  readonly drain: () => AbortSignal;
  /** Registers a resource to be closed before the process exits. */
  readonly closeAtExit: <T extends Closable>(opened: T) => T;
}

/**
 * Opens the connection that runs jobs, as configured by the flags, else the environment, else
 * llama's settings.
 *
 * @param options Options from the command's own flags.
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
      compress: global.compress,
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
 * Returns a function that prints notices: a message, and a hint if there is one.
 */
export function noticesTo(output: Output): (message: string, hint?: string) => void {
  return (message, hint) => {
    void output.message(message);
    if (hint !== undefined) void output.message(`hint: ${hint}`);
  };
}

type Reporters = Pick<AwsClientOptions, "debug" | "onNotice">;

/** The settings in force, with what is derived from them. */
export interface SettingsInForce extends Settings {
  /** The account that the store's bucket must belong to, if it is known. */
  readonly bucketOwner?: string | undefined;
}

/**
 * Returns the settings in force: flags take precedence over the environment, which takes precedence
 * over the settings file.
 *
 * @param region The region from a command's own flag.
 * @param file The contents of the settings file, if it was read before.
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
  // A stack's bucket belongs to the account of its role; any other bucket may be anyone's.
  const isOfStack = written.stack === settings.stack && written.stack !== undefined &&
    store === written.store;
  return {
    ...settings,
    store,
    bucketOwner: bucketOwner(environment, isOfStack ? accountOfArn(written.role) : undefined),
    region: region || global.region || settings.region,
  };
}

/** A connection to AWS for the commands that set things up. */
export interface Aws {
  /** The client, which is closed at exit. */
  readonly client: AwsClient;
  /** The settings in force. */
  readonly settings: SettingsInForce;
}

/**
 * Opens a connection for a command that sets things up; nothing is sent yet.
 *
 * @param named The region from the command's own flag.
 * @param file The contents of the settings file, if it was read before.
 * @throws {LlamaError} `config` if the settings cannot be read; `usage` with `-local`.
 */
export async function openAws(
  context: CommandContext,
  named?: string,
  file?: Settings,
): Promise<Aws> {
  const { global, environment, closeAtExit } = context;
  if (global.local) {
    throw new LlamaError("usage", "-local cannot be used with a command that works in AWS", {
      hint: "omit -local",
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
 * @param client The connection, which the store uses.
 * @param url The store's URL.
 * @param bucketOwner The account that its bucket must belong to, if it is known.
 * @throws {LlamaError} `config` if the URL names an unknown kind of store.
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

/** Returns the options of the AWS account that the global flags set. */
export function accountOptions(global: GlobalValues): AccountOptions {
  return {
    region: global.region || undefined,
    profile: global.profile || undefined,
    mfaCode: (serial) => ask(`MFA code for ${serial}: `),
  };
}

/** Reports whether functions run on this machine, by a flag or by the environment. */
export function isLocal(
  { global, environment }: Pick<CommandContext, "global" | "environment">,
): boolean {
  return global.local || isOn(environment["LLAMA_LOCAL"]);
}

/** Returns the options of the emulator that the global flags set. */
export function localOptions(global: GlobalValues): LocalOptions {
  return { functions: global.functions || undefined, commands: global.function };
}

/**
 * Starts to show what a command is waiting for, on a terminal that can do so.
 *
 * @param text Returns a line; undefined for none at the moment.
 * @returns Dispose of it to end the display; otherwise it ends at exit.
 */
export function openWaiting(
  { environment, output, terminalSize, closeAtExit }: CommandContext,
  text: () => string | undefined,
): AsyncDisposable {
  const view = waitingView(text, {
    output,
    term: environment["TERM"],
    size: terminalSize,
    isInForeground,
    isShared: pipelineMayShow,
  });
  const shown = view && closeAtExit(new Progress(view, newCounts()));
  return { [Symbol.asyncDispose]: async () => await shown?.close() };
}

/**
 * Starts to show the progress of a run.
 *
 * @param mode The value of `-progress`.
 * @param run The run's counts, whether its input is standard input, and whether its functions run on
 * this machine, which may become known later.
 * @returns Dispose of it to end the display; otherwise it ends at exit.
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
      hasColor: !environment["NO_COLOR"],
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
