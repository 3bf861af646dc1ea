/**
 * Runs a command to its end.
 *
 * @module
 */

import { killGroup, terminateGroup } from "../system/signals.ts";
import { sizeOf } from "../store/blob.ts";
import { readSize } from "../files/hash.ts";
import { signalStatus, timedOutStatus } from "../functions/command_status.ts";
import { maxTimerMilliseconds } from "../limits.ts";
import { Capture } from "./capture.ts";
import type { Program } from "./function_command.ts";
import { MemoryWatch } from "./memory.ts";
import { type StartOptions, startProgram } from "./start.ts";
import type { Strays } from "./strays.ts";

/** What a command reads: bytes, or the file that holds them. */
export type Input = Uint8Array | { path: string };

/** How a command is run. */
export interface RunOptions extends Omit<StartOptions, "stdin"> {
  /** Its standard input; an empty one if absent. */
  stdin?: Input | undefined;
  /** Ends its process group when its time is up; absent if it has all the time it wants. */
  limit?: CommandLimit | undefined;
  /** Ends what left its process group; absent where that cannot be known. */
  strays?: Pick<Strays, "reap" | "end"> | undefined;
  /** The entry of its environment that marks what it starts, `NAME=value`. */
  mark?: string | undefined;
  /** Names a file for output that is too much for memory. */
  spillPath: (name: string) => string;
  /** Ends its process group, and the run. */
  signal: AbortSignal;
}

/** How long a command may run. */
export interface CommandLimit {
  /**
   * Returns how long it may go on until this is asked again, in milliseconds; 0 if its time is up.
   *
   * @param writtenBytes What it has written to its standard output and error so far.
   */
  left: (writtenBytes: number) => Promise<number>;
  /** How long it has then between SIGTERM and SIGKILL, in milliseconds. */
  readonly graceMs: number;
}

/** How a command ended. */
export interface CommandResult {
  /** Its exit status, 128 + N if signal N ended it, 124 if it ran out of time. */
  status: number;
  /** Whether it ran out of time. */
  timedOut: boolean;
  /** What it wrote to standard output. */
  stdout: Capture;
  /** What it wrote to standard error. */
  stderr: Capture;
  /** Peak resident bytes, as far as they were seen. */
  memory: number | undefined;
}

/**
 * Runs a command to its end. When it ends, so does all of its process group.
 *
 * @param program What to run.
 * @param options Where, how and until when.
 * @returns How it ended.
 * @throws {JobError} As {@linkcode startProgram}.
 * @throws The signal's reason; what the file system throws when there is no room for the output.
 */
export async function runCommand(program: Program, options: RunOptions): Promise<CommandResult> {
  const { stdin, signal, spillPath, limit, strays } = options;
  signal.throwIfAborted();
  const child = await startProgram(program, { ...options, stdin: stdin !== undefined });
  let hasEnded = false;
  // Never after its end: the number may be another process's by then, and Deno 2.6 may still run a
  // timer that was cleared when it was due.
  const end = () => {
    if (!hasEnded) killGroup(child.pid);
  };
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  using memory = new MemoryWatch(child.pid, strays);
  const stdout = new Capture(child.stdout, () => spillPath("stdout"));
  const stderr = new Capture(child.stderr, () => spillPath("stderr"));
  // Output that cannot be kept ends the command: it would wait forever for a reader.
  stdout.ended.catch(end);
  stderr.ended.catch(end);
  const feed = stdin === undefined ? undefined : new Feed(child.stdin, stdin, end);
  let timedOut = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = async () => {
    if (hasEnded || limit === undefined) return;
    const left = await limit.left(sizeOf(stdout.source()) + sizeOf(stderr.source()));
    if (hasEnded) return;
    if (left > 0) {
      timer = setTimeout(look, Math.min(left, maxTimerMilliseconds));
      return;
    }
    timedOut = true;
    terminateGroup(child.pid);
    timer = setTimeout(end, limit.graceMs);
  };
  try {
    void look();
    const status = await statusOf(child);
    clearTimeout(timer);
    // Children that it left behind in its group hold the pipes, and have nobody to work for.
    end();
    hasEnded = true;
    feed?.stop();
    // Nor have those that left the group, which would go on writing to the outputs.
    await strays?.end(options.mark ?? "");
    await Promise.all([stdout.finish(), stderr.finish()]);
    signal.throwIfAborted();
    if (feed?.failure !== undefined) throw feed.failure;
    return {
      status: timedOut ? timedOutStatus : status,
      timedOut,
      stdout,
      stderr,
      memory: memory.peakBytes,
    };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    await Promise.all([stdout.close(), stderr.close()]);
  }
}

async function statusOf(child: Deno.ChildProcess): Promise<number> {
  try {
    return (await child.status).code;
  } catch (error) {
    // Deno has no names for the real-time signals, and throws when one ended a child.
    const [, signal] = /^Invalid signal: (\d+)/.exec(error instanceof Error ? error.message : "") ??
      [];
    if (signal === undefined) throw error;
    return signalStatus(Number(signal));
  }
}

/** Writes a command's standard input, as far as the command reads it. */
class Feed {
  /** Why the input could not be read, if it could not. */
  failure: unknown;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBufferLike>>;
  #stopped = false;

  constructor(stream: WritableStream<Uint8Array>, input: Input, onFailure: () => void) {
    this.#writer = stream.getWriter();
    const fed = input instanceof Uint8Array ? this.#write(input) : this.#copy(input.path);
    // A pipe that is gone already needs no close.
    fed.then(() => this.#writer.close()).catch(() => {});
    fed.catch((error) => {
      this.#writer.abort().catch(() => {});
      this.failure = error;
      onFailure();
    });
  }

  /**
   * The command has ended. Nobody waits for what is left: a write may hang until some process that
   * left the group, and holds the pipe, ends.
   */
  stop(): void {
    this.#stopped = true;
  }

  async #copy(path: string): Promise<void> {
    using file = await Deno.open(path);
    const buffer = new Uint8Array(readSize);
    while (!this.#stopped) {
      const count = await file.read(buffer);
      if (count === null || !await this.#write(buffer.subarray(0, count))) break;
    }
  }

  /** @returns Whether it was written: a command need not read all of its input, or any. */
  async #write(bytes: Uint8Array): Promise<boolean> {
    return await this.#writer.write(bytes).then(() => true, () => false);
  }
}
