/**
 * Buffers for reading, and a pool that reuses them.
 *
 * @module
 */

/** The size of reads from a file, in bytes. */
export const readSize = 1024 * 1024;

/** The maximum number of unused buffers. */
const mostSpare = 32;

/** A pool of buffers of one size, which avoids garbage. */
export class BufferPool {
  readonly #size: number;
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];

  /** @param size Their size in bytes. */
  constructor(size: number) {
    this.#size = size;
  }

  /**
   * Returns a buffer with arbitrary contents.
   */
  take(): Uint8Array<ArrayBuffer> {
    return this.#spare.pop() ?? new Uint8Array(this.#size);
  }

  /**
   * Returns a buffer to the pool.
   *
   * @param buffer The buffer, which must not be used any more.
   */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    if (this.#spare.length < mostSpare && buffer.length === this.#size) this.#spare.push(buffer);
  }
}
