/**
 * Work that many want and that is done once.
 *
 * @module
 */

import { CallError } from "../aws/call_error.ts";
import { unlessAborted } from "../async/concurrency.ts";

/** Does a piece of work. */
export type Work = (signal: AbortSignal) => Promise<void>;

interface Flight {
  readonly done: Promise<void>;
  readonly end: AbortController;
  waiting: number;
}

/** The work that is under way, by a key: who wants the same waits for it. */
export class InFlight {
  readonly #flights = new Map<string, Flight>();

  /**
   * Does some work, or waits for somebody else's that does the same.
   *
   * @param key What the work does.
   * @param work Does it; its signal is aborted when nobody waits for it any more.
   * @param signal Ends the wait; whoever is the last to leave waits until the work has ended.
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
        // What S3 says concerns all; another's file may be unreadable where this one's is not.
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
