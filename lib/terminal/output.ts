/**
 * Standard output and standard error.
 *
 * @module
 */

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
   */
  data(data: Uint8Array | string): Promise<void> {
    return this.#enqueue(async () => {
      try {
        await writeAll(this.#stdout, data);
      } catch (cause) {
        if (cause instanceof Deno.errors.BrokenPipe) throw new OutputClosed("", { cause });
        throw cause;
      }
    });
  }

  /**
   * Writes what a command wrote to its standard error, or anything else that is not ours.
   *
   * @param data Bytes, or text that is written as it is.
   */
  talk(data: Uint8Array | string): Promise<void> {
    return this.#enqueue(async () => {
      try {
        await writeAll(this.#stderr, data);
      } catch (error) {
        // Nobody listens; that is no reason to stop working.
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
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

  #enqueue(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}

const encoder = new TextEncoder();

async function writeAll(writer: Writer, data: Uint8Array | string): Promise<void> {
  const bytes = typeof data === "string" ? encoder.encode(data) : data;
  for (let done = 0; done < bytes.length;) done += await writer.write(bytes.subarray(done));
}
