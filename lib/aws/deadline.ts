/**
 * Timeouts of attempts.
 *
 * @module
 */

import { onAbort } from "../async/on_abort.ts";
import { maxTimerMilliseconds } from "../limits.ts";

/** The deadlines that are not disposed of. */
const pending = new Set<Deadline>();

/** The timer of the earliest of them: one for all, since most calls end long before theirs. */
let timer: { readonly id: ReturnType<typeof setTimeout>; readonly end: number } | undefined;

/** An abort signal for one attempt: the caller's, or a timeout. */
export class Deadline implements Disposable {
  /** Whether the timeout has passed. */
  isOver = false;
  readonly #controller = new AbortController();
  readonly #milliseconds: number;
  readonly #listening: Disposable | undefined;
  #end: number;

  /**
   * @param milliseconds The timeout.
   * @param signal The caller's signal.
   */
  constructor(milliseconds: number, signal: AbortSignal | undefined) {
    this.#milliseconds = milliseconds;
    this.#end = performance.now() + milliseconds;
    this.#listening = signal && onAbort(signal, () => this.#controller.abort(signal.reason));
    pending.add(this);
    setTimer(this.#end);
  }

  /** Aborted by the caller's signal or the timeout. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** When the timeout passes, by `performance.now()`. */
  get end(): number {
    return this.#end;
  }

  /** Restarts the timeout. */
  restart(): void {
    this.#end = performance.now() + this.#milliseconds;
  }

  /** Aborts the signal. */
  pass(): void {
    this.isOver = true;
    this.#controller.abort();
  }

  /** Ends the timeout. */
  [Symbol.dispose](): void {
    this.#listening?.[Symbol.dispose]();
    pending.delete(this);
    if (pending.size > 0) return;
    clearTimeout(timer?.id);
    timer = undefined;
  }
}

/**
 * Sets the timer, unless it is earlier. It may turn out too early, since deadlines are restarted and
 * disposed of meanwhile.
 */
function setTimer(end: number): void {
  if (timer !== undefined && timer.end <= end) return;
  clearTimeout(timer?.id);
  const left = Math.min(Math.ceil(end - performance.now()), maxTimerMilliseconds);
  timer = { id: setTimeout(passAll, left), end };
}

/** Passes the deadlines that are due, and waits for the others. */
function passAll(): void {
  timer = undefined;
  const now = performance.now();
  let next = Infinity;
  for (const deadline of pending) {
    if (deadline.end <= now) {
      pending.delete(deadline);
      deadline.pass();
    } else next = Math.min(next, deadline.end);
  }
  if (pending.size > 0) setTimer(next);
}
