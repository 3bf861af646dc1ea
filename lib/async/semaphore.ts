/**
 * A weighted semaphore.
 *
 * @module
 */

import { onAbort } from "./on_abort.ts";

/** A permit. Not an object literal: with a computed key, that takes a hundred times as long. */
class Permit implements Disposable {
  readonly #weight: number;
  readonly #release: (weight: number) => void;

  constructor(weight: number, release: (weight: number) => void) {
    this.#weight = weight;
    this.#release = release;
  }

  [Symbol.dispose](): void {
    this.#release(this.#weight);
  }
}

/** A weighted semaphore with a FIFO queue. */
export class Semaphore {
  #count: number;
  #free: number;
  readonly #waiting = new Set<{ weight: number; enter: () => void }>();

  readonly #release = (weight: number): void => {
    this.#free += weight;
    for (const next of this.#waiting) {
      if (next.weight > this.#free) return;
      this.#waiting.delete(next);
      this.#free -= next.weight;
      next.enter();
    }
  };

  /** @param count The total weight of permits. */
  constructor(count: number) {
    this.#count = count;
    this.#free = count;
  }

  /**
   * Raises the total weight of permits; a smaller value is ignored.
   *
   * @param count The new total weight.
   */
  raise(count: number): void {
    const more = Math.max(0, count - this.#count);
    this.#count += more;
    this.#release(more);
  }

  /**
   * Waits for a permit.
   *
   * @param signal Aborts the wait.
   * @param weight The permit's weight, capped at the total.
   * @returns A permit, which is released when it is disposed of.
   * @throws The signal's reason.
   */
  async acquire(signal?: AbortSignal, weight = 1): Promise<Disposable> {
    signal?.throwIfAborted();
    const taken = Math.min(weight, this.#count);
    // FIFO, so heavy waiters are not starved.
    if (this.#waiting.size === 0 && taken <= this.#free) {
      this.#free -= taken;
    } else {
      await new Promise<void>((resolve, reject) => {
        const waiting = {
          weight: taken,
          enter: () => {
            listening?.[Symbol.dispose]();
            resolve();
          },
        };
        this.#waiting.add(waiting);
        const listening = signal && onAbort(signal, () => {
          this.#waiting.delete(waiting);
          this.#release(0);
          reject(signal.reason);
        });
      });
    }
    return new Permit(taken, this.#release);
  }

  /**
   * Takes a permit that is free and that nobody waits for.
   *
   * @returns The permit, which is released when it is disposed of; undefined if there is none.
   */
  tryAcquire(): Disposable | undefined {
    if (this.#waiting.size > 0 || this.#free < 1) return undefined;
    this.#free--;
    return new Permit(1, this.#release);
  }
}
