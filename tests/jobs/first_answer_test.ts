import assert from "node:assert/strict";
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
  places = 0;
  readonly answer: Promise<string>;

  constructor(timeoutSeconds?: number) {
    const { signal } = this.stop;
    const first = { signal, admission: undefined, spans: this.spans, delivery: this.delivery };
    const make = (call: Call) => {
      const answer = Promise.withResolvers<string>();
      this.calls.push({ ...call, ...answer });
      Object.assign(call.delivery, { mayHaveRun: true, sentAt: performance.now() - 50 });
      using _span = call.spans?.span("invoke");
      call.signal?.addEventListener("abort", () => answer.reject(call.signal?.reason));
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
