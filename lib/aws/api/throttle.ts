/**
 * Limits concurrent invocations while Lambda is throttling.
 *
 * @module
 */

/** A call in flight. It is ended once. */
export interface Admission {
  /**
   * Ends the call.
   *
   * @param outcome `ok` if Lambda accepted it, `throttled` if Lambda throttled it, `failed` if it
   * says nothing about throttling.
   */
  end(outcome: "ok" | "throttled" | "failed"): void;
}

/** The factor applied to the concurrency that Lambda accepted when it throttles a call. */
const decrease = 0.8;

/**
 * A concurrency limit with additive increase and multiplicative decrease, which begins with the first
 * throttled call. The calls that Lambda accepted besides the throttled one show its limit, so a
 * partly throttled burst finds the limit at once.
 */
export class AdaptiveLimit {
  #limit = Infinity;
  #inFlight = 0;
  #successes = 0;
  readonly #waiting = new Set<() => void>();

  /** The limit on calls in flight; infinite until one is throttled. */
  get limit(): number {
    return this.#limit;
  }

  /** The number of calls in flight. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Whether another call would be admitted at once. */
  get hasRoom(): boolean {
    return this.#waiting.size === 0 && this.#inFlight < this.#limit;
  }

  /**
   * Waits until the limit allows another call.
   *
   * @param signal Aborts the wait.
   * @returns The call's admission.
   * @throws The signal's reason.
   */
  async enter(signal?: AbortSignal): Promise<Admission> {
    signal?.throwIfAborted();
    if (this.#inFlight < this.#limit) {
      this.#inFlight++;
    } else {
      // #admit counts the call before it wakes the waiter.
      await new Promise<void>((resolve, reject) => {
        const enter = () => {
          signal?.removeEventListener("abort", leave);
          resolve();
        };
        const leave = () => {
          this.#waiting.delete(enter);
          reject(signal?.reason);
        };
        this.#waiting.add(enter);
        signal?.addEventListener("abort", leave, { once: true });
      });
    }
    let ended = false;
    return {
      end: (outcome) => {
        if (ended) return;
        ended = true;
        this.#inFlight--;
        if (outcome === "throttled") this.#shrink();
        if (outcome === "ok") this.#grow();
        this.#admit();
      },
    };
  }

  #shrink(): void {
    this.#limit = Math.max(1, Math.min(this.#limit, Math.floor(this.#inFlight * decrease)));
    this.#successes = 0;
  }

  #grow(): void {
    // Without waiting calls, the limit was not reached, so its success says nothing.
    if (this.#waiting.size === 0 || ++this.#successes < this.#limit) return;
    this.#successes = 0;
    this.#limit++;
  }

  #admit(): void {
    for (const enter of this.#waiting) {
      if (this.#inFlight >= this.#limit) return;
      this.#waiting.delete(enter);
      this.#inFlight++;
      enter();
    }
  }
}
