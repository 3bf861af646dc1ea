/**
 * Standard output and standard error.
 *
 * @module
 */

import { LlamaError, reasonOf } from "../errors.ts";

/** Whoever read standard output has gone. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

/** Where a program writes; `Deno.stdout` and `Deno.stderr` are two. */
export interface Writer {
  /** Writes some or all of the bytes, and says how many. */
  write(bytes: Uint8Array): Promise<number>;
}

/** Writes each piece whole, and one after the other, however many write at once. */
export class Output {
  readonly #stdout: Writer;
  readonly #stderr: Writer;
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
  }

  /**
   * Writes data.
   *
   * @param data Bytes, or text that is written as it is.
   * @throws {OutputClosed} If nobody reads it any more.
   * @throws {LlamaError} `output` if it cannot be written, as on a full disk.
   */
  data(data: Uint8Array | string): Promise<void> {
    return this.#enqueue(async () => {
      try {
        await writeAll(this.#stdout, data);
      } catch (cause) {
        if (cause instanceof Deno.errors.BrokenPipe) throw new OutputClosed("", { cause });
        throw cannotWrite("standard output", cause);
      }
    });
  }

  /**
   * Writes what a command wrote to its standard error, or anything else that is not ours. That it
   * cannot be written is no reason to stop working: {@linkcode Output.flush} tells in the end.
   *
   * @param data Bytes, or text that is written as it is.
   */
  talk(data: Uint8Array | string): Promise<void> {
    return this.#enqueue(async () => {
      try {
        await writeAll(this.#stderr, data);
      } catch (error) {
        if (error instanceof Deno.errors.BrokenPipe) return;
        this.#lost ??= cannotWrite("standard error", error);
      }
    });
  }

  /**
   * Writes a message of llama's own.
   *
   * @param text One line, without its end.
   */
  message(text: string): Promise<void> {
    return this.talk(`llama: ${text}\n`);
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

  #enqueue(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}

const encoder = new TextEncoder();

function cannotWrite(what: string, cause: unknown): LlamaError {
  return new LlamaError("output", `cannot write to ${what}: ${reasonOf(cause)}`, { cause });
}

async function writeAll(writer: Writer, data: Uint8Array | string): Promise<void> {
  const bytes = typeof data === "string" ? encoder.encode(data) : data;
  for (let done = 0; done < bytes.length;) done += await writer.write(bytes.subarray(done));
}
