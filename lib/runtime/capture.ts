/**
 * What a command writes, in memory while it is little and in a file when it is much.
 *
 * @module
 */

import type { BlobSource } from "../store/blob.ts";
import { maxInlineBytes } from "../protocol.ts";
import { writeToFile } from "../files/quick.ts";

/** How much is read from a pipe at first: most commands write little, and many are run. */
const firstPieceBytes = 4 * 1024;

/** How much is read from a pipe at once when it brings much; a pipe of Linux holds as much. */
const pieceBytes = 64 * 1024;

/**
 * The most to take from a pipe after the command has ended: far more than a pipe holds (64 KiB, or
 * 1 MiB where a program asked for it), and yet an end to one that a process fills without end.
 */
const remainderBytes = 16 * 1024 * 1024;

/** The time between two looks at a pipe that does not end, in milliseconds. */
const lookMs = 10;

/** A pipe that brought nothing between so many looks is empty. */
const quietLooks = 5;

/** How often a pipe is looked at that goes on bringing a little. */
const mostLooks = 50;

/** Reads a pipe to its end. */
export class Capture {
  /** Settles when nothing more will be read; rejects if what was read could not be kept. */
  readonly ended: Promise<void>;
  readonly #reader: ReadableStreamBYOBReader;
  readonly #spillPath: () => string;
  #memory = new Uint8Array(0);
  #file: Deno.FsFile | undefined;
  #path = "";
  #size = 0;
  #last: number | undefined;
  /** Whether it waits for the pipe, and not for the disk. */
  #waiting = false;
  /** How much there can be, once the command has ended. */
  #limit = Infinity;
  #done = false;

  /**
   * Begins to read.
   *
   * @param stream The pipe.
   * @param spillPath Names the file for what is too much for memory; called only then.
   */
  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>, spillPath: () => string) {
    this.#reader = stream.getReader({ mode: "byob" });
    this.#spillPath = spillPath;
    this.ended = this.#read();
    // Whoever waits for it sees a rejection; until then it is not an unhandled one.
    this.ended.catch(() => {});
  }

  /**
   * Takes what is left in the pipe once the command has ended, and closes it. Its end comes at
   * once, except where a process that left the command's group holds the other end, which may
   * never end: then what is there is taken.
   */
  async finish(): Promise<void> {
    let size = this.#size;
    this.#limit = size + remainderBytes;
    let quiet = 0;
    let looks = 0;
    // Looks are counted, not milliseconds: on a machine that stood still for a while, the reads
    // get their turn between two looks.
    const timer = setInterval(() => {
      if (!this.#waiting) return;
      looks++;
      quiet = this.#size === size ? quiet + 1 : 0;
      size = this.#size;
      if (quiet >= quietLooks || looks >= mostLooks) this.#close();
    }, lookMs);
    try {
      await this.ended;
    } finally {
      clearInterval(timer);
    }
  }

  /**
   * Adds a line of the runtime's own, on a line for itself.
   *
   * @param line The line.
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
   * What was read.
   *
   * @returns The bytes, or the file that holds them.
   */
  source(): BlobSource {
    return this.#path === ""
      ? this.#memory.subarray(0, this.#size)
      : { path: this.#path, size: this.#size };
  }

  /** Closes the pipe and what else is open. */
  async close(): Promise<void> {
    this.#close();
    await this.ended.catch(() => {});
  }

  #close(): void {
    // Ends the read that is under way. It fails only where the stream has failed, which the read
    // tells too.
    if (!this.#done) this.#reader.cancel().catch(() => {});
  }

  async #read(): Promise<void> {
    try {
      let buffer = new Uint8Array(firstPieceBytes);
      for (;;) {
        this.#waiting = true;
        const { value, done } = await this.#reader.read(buffer);
        this.#waiting = false;
        if (done || value === undefined) break;
        await this.#keep(value);
        if (this.#size > this.#limit) {
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
    if (this.#path === "" && size <= maxInlineBytes) {
      if (size > this.#memory.length) {
        // Twice as much each time, so that a writer of single bytes costs no more than another.
        const larger = new Uint8Array(Math.max(4096, 2 ** Math.ceil(Math.log2(size))));
        larger.set(this.#memory.subarray(0, this.#size));
        this.#memory = larger;
      }
      this.#memory.set(bytes, this.#size);
    } else {
      if (!this.#file) {
        const path = this.#spillPath();
        this.#file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
        this.#path = path;
        await writeToFile(this.#file, this.#memory.subarray(0, this.#size));
        this.#memory = new Uint8Array(0);
      }
      await writeToFile(this.#file, bytes);
    }
    this.#size = size;
    this.#last = bytes.at(-1) ?? this.#last;
  }
}

const encoder = new TextEncoder();
