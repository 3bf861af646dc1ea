/**
 * Prints the output of jobs while they run, in whole lines.
 *
 * @module
 */

import { joinBytes } from "../../files/bytes.ts";
import type { LiveSinks } from "../../jobs/live_job.ts";
import type { Output } from "../../terminal/output.ts";
import { inLines, tagOf } from "./render.ts";

/** Longer lines are divided, in bytes, since they wait in memory for their end. */
const maxLineBytes = 1024 * 1024;

/** Options for {@linkcode LiveLines}. */
export interface LiveLinesOptions {
  /** The output to print to. */
  readonly output: Output;
  /** Whether each line is prefixed with the input line. */
  readonly tag: boolean;
  /** Aborts the run; its signal is aborted if the output cannot be printed. */
  readonly stop: AbortController;
}

/** Prints the output of jobs while they run. */
export class LiveLines {
  readonly #options: LiveLinesOptions;

  /** @param options Where and how to print. */
  constructor(options: LiveLinesOptions) {
    this.#options = options;
  }

  /**
   * Returns where the output of a job goes.
   *
   * @param job The job.
   */
  sinksOf({ line }: { line: string }): LiveSinks {
    const { output, tag, stop } = this.#options;
    const prefix = tag ? tagOf(line) : new Uint8Array();
    const guard = (print: (bytes: Uint8Array) => Promise<void>) => async (bytes: Uint8Array) => {
      try {
        if (bytes.length > 0) await print(inLines(bytes, prefix));
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    };
    const stdout = new Lines(guard((bytes) => output.data(bytes)));
    const stderr = new Lines(guard((bytes) => output.talk(bytes)));
    return {
      stdout: (bytes) => stdout.add(bytes),
      stderr: (bytes) => stderr.add(bytes),
      // For the job's record, its results and the kind of its failure.
      isKept: true,
      end: async () => {
        await stderr.end();
        await stdout.end();
      },
    };
  }
}

/** Gathers bytes until a line is whole. */
class Lines {
  readonly #print: (lines: Uint8Array) => Promise<void>;
  #rest: Uint8Array[] = [];
  #restBytes = 0;

  constructor(print: (lines: Uint8Array) => Promise<void>) {
    this.#print = print;
  }

  async add(bytes: Uint8Array): Promise<void> {
    const end = bytes.lastIndexOf(newline) + 1;
    if (end > 0) await this.#print(joinBytes([...this.#take(), bytes.subarray(0, end)]));
    this.#rest.push(bytes.subarray(end));
    this.#restBytes += bytes.length - end;
    if (this.#restBytes > maxLineBytes) await this.end();
  }

  /** Prints an incomplete line. */
  async end(): Promise<void> {
    await this.#print(joinBytes(this.#take()));
  }

  #take(): Uint8Array[] {
    this.#restBytes = 0;
    return this.#rest.splice(0);
  }
}

const newline = 10;
