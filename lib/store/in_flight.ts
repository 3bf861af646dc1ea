/**
 * Deduplicates concurrent identical work.
 *
 * @module
 */

import { CallError } from "../aws/call_error.ts";
import { unlessAborted } from "../async/concurrency.ts";

/** A piece of work. */
export type Work = (signal: AbortSignal) => Promise<void>;

interface Flight {
  readonly done: Promise<void>;
  readonly end: AbortController;
  waiting: number;
}

/** Work in progress, by key. */
export class InFlight {
  readonly #flights = new Map<string, Flight>();

  /**
   * Does some work, or waits for the same work if it is in progress.
   *
   * @param key Identifies the work.
   * @param work Does it; its signal is aborted when no caller waits for it any more.
   * @param signal Ends the wait; the last caller to leave waits until the work has ended.
   * @throws The work's failure, or the signal's reason.
   */
  async join(key: string, work: Work, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      const others = this.#flights.get(key);
      const flight = others ?? this.#start(key, work);
      try {
        return await this.#wait(key, flight, signal);
      } catch (error) {
        // S3's errors affect all callers; a file error may affect only the other caller's file.
        if (!others || error instanceof CallError) throw error;
      }
    }
  }

  #start(key: string, work: Work): Flight {
    const end = new AbortController();
    const flight = {
      done: work(end.signal).finally(() => this.#remove(key, flight)),
      end,
      waiting: 0,
    };
    this.#flights.set(key, flight);
    return flight;
  }

  async #wait(key: string, flight: Flight, signal: AbortSignal | undefined): Promise<void> {
    flight.waiting++;
    try {
      await unlessAborted(flight.done, signal);
    } finally {
      if (--flight.waiting === 0) {
        this.#remove(key, flight);
        flight.end.abort(signal?.reason);
        await flight.done.catch(() => {});
      }
    }
  }

  #remove(key: string, flight: Flight): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}
