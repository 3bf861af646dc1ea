/**
 * Standard output and standard error, with a status area at the bottom of a terminal.
 *
 * @module
 */

import { LlamaError, reasonOf } from "../errors.ts";
import { printable } from "../text/printable.ts";
import { drawArea, removeArea, soundTerminal } from "./status_area.ts";
import { joinBytes } from "../files/bytes.ts";

/** Thrown when the reader of standard output has closed it. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

/** Data to write, whole or in pieces. */
export type Data = Uint8Array | string | AsyncIterable<Uint8Array>;

/** A writable stream such as `Deno.stdout`. */
export interface Writer {
  /** Writes some or all of the bytes, and returns their number. */
  write(bytes: Uint8Array): Promise<number>;
  /** Writes some or all of the bytes synchronously. */
  writeSync(bytes: Uint8Array): number;
  /** Whether it is a terminal. */
  isTerminal(): boolean;
}

/**
 * Serializes writes to standard output and standard error, so that concurrent writes do not mix. On a
 * terminal, it keeps a status area below the text of both streams.
 */
export class Output {
  readonly #stdout: Writer;
  readonly #stderr: Writer;
  /** Whether standard error is a terminal, and can have a status area. */
  readonly isTerminal: boolean;
  /** Whether standard output is a terminal. */
  readonly isStdoutTerminal: boolean;
  /** The bytes that draw the status area; empty if there is none. */
  #area = nothing;
  /** Whether the status area is on the terminal. */
  #isShown = false;
  /** Whether the last line of text on the terminal is incomplete. */
  #isMidLine = false;
  #last: Promise<void> = Promise.resolve();
  /** The first error in writing to standard error. */
  #lost: LlamaError | undefined;
  #hasNoTalkReader = false;

