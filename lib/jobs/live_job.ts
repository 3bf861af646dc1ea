/**
 * The output of a job while its command runs.
 *
 * @module
 */

import type { OutputSink, OutputSinks } from "../aws/api/live_output.ts";
import type { KnownFunctions } from "../aws/known_functions.ts";
import { noOutput, type OutputFiles, type ReceivedOutput, removeOutput } from "./big_output.ts";
import { piecesOfFile } from "../files/pieces.ts";
import { KeptOutput } from "./kept_output.ts";

/** Receives a command's output as it arrives, whether the function streams it or not. */
export interface LiveSinks {
  /** Receives standard output, in order. @default {kept} */
  readonly stdout?: OutputSink | undefined;
  /** Receives standard error, in order. @default {kept} */
  readonly stderr?: OutputSink | undefined;
  /** Whether the result holds the output, too. @default {false} */
  readonly isKept?: boolean | undefined;
  /**
   * Whether the receivers are done with the bytes when they return, or when their promise resolves, so
   * that the memory is used again. @default {false, the bytes are theirs}
   */
  readonly isTransient?: boolean | undefined;
  /** Called after the last byte, whether the job succeeded or not. */
  readonly end?: (() => void | Promise<void>) | undefined;
}

/** What live jobs share. */
export interface LiveRunner {
  /** What is known about functions. */
  readonly functions?: KnownFunctions | undefined;
  /** Files for standard output and error of more than 4 MiB. */
  readonly outputFiles: OutputFiles;
}

/** Standard output and standard error of a job. */
export interface Streams {
  /** Standard output. */
  readonly stdout: ReceivedOutput;
  /** Standard error. */
  readonly stderr: ReceivedOutput;
}

/** One attempt at a job whose output is passed on. Dispose of it when done. */
export class LiveJob implements AsyncDisposable {
  readonly #sinks: LiveSinks;
  readonly #runner: LiveRunner;
  readonly #stdout: LiveStream;
  readonly #stderr: LiveStream;
  #isBuffered = false;
  #hasEnded = false;

  /** Whether some output was passed on. */
  get hasBegun(): boolean {
    return this.#stdout.hasBegun || this.#stderr.hasBegun;
  }

  /**
   * @param sinks Where the output goes.
   * @param runner What the jobs share.
   */
  constructor(sinks: LiveSinks, runner: LiveRunner) {
    this.#sinks = sinks;
    this.#runner = runner;
    const kept = (sink: OutputSink | undefined) =>
      sinks.isKept || !sink ? new KeptOutput(runner.outputFiles) : undefined;
    const { stdout, stderr, isTransient = false } = sinks;
    this.#stdout = new LiveStream(stdout, kept(stdout), isTransient);
    this.#stderr = new LiveStream(stderr, kept(stderr), isTransient);
  }

  /**
   * Returns the receivers for an invocation.
   *
   * @returns Undefined if the function cannot stream: then all output is in its response.
   * @throws {LlamaError} As `KnownFunctions.load`.
   */
  async sinksFor(functionName: string): Promise<OutputSinks | undefined> {
    this.#isBuffered ||= (await this.#runner.functions?.load(functionName))?.streams === false;
    if (this.#isBuffered) return undefined;
    return {
      stdout: (bytes) => this.#stdout.take(bytes),
      stderr: (bytes) => this.#stderr.take(bytes),
    };
  }

  /**
   * Goes on without streaming.
   *
   * @returns True, for a condition.
   */
  goBuffered(): true {
    this.#isBuffered = true;
    return true;
  }

  /** Remembers whether the function can stream, once it has responded. */
  learn(functionName: string): void {
    if (this.#isBuffered) this.#runner.functions?.learn(functionName, { streams: false });
  }

  /** Returns the number of bytes that were streamed since the last call. */
  takeBytes(): number {
    return this.#stdout.takeBytes() + this.#stderr.takeBytes();
  }

  /**
   * Passes on the output that came with the response.
   *
   * @param rest The output that was not streamed.
   * @returns The output that the result holds.
   */
  async finish(rest: Streams): Promise<Streams> {
    // The order of today's printing: standard error first.
    const stderr = await this.#stderr.finish(rest.stderr);
    const stdout = await this.#stdout.finish(rest.stdout);
    await this.#end();
    return { stdout, stderr };
  }

  /** Ends an attempt that failed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stdout.close();
    this.#stderr.close();
    // The attempt has failed with an error of its own.
    await this.#end().catch(() => {});
  }

  async #end(): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    await this.#sinks.end?.();
  }
}

class LiveStream {
  readonly #sink: OutputSink | undefined;
  readonly #kept: KeptOutput | undefined;
  readonly #isTransient: boolean;
  /** Whether some output was passed on. */
  hasBegun = false;
  #bytes = 0;

  constructor(sink: OutputSink | undefined, kept: KeptOutput | undefined, isTransient: boolean) {
    this.#sink = sink;
    this.#kept = kept;
    this.#isTransient = isTransient && kept === undefined;
  }

  async take(bytes: Uint8Array): Promise<void> {
    this.#bytes += bytes.length;
    this.hasBegun ||= bytes.length > 0;
    await this.#pass(bytes);
  }

  takeBytes(): number {
    const bytes = this.#bytes;
    this.#bytes = 0;
    return bytes;
  }

  async finish(rest: ReceivedOutput): Promise<ReceivedOutput> {
    if (rest.file === undefined) {
      if (rest.bytes.length > 0) await this.#pass(rest.bytes);
    } else {
      for await (const piece of piecesOfFile(rest.file)) {
        // The next piece overwrites this one.
        await this.#pass(this.#isTransient ? piece : piece.slice());
      }
      removeOutput(rest.file);
    }
    return await this.#kept?.finish() ?? noOutput;
  }

  close(): void {
    this.#kept?.[Symbol.dispose]();
  }

  async #pass(bytes: Uint8Array): Promise<void> {
    await this.#kept?.add(bytes);
    await this.#sink?.(bytes);
  }
}
