/**
 * Buffers that are used again.
 *
 * @module
 */

/** How many buffers wait for their next use at most. */
const mostSpare = 32;

/** Buffers of one size. A new one for each use would be garbage, which is collected late. */
export class BufferPool {
  readonly #size: number;
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];

  /** @param size Their size in bytes. */
  constructor(size: number) {
    this.#size = size;
  }

  /**
   * Gives a buffer out.
   *
   * @returns A buffer with anything in it.
   */
  take(): Uint8Array<ArrayBuffer> {
    return this.#spare.pop() ?? new Uint8Array(this.#size);
  }

  /**
   * Takes a buffer back.
   *
   * @param buffer A buffer that nobody uses any more.
   */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    if (this.#spare.length < mostSpare && buffer.length === this.#size) this.#spare.push(buffer);
  }
}
