/**
 * Decides which jobs of a run are stragglers, of which copies are sent.
 *
 * @module
 */

import type { Invoked } from "../cost/cost.ts";

/**
 * The conditions for a copy. Simulated runs with 1 % of hanging jobs chose them: a quantile of the jobs
 * that were started, not of those that ended, stays calm while all jobs run at once; one copy per job
 * is not enough, since copies hang as well; and a limit on their time instead of their number would
 * leave the last stragglers alone.
 */
export const stragglerRules = {
  /** The number of jobs that must have ended. */
  leastEnded: 20,
  /** The part of the started jobs that must have ended. */
  quantile: 0.9,
  /** How many times as long as that quantile a job must have run. */
  factor: 3,
  /** The time that it must have run in any case, in milliseconds. */
  leastMilliseconds: 2000,
  /** The part of the started jobs that may be copied. */
  mostCopied: 0.05,
  /** The number of jobs that may be copied in any case. */
  leastCopied: 2,
  /** The time between two looks at the jobs, in milliseconds. */
  everyMilliseconds: 1000,
} as const;

/** A request in flight. */
export interface OpenRequest {
  /** Returns when it was sent; undefined while Lambda does not have it. */
  readonly sentAt: () => number | undefined;
  /** Sends a copy, which disposes of its place when it has ended. */
  readonly copy: (place: Disposable) => void;
}

/** How a request was answered. */
export interface RequestEnd {
  /** From sending it until the first answer, in milliseconds. */
  readonly tookMilliseconds: number;
  /** Whether a copy was answered first. */
  readonly hasCopyWon: boolean;
  /** The longest time that the request itself could have gone on, in milliseconds; if known. */
  readonly savedMilliseconds: number | undefined;
}

/** A job in flight. */
export class Flight {
  /** Its line. */
  readonly name: string;
  /** The number of copies that were sent, in all attempts. */
  copies = 0;
  /** When the last copy of this request was sent. */
  copiedAt: number | undefined;
  #request: OpenRequest | undefined;
  #end: RequestEnd | undefined;
  #lost: Invoked[] = [];

  /** @param name Its line. */
  constructor(name: string) {
    this.name = name;
  }

  /** The request whose answer is awaited. */
  get request(): OpenRequest | undefined {
    return this.#request;
  }

  /** How the last request was answered. */
  get lastEnd(): RequestEnd | undefined {
    return this.#end;
  }

  /** Notes that a request is sent. */
  begin(request: OpenRequest): void {
    this.#request = request;
    this.#end = undefined;
    this.copiedAt = undefined;
  }

  /** Notes that the request has ended, after which it is not copied. */
  end(end: RequestEnd): void {
    this.#request = undefined;
    this.#end = end;
  }

  /** Adds a request that may be billed although another one was answered first. */
  lost(invoked: Invoked): void {
    this.#lost.push(invoked);
  }

  /** Returns the requests that lost since the last call. */
  takeLost(): readonly Invoked[] {
    return this.#lost.splice(0);
  }
}

/** Options for {@linkcode Stragglers}. */
export interface StragglersOptions {
  /** The maximum number of copies per job. */
  readonly maxCopies: number;
  /** Reports whether copies may be sent: the run goes on, and Lambda has room for more. */
  readonly mayCopy: () => boolean;
  /** Takes one of the run's places, if one is free that no job waits for. */
  readonly takePlace: () => Disposable | undefined;
  /** The clock, in milliseconds. @default {performance.now} */
  readonly now?: (() => number) | undefined;
}

/** A job that is much slower than the others. */
export interface Straggler {
  /** Its line. */
  readonly name: string;
  /** How long it has run, in seconds. */
  readonly seconds: number;
  /** The number of its copies. */
  readonly copies: number;
}

/** Finds the stragglers of a run, and has copies of their requests sent. */
export class Stragglers {
  readonly #options: StragglersOptions;
  readonly #now: () => number;
  readonly #flights = new Set<Flight>();
  /** How long the requests of the jobs that ended took. */
  readonly #took: number[] = [];
  #isSorted = true;
  #copied = 0;
  #copies = 0;

  /** @param options The number of copies, and where they find room. */
  constructor(options: StragglersOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /**
   * Adds a job that starts.
   *
   * @param name Its line.
   */
  start(name: string): Flight {
    const flight = new Flight(name);
    this.#flights.add(flight);
    return flight;
  }

  /** Removes a job that has ended, or was never sent. */
  end(flight: Flight): void {
    this.#flights.delete(flight);
    if (flight.lastEnd === undefined) return;
    this.#took.push(flight.lastEnd.tookMilliseconds);
    this.#isSorted = false;
  }

  /**
   * Sends copies where they are due.
   *
   * @returns The straggler that has run longest; undefined if there is none.
   */
  look(): Straggler | undefined {
    const least = this.#leastMilliseconds();
    if (least === undefined) return undefined;
    const now = this.#now();
    const slow = [...this.#flights].map((flight) => ({ flight, age: ageOf(flight, now) }))
      .filter(({ age }) => age >= least)
      .sort((a, b) => b.age - a.age);
    for (const { flight } of slow) {
      const { request, copiedAt, copies } = flight;
      const isDue = copiedAt === undefined || now - copiedAt >= least;
      if (request === undefined || !isDue || copies >= this.#options.maxCopies) continue;
      if (copies === 0 && this.#copied >= this.#mostCopied()) continue;
      if (!this.#options.mayCopy()) break;
      const place = this.#options.takePlace();
      if (place === undefined) break;
      if (flight.copies++ === 0) this.#copied++;
      this.#copies++;
      flight.copiedAt = now;
      request.copy(place);
    }
    const [slowest] = slow;
    return slowest &&
      {
        name: slowest.flight.name,
        seconds: slowest.age / 1000,
        copies: slowest.flight.copies,
      };
  }

  /** The number of copies that were sent. */
  get copies(): number {
    return this.#copies;
  }

  get #started(): number {
    return this.#took.length + this.#flights.size;
  }

  #mostCopied(): number {
    const { mostCopied, leastCopied } = stragglerRules;
    return Math.max(leastCopied, Math.floor(this.#started * mostCopied));
  }

  /** Returns the time after which a job is a straggler; undefined if too few jobs have ended. */
  #leastMilliseconds(): number | undefined {
    const { leastEnded, quantile, factor, leastMilliseconds } = stragglerRules;
    const rank = Math.ceil(this.#started * quantile);
    if (this.#flights.size === 0 || this.#took.length < Math.max(leastEnded, rank)) {
      return undefined;
    }
    if (!this.#isSorted) this.#took.sort((a, b) => a - b);
    this.#isSorted = true;
    // A job that has not ended counts as slower than all that have.
    return Math.max(leastMilliseconds, factor * (this.#took[rank - 1] ?? Infinity));
  }
}

/** Returns how long a job has waited for the answer to its request, in milliseconds. */
function ageOf({ request, copiedAt }: Flight, now: number): number {
  // If the first request has failed, its copies go on.
  return now - (request?.sentAt() ?? copiedAt ?? now);
}
