/**
 * A function's log: its runtime's output, and Lambda's own lines.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { joinBytes } from "../files/bytes.ts";

/** The size of the log's end that Invoke returns, in bytes. */
const tailBytes = 4096;

/** The maximum length of a line; longer ones are split, as in Lambda's log events. */
const maxLineBytes = 256 * 1024;

/** The end of a log. */
export class LogTail {
  #chunks: Uint8Array[] = [];
  #size = 0;

  /** Appends bytes. */
  append(bytes: Uint8Array): void {
    // Copied, so that a short line does not retain the whole buffer it was read into.
    const kept = bytes.slice(-tailBytes);
    this.#chunks.push(kept);
    this.#size += kept.length;
    for (;;) {
      const [first] = this.#chunks;
      if (!first || this.#size - first.length < tailBytes) return;
      this.#chunks.shift();
      this.#size -= first.length;
    }
  }

  /** @returns The last 4 KiB. */
  bytes(): Uint8Array {
    return joinBytes(this.#chunks).subarray(-tailBytes);
  }
}

/** Splits a stream of bytes into lines, each with its line feed. */
class Lines {
  #pieces: Uint8Array[] = [];
  #size = 0;
  readonly #emit: (line: Uint8Array) => void;

  constructor(emit: (line: Uint8Array) => void) {
    this.#emit = emit;
  }

  write(bytes: Uint8Array): void {
    let start = 0;
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, start)) {
      this.#pieces.push(bytes.subarray(start, end + 1));
      this.#join();
      start = end + 1;
    }
    if (start === bytes.length) return;
    this.#pieces.push(bytes.subarray(start));
    this.#size += bytes.length - start;
    if (this.#size >= maxLineBytes) this.flush();
  }

  /** Ends an unfinished line. */
  flush(): void {
    if (this.#pieces.length === 0) return;
    this.#pieces.push(new Uint8Array([0x0a]));
    this.#join();
  }

  #join(): void {
    const [only] = this.#pieces;
    const line = this.#pieces.length === 1 && only ? only : joinBytes(this.#pieces);
    this.#pieces = [];
    this.#size = 0;
    this.#emit(line);
  }
}

/** The log of one execution environment. */
export class EnvironmentLog {
  /** Whether there is a listener for every line. */
  readonly isWatched: boolean;
  readonly #ended: Promise<void>;
  readonly #readers: ReadableStreamDefaultReader<Uint8Array>[];
  readonly #lines: Lines[] = [];
  readonly #onLine: ((line: string) => void) | undefined;
  readonly #decoder = new TextDecoder();
  #tail = new LogTail();
  #reads = 0;

  /**
   * @param streams The runtime's standard output and standard error.
   * @param onLine Receives each line, without its line feed.
   */
  constructor(
    streams: readonly ReadableStream<Uint8Array>[],
    onLine: ((line: string) => void) | undefined,
  ) {
    this.#onLine = onLine;
    this.isWatched = onLine !== undefined;
    this.#readers = streams.map((stream) => stream.getReader());
    this.#ended = Promise.all(this.#readers.map((reader) => this.#read(reader))).then(() => {});
  }

  /** Starts the log of another invocation. */
  begin(): void {
    this.#tail = new LogTail();
  }

  /**
   * Adds a line of Lambda's own.
   */
  platform(text: string): void {
    this.#emit(new TextEncoder().encode(`${text}\n`));
  }

  /** @returns The last 4 KiB of the current invocation's log. */
  tail(): Uint8Array {
    return this.#tail.bytes();
  }

  /**
   * Reads what the runtime has written so far. A pipe does not show whether it is empty, so this waits
   * until the pipes have been silent for a while.
   *
   * @param silence The required silence, in milliseconds.
   * @param limit The maximum wait, in milliseconds.
   */
  async drain(silence: number, limit: number): Promise<void> {
    const start = performance.now();
    let last = start;
    let reads = this.#reads;
    for (;;) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      const now = performance.now();
      if (reads !== this.#reads) {
        reads = this.#reads;
        last = now;
      }
      if (now - last >= silence || now - start >= limit) break;
    }
    for (const lines of this.#lines) lines.flush();
  }

  /**
   * Stops reading when the streams have ended or after a timeout: a process that outlived the runtime
   * because it could not be found may hold the pipes forever.
   *
   * @param milliseconds The timeout.
   */
  async close(milliseconds: number): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, milliseconds);
    await Promise.race([this.#ended, late.promise]);
    clearTimeout(timer);
    await Promise.all(this.#readers.map((reader) => reader.cancel().catch(() => {})));
    await this.#ended;
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const lines = new Lines((line) => this.#emit(line));
    this.#lines.push(lines);
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        this.#reads++;
        lines.write(value);
      }
    } catch {
      // The process and its pipe are gone; what was read is in the log.
    }
    lines.flush();
  }

  #emit(line: Uint8Array): void {
    this.#tail.append(line);
    this.#onLine?.(this.#decoder.decode(line).replace(/\r?\n$/, ""));
  }
}

/**
 * Returns the first line of an invocation's log, in Lambda's format.
 */
export function startLine(requestId: string): string {
  return `START RequestId: ${requestId} Version: $LATEST`;
}

/** The contents of the last line of an invocation's log. */
export interface Report {
  /** The invocation's id. */
  readonly requestId: string;
  /** Its duration in milliseconds, without the start of its environment. */
  readonly milliseconds: number;
  /** The time the environment took to start, if it was started for this invocation. */
  readonly initMilliseconds: number | undefined;
  /** The function's memory, in MB. */
  readonly memory: number;
  /** The runtime's peak memory, in MB. */
  readonly usedMemory: number;
  /** The status of a failed invocation. */
  readonly status?: string | undefined;
}

/**
 * Returns the last line of an invocation's log, in Lambda's format, which ends in a tab.
 */
export function reportLine(report: Report): string {
  const { requestId, milliseconds, initMilliseconds, memory, usedMemory, status } = report;
  const fields = [
    `REPORT RequestId: ${requestId}`,
    `Duration: ${milliseconds.toFixed(2)} ms`,
    // Since August 2025, Lambda bills the start of every function.
    `Billed Duration: ${Math.ceil(milliseconds + (initMilliseconds ?? 0))} ms`,
    `Memory Size: ${memory} MB`,
    `Max Memory Used: ${usedMemory} MB`,
  ];
  if (initMilliseconds !== undefined) {
    fields.push(`Init Duration: ${initMilliseconds.toFixed(2)} ms`);
  }
  if (status !== undefined) fields.push(`Status: ${status}`);
  return fields.join("\t") + "\t";
}
