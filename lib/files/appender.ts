/**
 * Appends text to a file that may be slow.
 *
 * @module
 */

/** Text that waits to be written. */
interface Batch {
  text: string;
  readonly written: PromiseWithResolvers<void>;
}

/** Appends text in the order of the calls. Text added during a write is batched into the next one. */
export class Appender {
  readonly #put: (text: string) => Promise<void>;
  #next: Batch | undefined;
  #isWriting = false;
  /** Set after a failed write, which may have left a partial line: nothing more is written. */
  #failure: { readonly error: unknown } | undefined;

  /** @param put Writes text. */
  constructor(put: (text: string) => Promise<void>) {
    this.#put = put;
  }

  /**
   * Adds text.
   *
   * @param text Whole lines.
   * @returns Resolves when it is written.
   * @throws What the first failed write threw.
   */
  append(text: string): Promise<void> {
    this.#next ??= { text: "", written: Promise.withResolvers() };
    this.#next.text += text;
    const { promise } = this.#next.written;
    if (!this.#isWriting) void this.#write();
    return promise;
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    for (let batch; (batch = this.#next) !== undefined;) {
      this.#next = undefined;
      try {
        if (this.#failure !== undefined) throw this.#failure.error;
        await this.#put(batch.text);
        batch.written.resolve();
      } catch (error) {
        this.#failure ??= { error };
        batch.written.reject(error);
      }
    }
    this.#isWriting = false;
  }
}
