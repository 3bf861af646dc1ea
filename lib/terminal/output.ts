/**
 * Standard output and standard error, and a status area below all text where they are a terminal.
 *
 * @module
 */

import { LlamaError, reasonOf } from "../errors.ts";
import { printable } from "../text/printable.ts";
import { drawArea, removeArea, soundTerminal } from "./status_area.ts";

/** Whoever read standard output has gone. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

/** What is written: at once, or piece by piece. */
export type Data = Uint8Array | string | AsyncIterable<Uint8Array>;

/** Where a program writes; `Deno.stdout` and `Deno.stderr` are two. */
export interface Writer {
  /** Writes some or all of the bytes, and says how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** The same, before anything else happens. */
  writeSync(bytes: Uint8Array): number;
  /** Whether it is a terminal. */
  isTerminal(): boolean;
}

/**
 * Writes each piece whole, and one after the other, however many write at once. A terminal may have
 * a status area: lines that stay below all text, whichever of the two streams the text is for.
 */
export class Output {
  readonly #stdout: Writer;
  readonly #stderr: Writer;
  /** Whether standard error is a terminal: only there is a status area shown. */
  readonly isTerminal: boolean;
  readonly #isStdoutTerminal: boolean;
  /** What draws the status area; empty if there is none. */
  #area = nothing;
  /** Whether it is on the terminal, and not only due there. */
  #isShown = false;
  /** Whether the text on the terminal ends within a line. */
  #isMidLine = false;
  #last: Promise<void> = Promise.resolve();
  /** Why something could not be written to standard error. */
  #lost: LlamaError | undefined;

  /**
   * @param stdout Where data goes.
   * @param stderr Where talk goes.
   */
  constructor(stdout: Writer, stderr: Writer) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.isTerminal = stderr.isTerminal();
    this.#isStdoutTerminal = stdout.isTerminal();
  }

  /**
   * Writes data.
   *
   * @param data Bytes, or text that is written as it is; or pieces of what is too much for memory,
   * which stay together.
   * @throws {OutputClosed} If nobody reads it any more.
   * @throws {LlamaError} `output` if it cannot be written, as on a full disk.
   */
  data(data: Data): Promise<void> {
    return this.#enqueue(async () => {
      if (isWhole(data)) return await this.#writeData(data);
      for await (const piece of data) await this.#writeData(piece);
    });
  }

  async #writeData(data: Uint8Array | string): Promise<void> {
    try {
      await writeAll(this.#stdout, this.#isStdoutTerminal ? this.#aboveStatus(data) : data);
    } catch (cause) {
      if (hasGone(cause, this.#isStdoutTerminal)) throw new OutputClosed("", { cause });
      throw cannotWrite("standard output", cause);
    }
  }

  /**
   * Writes what a command wrote to its standard error, or anything else that is not ours. That it
   * cannot be written is no reason to stop working: {@linkcode Output.flush} tells in the end.
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
   * Writes a message of llama's own, with control characters escaped: errors and names come from
   * outside, and must neither reach the terminal nor forge another line.
   *
   * @param text One line, without its end.
   */
  message(text: string): Promise<void> {
    return this.talk(`llama: ${printable(text).replaceAll("\n", "\\n")}\n`);
  }

  /**
   * Writes lines that are not a command's own output, such as a function's log, to standard error,
   * with control characters escaped.
   *
   * @param text The lines; the last one gets the end that it may lack.
   */
  lines(text: string): Promise<void> {
    return this.talk(printableLines(text));
  }

  /**
   * Writes a line of llama's own to standard output, with control characters escaped.
   *
   * @param text The line, without its end.
   */
  line(text: string): Promise<void> {
    return this.data(`${printable(text).replaceAll("\n", "\\n")}\n`);
  }

  /**
   * Writes text of llama's own to standard output, such as a table, with control characters escaped.
   *
   * @param text The text. Names in it that may hold line feeds are escaped by the caller.
   */
  text(text: string): Promise<void> {
    return this.data(printable(text));
  }

  /**
   * Waits until all that was handed over is written.
   *
   * @throws {LlamaError} `output` if something for standard error could not be written, though
   * somebody was there to read it.
   */
  async flush(): Promise<void> {
    await this.#last;
    if (this.#lost) throw this.#lost;
  }

  /**
   * Shows lines below all text of the terminal that standard error must be, in the place of those
   * that are there or were. A text that does not end its line gets a line's end from it.
   *
   * @param lines The lines, narrower than the terminal and fewer than it has; none to end it.
   */
  status(lines: readonly string[]): Promise<void> {
    return this.#enqueue(async () => {
      this.#area = encoder.encode(drawArea(lines));
      if (lines.length > 0) await this.#writeTalk(joined(this.#draw()));
      else if (this.#isShown) await this.#writeTalk(joined([this.#remove(), sound]));
    });
  }

  /** Ends the status area at once, for a process that is about to exit or to stop. */
  endStatusSync(): void {
    this.#area = nothing;
    if (!this.#isShown) return;
    try {
      this.#stderr.writeSync(joined([this.#remove(), sound]));
    } catch (error) {
      if (!hasGone(error, true)) throw error;
    }
  }

  /** What writes a text above the status area; two terminals at once are nobody's. */
  #aboveStatus(data: Uint8Array | string): Uint8Array {
    const bytes = bytesOf(data);
    if (bytes.length === 0) return bytes;
    this.#isMidLine = bytes.at(-1) !== newline;
    return this.#isShown ? joined([removal, bytes, ...this.#draw()]) : bytes;
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
      if (hasGone(error, this.isTerminal)) return;
      this.#lost ??= cannotWrite("standard error", error);
    }
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}

/**
 * Returns lines with control characters escaped.
 *
 * @param text The lines, which may end in CR LF; the last one gets the end that it may lack.
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

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

function isWhole(data: Data): data is Uint8Array | string {
  return typeof data === "string" || data instanceof Uint8Array;
}

function cannotWrite(what: string, cause: unknown): LlamaError {
  return new LlamaError("output", `cannot write to ${what}: ${reasonOf(cause)}`, { cause });
}

function bytesOf(data: Uint8Array | string): Uint8Array {
  return typeof data === "string" ? encoder.encode(data) : data;
}

/** Whether whoever read what was written has gone: a pipe's reader, or the terminal. */
function hasGone(error: unknown, isTerminal: boolean): boolean {
  if (error instanceof Deno.errors.BrokenPipe) return true;
  return isTerminal && error instanceof Error && "code" in error && error.code === "EIO";
}

async function writeAll(writer: Writer, data: Uint8Array | string): Promise<void> {
  const bytes = bytesOf(data);
  for (let done = 0; done < bytes.length;) done += await writer.write(bytes.subarray(done));
}
