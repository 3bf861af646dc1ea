/**
 * Runs a command to its end.
 *
 * @module
 */

import { killGroup, terminateGroup } from "../system/signals.ts";
import { sizeOf } from "../store/blob.ts";
import { signalStatus, timedOutStatus } from "../functions/command_status.ts";
import { maxTimerMilliseconds } from "../limits.ts";
import { Capture } from "./capture.ts";
import type { Program } from "./function_command.ts";
import type { LiveResponse } from "./live_response.ts";
import { MemoryWatch } from "./memory.ts";
import { type StartOptions, startProgram } from "./start.ts";
import type { Strays } from "./strays.ts";

/** A command's standard input: bytes, or the file that holds them. */
export type Input = Uint8Array | { path: string };

/**
 * The maximum size of what a live stream leaves to keep, in bytes: a function runs on after its client
 * has gone, and would fill the disk.
 */
const maxKeptBytes = 1024 * 1024 * 1024;

/** The size of reads from the file of standard input. */
const pieceBytes = 1024 * 1024;

/** Options for {@linkcode runCommand}. */
export interface RunOptions extends Omit<StartOptions, "stdin"> {
  /** Its standard input; empty if absent. */
  stdin?: Input | undefined;
  /** Its time limit; absent for none. */
  limit?: CommandLimit | undefined;
  /** Kills processes that left its process group; absent where they cannot be found. */
  strays?: Pick<Strays, "reap" | "end"> | undefined;
  /** The environment entry that marks its descendants, `NAME=value`. */
  mark?: string | undefined;
  /** Returns the path of a file for output that exceeds memory. */
  spillPath: (name: string) => string;
  /** Sends output as it is written, as long as it takes any. @default {all output is kept} */
  live?: Pick<LiveResponse, "take"> | undefined;
  /** Kills its process group, and aborts the run. */
  signal: AbortSignal;
}

/** A command's time limit. */
export interface CommandLimit {
  /**
   * Returns the milliseconds until this is to be called again; 0 if the time is up.
   *
   * @param writtenBytes The size of its standard output and error so far.
   */
  left: (writtenBytes: number) => Promise<number>;
  /** The time between SIGTERM and SIGKILL, in milliseconds. */
  readonly graceMs: number;
}

/** The result of a command. */
export interface CommandResult {
  /** Its exit status; 128 + N if signal N ended it, 124 if it timed out. */
  status: number;
  /** Whether it timed out. */
  timedOut: boolean;
  /** Its standard output. */
  stdout: Capture;
  /** Its standard error. */
  stderr: Capture;
  /** Its peak resident memory in bytes, if sampled. */
  memory: number | undefined;
}

/**
 * Runs a command to its end, and then kills the rest of its process group.
 *
 * @throws {JobError} As {@linkcode startProgram}.
 * @throws The signal's reason, or what the file system throws if the output cannot be stored.
 */
export async function runCommand(program: Program, options: RunOptions): Promise<CommandResult> {
  const { stdin, signal, spillPath, limit, strays, live } = options;
  signal.throwIfAborted();
  const child = await startProgram(program, { ...options, stdin: stdin !== undefined });
  let hasEnded = false;
  // Never after its end, when another process may have the id. Deno 2.6 may still run a timer that
  // was cleared when due.
  const end = () => {
    if (!hasEnded) killGroup(child.pid);
  };
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  using memory = new MemoryWatch(child.pid, strays);
  const capture = (name: "stdout" | "stderr", kind: "o" | "e") =>
    new Capture(child[name], {
      spillPath: () => spillPath(name),
      live: live && ((bytes) => live.take(kind, bytes)),
      maxBytes: live && maxKeptBytes,
    });
  const stdout = capture("stdout", "o");
  const stderr = capture("stderr", "e");
  // If its output cannot be stored, kill the command: it would wait forever for a reader.
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
    // Children left in its group hold the pipes, and serve no purpose.
    end();
    hasEnded = true;
    feed?.stop();
    // Likewise those that left the group, which could still write to the outputs.
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
    // Deno has no names for real-time signals, and throws if one ended a child.
    const [, signal] = /^Invalid signal: (\d+)/.exec(error instanceof Error ? error.message : "") ??
      [];
    if (signal === undefined) throw error;
    return signalStatus(Number(signal));
  }
}

/** Writes a command's standard input, as far as the command reads it. */
class Feed {
  /** The reason if the input could not be read. */
  failure: unknown;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBufferLike>>;
  #stopped = false;

  constructor(stream: WritableStream<Uint8Array>, input: Input, onFailure: () => void) {
    this.#writer = stream.getWriter();
    const fed = input instanceof Uint8Array ? this.#write(input) : this.#copy(input.path);
    // Closing fails if the pipe is already closed.
    fed.then(() => this.#writer.close()).catch(() => {});
    fed.catch((error) => {
      this.#writer.abort().catch(() => {});
      this.failure = error;
      onFailure();
    });
  }

  /**
   * Stops after the command has ended. A pending write is not awaited: it may hang as long as a
   * process that left the group holds the pipe.
   */
  stop(): void {
    this.#stopped = true;
  }

  async #copy(path: string): Promise<void> {
    using file = await Deno.open(path);
    const buffer = new Uint8Array(pieceBytes);
    while (!this.#stopped) {
      const count = await file.read(buffer);
      if (count === null || !await this.#write(buffer.subarray(0, count))) break;
    }
  }

  /** @returns Whether the bytes were written: a command need not read all of its input. */
  async #write(bytes: Uint8Array): Promise<boolean> {
    return await this.#writer.write(bytes).then(() => true, () => false);
  }
}
