/**
 * How many invocations are sent at once when Lambda has no room for all.
 *
 * @module
 */

/** A call on its way. End it once. */
export interface Admission {
  /**
   * The call has ended.
   *
   * @param outcome `ok` if it was let in and answered, `throttled` if it was refused for want of
   * room, `failed` if it says nothing about that.
   */
  end(outcome: "ok" | "throttled" | "failed"): void;
}

/** How much of what Lambda had room for is used after a refusal. */
const decrease = 0.8;

/**
 * Lets calls through, all of them until one is refused, and then as many as there is room for:
 * additive increase, multiplicative decrease. What was let in beside the one that was refused is
 * what there is room for, so a burst that is refused in part shows the limit by itself.
 */
export class AdaptiveLimit {
  #limit = Infinity;
  #inFlight = 0;
  #successes = 0;
  readonly #waiting = new Set<() => void>();

  /** How many calls may be on their way; infinite until one was refused. */
  get limit(): number {
    return this.#limit;
  }

  /** How many calls are on their way. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Waits for room.
   *
   * @param signal Ends the wait.
   * @returns The call's admission.
   * @throws The signal's reason.
   */
  async enter(signal?: AbortSignal): Promise<Admission> {
    signal?.throwIfAborted();
    if (this.#inFlight < this.#limit) {
      this.#inFlight++;
    } else {
      // Whoever leaves takes the next one in, so a call counts before its turn has come.
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
    // A limit that nobody waits at says nothing about the room behind it.
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
