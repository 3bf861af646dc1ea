/**
 * Captures a command's output, in memory if small and in a file if large.
 *
 * @module
 */

import type { BlobSource } from "../store/blob.ts";
import { maxInlineBytes } from "../protocol.ts";
import { writeToFile } from "../files/quick.ts";

/** The size of the first read from a pipe; most commands write little. */
const firstPieceBytes = 4 * 1024;

/** The size of later reads from a busy pipe: the capacity of a Linux pipe. */
const pieceBytes = 64 * 1024;

/**
 * The maximum number of bytes read from a pipe after the command has ended: far more than a pipe
 * holds (64 KiB, or 1 MiB on request), but a limit for a process that never stops writing.
 */
const remainderBytes = 16 * 1024 * 1024;

/** The interval for polling a pipe that stays open, in milliseconds. */
const lookMs = 10;

/** After this many polls without data, a pipe counts as empty. */
const quietLooks = 5;

/** The maximum number of polls for a pipe that keeps delivering data. */
const mostLooks = 50;

/** What happens to output besides being kept. */
export interface CaptureOptions {
  /** Returns the path of a file for output that exceeds memory; called only then. */
  readonly spillPath: () => string;
  /**
   * Takes the next bytes, so that they are not kept; returns false if neither these nor any later
   * ones were taken. @default {all are kept}
   */
  readonly live?: ((bytes: Uint8Array) => Promise<boolean>) | undefined;
  /** The maximum number of bytes kept. @default {Infinity} */
  readonly maxBytes?: number | undefined;
}

/** Reads a pipe to its end. */
export class Capture {
  /** Settles when reading has ended; rejects if the output could not be stored. */
  readonly ended: Promise<void>;
  readonly #reader: ReadableStreamBYOBReader;
  readonly #options: CaptureOptions;
  #isLive: boolean;
  #memory = new Uint8Array(0);
  #file: Deno.FsFile | undefined;
  #path = "";
  /** The number of bytes kept. */
  #size = 0;
  /** The number of bytes read. */
  #read = 0;
  #last: number | undefined;
  /** Whether a read of the pipe is pending, rather than a write to disk. */
  #waiting = false;
  /** The maximum size once the command has ended. */
  #limit = Infinity;
  #done = false;

  /**
   * Starts reading.
   *
   * @param stream The pipe.
   * @param options Where output goes.
   */
  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>, options: CaptureOptions) {
    this.#reader = stream.getReader({ mode: "byob" });
    this.#options = options;
    this.#isLive = options.live !== undefined;
    this.ended = this.#readAll();
    // Callers that await it see a rejection; until then it must not count as unhandled.
    this.ended.catch(() => {});
  }

  /**
   * Reads the rest of the pipe once the command has ended, and closes it. A process that left the
   * command's group may hold the pipe open forever; then only what is in the pipe is read.
   */
  async finish(): Promise<void> {
    let read = this.#read;
    this.#limit = read + remainderBytes;
    let quiet = 0;
    let looks = 0;
    // Counts polls rather than milliseconds, so that pending reads get their turn between two polls
    // even after the machine was suspended.
    const timer = setInterval(() => {
      if (!this.#waiting) return;
      looks++;
      quiet = this.#read === read ? quiet + 1 : 0;
      read = this.#read;
      if (quiet >= quietLooks || looks >= mostLooks) this.#close();
    }, lookMs);
    try {
      await this.ended;
    } finally {
      clearInterval(timer);
    }
  }

  /**
   * Appends a line of the runtime's own, starting a new line if needed.
   */
  async addLine(line: string): Promise<void> {
    const start = this.#last === undefined || this.#last === 10 ? "" : "\n";
    const bytes = encoder.encode(`${start}${line}\n`);
    if (this.#path === "") {
      await this.#keep(bytes);
    } else {
      await Deno.writeFile(this.#path, bytes, { append: true });
      this.#size += bytes.length;
    }
    this.#file?.close();
    this.#file = undefined;
  }

  /**
   * Returns the output that was kept: the bytes, or the file that holds them.
   */
  source(): BlobSource {
    return this.#path === ""
      ? this.#memory.subarray(0, this.#size)
      : { path: this.#path, size: this.#size };
  }

  /** Closes the pipe and the file. */
  async close(): Promise<void> {
    this.#close();
    await this.ended.catch(() => {});
  }

  #close(): void {
    // Ends the pending read. Fails only if the stream has failed, which the read reports as well.
    if (!this.#done) this.#reader.cancel().catch(() => {});
  }

  async #readAll(): Promise<void> {
    try {
      let buffer = new Uint8Array(firstPieceBytes);
      for (;;) {
        this.#waiting = true;
        const { value, done } = await this.#reader.read(buffer);
        this.#waiting = false;
        if (done || value === undefined) break;
        this.#read += value.length;
        this.#last = value.at(-1) ?? this.#last;
        this.#isLive &&= await this.#options.live?.(value) ?? false;
        if (!this.#isLive) await this.#keep(value);
        if (this.#read > this.#limit) {
          await this.#reader.cancel();
          break;
        }
        const isFull = value.length === value.buffer.byteLength;
        buffer = new Uint8Array(
          isFull && value.length < pieceBytes ? new ArrayBuffer(pieceBytes) : value.buffer,
        );
      }
    } catch (error) {
      await this.#reader.cancel().catch(() => {});
      throw error;
    } finally {
      this.#done = true;
      this.#file?.close();
      this.#file = undefined;
    }
  }

  async #keep(bytes: Uint8Array): Promise<void> {
    const size = this.#size + bytes.length;
    const { maxBytes = Infinity } = this.#options;
    if (size > maxBytes) {
      const { keptTooMuch } = await import("./live_response.ts");
      throw keptTooMuch(maxBytes);
    }
    if (this.#path === "" && size <= maxInlineBytes) {
      if (size > this.#memory.length) {
        // Doubles the buffer, so that writers of single bytes cost no more than others.
        const larger = new Uint8Array(Math.max(4096, 2 ** Math.ceil(Math.log2(size))));
        larger.set(this.#memory.subarray(0, this.#size));
        this.#memory = larger;
      }
      this.#memory.set(bytes, this.#size);
    } else {
      if (!this.#file) {
        const path = this.#options.spillPath();
        this.#file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
        this.#path = path;
        await writeToFile(this.#file, this.#memory.subarray(0, this.#size));
        this.#memory = new Uint8Array(0);
      }
      await writeToFile(this.#file, bytes);
    }
    this.#size = size;
  }
}

const encoder = new TextEncoder();
