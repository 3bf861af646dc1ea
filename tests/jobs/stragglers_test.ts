import assert from "node:assert/strict";
import { type Flight, Stragglers } from "../../lib/jobs/stragglers.ts";

/** A policy with a clock that is set, and jobs that end when they are told to. */
class Bench {
  now = 0;
  places = Infinity;
  mayCopy = true;
  /** The names of the jobs that were copied. */
  readonly copied: string[] = [];
  readonly policy: Stragglers;
  readonly #originals = new Map<Flight, number | undefined>();

  constructor(maxCopies = 2) {
    this.policy = new Stragglers({
      maxCopies,
      now: () => this.now,
      mayCopy: () => this.mayCopy,
      takePlace: () => this.places-- > 0 ? { [Symbol.dispose]() {} } : undefined,
    });
  }

  /** Starts a job that Lambda has, unless it was not sent. */
  start(name: string, isSent = true): Flight {
    const flight = this.policy.start(name);
    this.retry(flight, isSent);
    return flight;
  }

  /** Sends the request of a job, perhaps not its first. */
  retry(flight: Flight, isSent = true): void {
    this.#originals.set(flight, isSent ? this.now : undefined);
    flight.begin({
      sentAt: () => this.#originals.get(flight),
      copy: () => void this.copied.push(flight.name),
    });
  }

  end(flight: Flight, tookMilliseconds: number): void {
    flight.end({ tookMilliseconds, hasCopyWon: false, savedMilliseconds: undefined });
    this.policy.end(flight);
  }

  /** Has jobs start and end, which take 1 to `count` times `unit` milliseconds. */
  history(count: number, unit: number): void {
    for (let i = 1; i <= count; i++) this.end(this.start(`ended ${i}`), i * unit);
  }

  /** Forgets that a job's first request was sent: it has failed. */
  fail(flight: Flight): void {
    this.#originals.set(flight, undefined);
  }

  /** Looks at a time, and returns the jobs that were copied. */
  lookAt(now: number): string[] {
    this.now = now;
    this.policy.look();
    return this.copied.splice(0);
  }
}

Deno.test("a job is copied once it has taken three times the 90th percentile of those started", () => {
  const bench = new Bench();
  // Of 20 jobs, the 18th in order of duration took 18 s.
  bench.history(19, 1000);
  bench.start("slow");
  assert.deepEqual(bench.lookAt(53_999), []);
  bench.end(bench.start("another"), 1000);
  // Of 21, it is the 19th: 18 s still, since one more was fast.
  assert.deepEqual(bench.lookAt(53_999), []);
  assert.deepEqual(bench.lookAt(54_000), ["slow"]);
});

Deno.test("no job is copied before 20 jobs have ended", () => {
  const bench = new Bench();
  bench.history(19, 100);
  bench.start("slow");
  assert.deepEqual(bench.lookAt(1e6), []);
  bench.end(bench.start("the twentieth"), 100);
  assert.deepEqual(bench.lookAt(1e6), ["slow"]);
});

Deno.test("no job is copied before 90 % of those started have ended", () => {
  const bench = new Bench();
  bench.history(26, 100);
  const [first] = Array.from({ length: 3 }, (_, i) => bench.start(`slow ${i}`));
  // 26 of 29 are 89.7 %.
  assert.deepEqual(bench.lookAt(1e6), []);
  assert(first);
  bench.end(first, 100);
  assert.deepEqual(bench.lookAt(1e6), ["slow 1", "slow 2"]);
});

Deno.test("no job is copied before it has run for 2 s", () => {
  const bench = new Bench();
  bench.history(20, 1);
  bench.start("slow");
  assert.deepEqual(bench.lookAt(1999), []);
  assert.deepEqual(bench.lookAt(2000), ["slow"]);
});

Deno.test("a second copy is measured from the first, and there are no more than the maximum", () => {
  const bench = new Bench(2);
  bench.history(20, 1);
  bench.start("slow");
  assert.deepEqual(bench.lookAt(2500), ["slow"]);
  assert.deepEqual(bench.lookAt(4499), []);
  assert.deepEqual(bench.lookAt(4500), ["slow"]);
  assert.deepEqual(bench.lookAt(1e6), []);
  assert.equal(bench.policy.copies, 2);
});

Deno.test("at most 5 % of the jobs are copied, and at least two", () => {
  for (const [ended, slow, most] of [[27, 3, 2], [57, 6, 3], [100, 11, 5]] as const) {
    const bench = new Bench(1);
    bench.history(ended, 1);
    for (let i = 0; i < slow; i++) bench.start(`slow ${i}`);
    assert.equal(bench.lookAt(5000).length, most);
    assert.deepEqual(bench.lookAt(10_000), []);
  }
});

Deno.test("the job that has run longest is copied first, and only into free places", () => {
  const bench = new Bench();
  bench.history(20, 1);
  bench.start("oldest");
  bench.now = 500;
  bench.start("old");
  bench.places = 0;
  assert.deepEqual(bench.lookAt(3000), []);
  bench.places = 1;
  assert.deepEqual(bench.lookAt(3000), ["oldest"]);
  bench.places = 1;
  assert.deepEqual(bench.lookAt(3100), ["old"]);
});

Deno.test("no job is copied once the run is ending, or while Lambda has no room", () => {
  const bench = new Bench();
  bench.history(20, 1);
  bench.start("slow");
  bench.mayCopy = false;
  assert.deepEqual(bench.lookAt(9000), []);
  assert.equal(bench.places, Infinity);
});

Deno.test("a job that waits for Lambda's capacity is no straggler", () => {
  const bench = new Bench();
  bench.history(20, 1);
  bench.start("throttled", false);
  assert.deepEqual(bench.lookAt(9000), []);
  assert.equal(bench.policy.look(), undefined);
});

