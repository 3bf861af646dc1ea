import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { FunctionError } from "../../lib/errors.ts";
import { type Call, firstAnswer } from "../../lib/jobs/first_answer.ts";
import { Flight } from "../../lib/jobs/stragglers.ts";
import { Spans } from "../../lib/spans.ts";

/** A request whose calls are answered as the test says. */
class Bench {
  readonly flight = new Flight("line");
  readonly spans = new Spans();
  readonly delivery = { mayHaveRun: false };
  readonly calls: (Call & PromiseWithResolvers<string>)[] = [];
  readonly stop = new AbortController();
  readonly unsent = new AbortController();
  places = 0;
  /** How long canceled calls take to close their connections. */
  hold: Promise<void> = Promise.resolve();
  readonly answer: Promise<string>;

  constructor(timeoutSeconds?: number) {
    const { signal } = this.stop;
    const { signal: admission } = this.unsent;
    const first = { signal, admission, spans: this.spans, delivery: this.delivery };
    const make = (call: Call) => {
      const answer = Promise.withResolvers<string>();
      this.calls.push({ ...call, ...answer });
      Object.assign(call.delivery, { mayHaveRun: true, sentAt: performance.now() - 50 });
      using _span = call.spans?.span("invoke");
      call.signal?.addEventListener("abort", async () => {
        await this.hold;
        answer.reject(call.signal?.reason);
      });
      return answer.promise;
    };
    this.answer = firstAnswer(make, first, this.flight, timeoutSeconds);
  }

  copy(): void {
    this.places++;
    this.flight.request?.copy({ [Symbol.dispose]: () => void this.places-- });
  }
}

const crash = (logTail?: string) =>
  new FunctionError("f", {
    errorType: "Runtime.ExitError",
    errorMessage: "crashed",
    missingObjects: [],
    logTail,
  });

Deno.test("the first answer wins, and the other calls are canceled and counted as costs", async () => {
  const bench = new Bench(60);
  bench.copy();
  bench.copy();
  bench.calls[1]?.resolve("of the first copy");
  assert.equal(await bench.answer, "of the first copy");
  assert.deepEqual(bench.calls.map(({ signal }) => signal?.aborted), [true, false, true]);
  assert.equal(bench.places, 0);
  const { hasCopyWon, savedMilliseconds = 0, tookMilliseconds = 0 } = bench.flight.lastEnd ?? {};
  assert(hasCopyWon && tookMilliseconds >= 50 && savedMilliseconds === 60_000 - tookMilliseconds);
  const lost = bench.flight.takeLost();
  assert.equal(lost.length, 2);
  assert(lost.every(({ elapsedMilliseconds }) => elapsedMilliseconds >= 50));
  assert.deepEqual(bench.flight.takeLost(), []);
  assert.deepEqual(
    bench.spans.all.map(({ name, isLost = false }) => [name, isLost]),
    [["invoke", true], ["copy", false], ["copy", true]],
  );
  assert(bench.delivery.mayHaveRun);
  assert.equal(bench.flight.request, undefined);
});

Deno.test("the first call may win against its copy", async () => {
  const bench = new Bench(60);
  bench.copy();
  bench.calls[0]?.resolve("of the first call");
  assert.equal(await bench.answer, "of the first call");
  assert.equal(bench.flight.lastEnd?.hasCopyWon, false);
  assert.equal(bench.flight.takeLost().length, 1);
  assert.equal(bench.places, 0);
});

Deno.test("a failure loses against a copy in flight, and its own log states its cost", async () => {
  const bench = new Bench(60);
  bench.copy();
  bench.calls[0]?.reject(crash("REPORT"));
  // The first call has failed, so nothing could have been saved.
  await bench.calls[0]?.promise.catch(() => {});
  assert.equal(bench.flight.request?.sentAt(), undefined);
  bench.calls[1]?.resolve("of the copy");
  assert.equal(await bench.answer, "of the copy");
  assert.deepEqual(bench.flight.takeLost().map(({ logTail }) => logTail), ["REPORT"]);
  assert.equal(bench.flight.lastEnd?.savedMilliseconds, undefined);
});

Deno.test("the failure of the first call counts if all calls fail", async () => {
  const bench = new Bench();
  bench.copy();
  bench.calls[1]?.reject(new Error("of the copy"));
  bench.calls[0]?.reject(crash());
  await assert.rejects(bench.answer, /crashed/);
  // The cost of the first call is that of the attempt.
  assert.equal(bench.flight.takeLost().length, 1);
  assert.equal(bench.flight.lastEnd?.hasCopyWon, false);
  assert.equal(bench.places, 0);
});

Deno.test("a canceled job cancels its copies", async () => {
  const bench = new Bench();
  bench.copy();
  bench.stop.abort(new Error("canceled"));
  await assert.rejects(bench.answer, /canceled/);
  assert.equal(bench.places, 0);
});

Deno.test("what cancels a job that waits for Lambda's capacity cancels its copies there, too", async () => {
  const bench = new Bench();
  bench.copy();
  bench.unsent.abort();
  assert.deepEqual(
    bench.calls.map(({ signal, admission }) => [signal?.aborted, admission?.aborted]),
    [[false, true], [false, true]],
  );
  bench.calls[0]?.resolve("of the first call");
  await bench.answer;
  assert.equal(bench.calls[1]?.admission?.aborted, true);
});

Deno.test("a copy that Lambda did not get costs nothing, and a failed call until its failure", async () => {
  const bench = new Bench(60);
  bench.copy();
  bench.copy();
  const [first, waiting, last] = bench.calls;
  Object.assign(waiting?.delivery ?? {}, { mayHaveRun: false, sentAt: undefined });
  const elapsed = () => performance.now() - (first?.delivery.sentAt ?? 0);
  first?.reject(crash());
  await turn();
  const failed = elapsed();
  while (elapsed() < failed + 1) await turn();
  last?.resolve("of the last");
  assert.equal(await bench.answer, "of the last");
  const lost = bench.flight.takeLost();
  assert.equal(lost.length, 1);
  assert((lost[0]?.elapsedMilliseconds ?? Infinity) <= failed);
});

Deno.test("the answer waits until the connections of the other calls are closed", async () => {
  const bench = new Bench();
  const closing = Promise.withResolvers<void>();
  bench.hold = closing.promise;
  bench.copy();
  bench.calls[1]?.resolve("of the copy");
  let isAnswered = false;
  const answered = bench.answer.then(() => void (isAnswered = true));
  await turn();
  assert.deepEqual([isAnswered, bench.calls[0]?.signal?.aborted], [false, true]);
  closing.resolve();
  await answered;
});