  /**
   * @param stdout The stream for data.
   * @param stderr The stream for messages.
   */
  constructor(stdout: Writer, stderr: Writer) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.isTerminal = stderr.isTerminal();
    this.isStdoutTerminal = stdout.isTerminal();
  }

  /**
   * Writes data.
   *
   * @param data Bytes, text or pieces, written unchanged and without other output in between.
   * @throws {OutputClosed} If its reader has closed it.
   * @throws {LlamaError} `output` if it cannot be written, such as on a full disk.
   */
  data(data: Data): Promise<void> {
    return this.#enqueue(async () => {
      if (isWhole(data)) return await this.#writeData(data);
      for await (const piece of data) await this.#writeData(piece);
    });
  }

  async #writeData(data: Uint8Array | string): Promise<void> {
    try {
      await writeAll(this.#stdout, this.isStdoutTerminal ? this.#aboveStatus(data) : data);
    } catch (cause) {
      if (hasGone(cause, this.isStdoutTerminal)) throw new OutputClosed("", { cause });
      throw cannotWrite("standard output", cause);
    }
  }

  /**
   * Writes to standard error unchanged, such as a command's standard error. A failure does not stop
   * the run: {@linkcode Output.flush} reports it.
   *
   * @param data As for {@linkcode data}.
   */
  talk(data: Data): Promise<void> {
    return this.#enqueue(async () => {
      const write = (piece: Uint8Array | string) =>
        this.#writeTalk(this.isTerminal ? this.#aboveStatus(piece) : piece);
      if (isWhole(data)) return await write(data);
      for await (const piece of data) await write(piece);
    });
  }

  /**
   * Writes a command's standard error while the command runs.
   *
   * @param data As for {@linkcode data}.
   * @throws {OutputClosed} If its reader has closed it, so that the command may end.
   */
  async talkLive(data: Data): Promise<void> {
    await this.talk(data);
    if (this.#hasNoTalkReader) throw new OutputClosed();
  }

  /**
   * Writes a message to standard error, with control characters escaped: errors and names in it may
   * come from outside, and must neither control the terminal nor forge another line.
   *
   * @param text One line, without a line feed.
   */
  message(text: string): Promise<void> {
    return this.talk(`llama: ${printable(text).replaceAll("\n", "\\n")}\n`);
  }

  /**
   * Writes lines that are not a command's own output, such as a function's log, to standard error,
   * with control characters escaped.
   *
   * @param text The lines; a missing final line feed is added.
   */
  lines(text: string): Promise<void> {
    return this.talk(printableLines(text));
  }

  /**
   * Writes a line to standard output, with control characters escaped.
   *
   * @param text The line, without a line feed.
   */
  line(text: string): Promise<void> {
    return this.data(`${printable(text).replaceAll("\n", "\\n")}\n`);
  }

  /**
   * Writes text such as a table to standard output, with control characters escaped.
   *
   * @param text The text. The caller escapes names in it that may contain line feeds.
   */
  text(text: string): Promise<void> {
    return this.data(printable(text));
  }

  /**
   * Waits for all writes.
   *
   * @throws {LlamaError} `output` if a write to standard error failed for another reason than a
   * closed reader.
   */
  async flush(): Promise<void> {
    await this.#last;
    if (this.#lost) throw this.#lost;
  }

  /**
   * Replaces the status area; standard error must be a terminal. An incomplete line above it is
   * ended.
   *
   * @param lines The lines, which must fit on the terminal; none to remove the area.
   */
  status(lines: readonly string[]): Promise<void> {
    return this.#enqueue(async () => {
      this.#area = encoder.encode(drawArea(lines));
      if (lines.length > 0) await this.#writeTalk(joinBytes(this.#draw()));
      else if (this.#isShown) await this.#writeTalk(joinBytes([this.#remove(), sound]));
    });
  }

  /** Removes the status area synchronously, for a process that is about to exit or to be stopped. */
  endStatusSync(): void {
    this.#area = nothing;
    if (!this.#isShown) return;
    try {
      this.#stderr.writeSync(joinBytes([this.#remove(), sound]));
    } catch (error) {
      if (!hasGone(error, true)) throw error;
    }
  }

  /** Returns the bytes that write text above the status area. Both streams are one terminal. */
  #aboveStatus(data: Uint8Array | string): Uint8Array {
    const bytes = bytesOf(data);
    if (bytes.length === 0) return bytes;
    this.#isMidLine = bytes.at(-1) !== newline;
    return this.#isShown ? joinBytes([removal, bytes, ...this.#draw()]) : bytes;
  }

  #draw(): Uint8Array[] {
    this.#isShown = true;
    const lineEnd = this.#isMidLine ? [new Uint8Array([newline])] : [];
    this.#isMidLine = false;
    return [...lineEnd, this.#area];
  }

  #remove(): Uint8Array {
    this.#isShown = false;
    return removal;
  }

  async #writeTalk(data: Uint8Array | string): Promise<void> {
    try {
      await writeAll(this.#stderr, data);
    } catch (error) {
      if (hasGone(error, this.isTerminal)) this.#hasNoTalkReader = true;
      else this.#lost ??= cannotWrite("standard error", error);
    }
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}

/**
 * Escapes the control characters in lines.
 *
 * @param text The lines, which may end in CR LF; a missing final line feed is added.
 * @returns Lines that are safe to print.
 */
export function printableLines(text: string): string {
  const lines = printable(text.replaceAll("\r\n", "\n"));
  return lines === "" || lines.endsWith("\n") ? lines : lines + "\n";
}

const newline = 10;
const nothing = new Uint8Array();
const encoder = new TextEncoder();
const removal = encoder.encode(removeArea);
const sound = encoder.encode(soundTerminal);

function isWhole(data: Data): data is Uint8Array | string {
  return typeof data === "string" || data instanceof Uint8Array;
}

function cannotWrite(what: string, cause: unknown): LlamaError {
  return new LlamaError("output", `cannot write to ${what}: ${reasonOf(cause)}`, { cause });
}

function bytesOf(data: Uint8Array | string): Uint8Array {
  return typeof data === "string" ? encoder.encode(data) : data;
}

/** Reports whether an error means that the reader of a pipe, or the terminal, has gone. */
function hasGone(error: unknown, isTerminal: boolean): boolean {
  if (error instanceof Deno.errors.BrokenPipe) return true;
  return isTerminal && error instanceof Error && "code" in error && error.code === "EIO";
}

async function writeAll(writer: Writer, data: Uint8Array | string): Promise<void> {
  const bytes = bytesOf(data);
  for (let done = 0; done < bytes.length;) done += await writer.write(bytes.subarray(done));
}