Deno.test("a job that ended without being sent counts for nothing", () => {
  const bench = new Bench();
  bench.history(19, 1);
  bench.policy.end(bench.policy.start("not sent"));
  bench.start("slow");
  assert.deepEqual(bench.lookAt(9000), []);
});

Deno.test("the copy of a job whose first request failed is copied in its turn", () => {
  const bench = new Bench(2);
  bench.history(20, 1);
  const slow = bench.start("slow");
  assert.deepEqual(bench.lookAt(2000), ["slow"]);
  bench.fail(slow);
  assert.deepEqual(bench.lookAt(3999), []);
  assert.deepEqual(bench.lookAt(4000), ["slow"]);
});

Deno.test("a job that was copied may be copied again after as many jobs as allowed were copied", () => {
  const bench = new Bench(2);
  bench.history(38, 1);
  bench.start("one");
  bench.start("two");
  assert.deepEqual(bench.lookAt(2000), ["one", "two"]);
  assert.deepEqual(bench.lookAt(4000), ["one", "two"]);
  assert.deepEqual(bench.lookAt(6000), []);
});

Deno.test("a retry is measured from its own request, and knows nothing of the earlier answer", () => {
  const bench = new Bench(2);
  bench.history(20, 1);
  const slow = bench.start("slow");
  assert.deepEqual(bench.lookAt(2000), ["slow"]);
  slow.end({ tookMilliseconds: 2500, hasCopyWon: true, savedMilliseconds: 1 });
  bench.now = 2500;
  bench.retry(slow);
  assert.deepEqual([slow.lastEnd, slow.copiedAt, slow.copies], [undefined, undefined, 1]);
  assert.deepEqual(bench.lookAt(4000), []);
  assert.deepEqual(bench.lookAt(4500), ["slow"]);
  assert.deepEqual(bench.lookAt(9000), []);
});

Deno.test("the straggler that has run longest is named", () => {
  const bench = new Bench(1);
  bench.history(30, 1);
  bench.start("oldest");
  bench.now = 500;
  bench.start("old");
  bench.lookAt(3000);
  assert.deepEqual(bench.policy.look(), { name: "oldest", seconds: 3, copies: 1 });
});

/** A seeded generator of numbers in [0, 1): mulberry32. */
function randomFrom(seed: number): () => number {
  return () => {
    seed = seed + 0x6d2b79f5 | 0;
    let t = Math.imul(seed ^ seed >>> 15, 1 | seed);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
}

/** Options for a simulated run. */
interface Simulated {
  seed: number;
  jobs: number;
  concurrency: number;
  /** The part of the calls that hang until the timeout. */
  hanging: number;
  maxCopies: number;
}

const timeout = 300_000;

/** A call of a simulated run. */
interface SimulatedCall {
  readonly job: number;
  readonly end: number;
}

/** Simulates a run of jobs of about 5 s; returns its duration in ms and the number of jobs copied. */
function simulate({ seed, jobs, concurrency, hanging, maxCopies }: Simulated) {
  const random = randomFrom(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const duration = () => random() < hanging ? timeout : 5000 * Math.exp(0.5 * normal());
  let now = 0;
  let free = concurrency;
  let calls: SimulatedCall[] = [];
  let next = 0;
  const flights = new Map<number, { flight: Flight; began: number }>();
  const copied = new Set<number>();
  const begin = (job: number) => {
    free--;
    calls.push({ job, end: now + duration() });
  };
  const policy = new Stragglers({
    maxCopies,
    now: () => now,
    mayCopy: () => true,
    takePlace: () => free > 0 && next >= jobs ? { [Symbol.dispose]() {} } : undefined,
  });
  while (next < jobs || flights.size > 0) {
    for (; next < jobs && free > 0; next++) {
      const [job, began] = [next, now];
      const flight = policy.start(String(job));
      flight.begin({
        sentAt: () => began,
        copy: () => {
          copied.add(job);
          begin(job);
        },
      });
      flights.set(job, { flight, began });
      begin(job);
    }
    const look = Math.floor(now / 1000) * 1000 + 1000;
    const first = calls.reduce((a, b) => b.end < a.end ? b : a);
    now = Math.min(look, first.end);
    if (now === look) policy.look();
    if (now !== first.end) continue;
    const ended = flights.get(first.job);
    assert(ended);
    const tookMilliseconds = now - ended.began;
    ended.flight.end({ tookMilliseconds, hasCopyWon: false, savedMilliseconds: undefined });
    policy.end(ended.flight);
    flights.delete(first.job);
    free += calls.filter(({ job }) => job === first.job).length;
    calls = calls.filter(({ job }) => job !== first.job);
  }
  return { end: now, copied: copied.size };
}

Deno.test("copies save a run of 1,000 jobs from the 1 % of them that hang, and cost next to nothing", () => {
  for (let seed = 1; seed <= 8; seed++) {
    const run = { seed, jobs: 1000, concurrency: 200 };
    const alone = simulate({ ...run, hanging: 0.01, maxCopies: 0 });
    assert(alone.end >= timeout, `seed ${seed}: ${alone.end}`);
    const helped = simulate({ ...run, hanging: 0.01, maxCopies: 2 });
    assert(helped.end < 90_000 && helped.copied <= 50, `seed ${seed}: ${JSON.stringify(helped)}`);
    const calm = simulate({ ...run, hanging: 0, maxCopies: 2 });
    assert(calm.copied <= 3, `seed ${seed}: ${calm.copied} of 1,000 jobs were copied in vain`);
  }
});
