import assert from "node:assert/strict";
import { CallError, retryAfter } from "../../lib/aws/call_error.ts";
import { patience, type RetryOptions, withRetries } from "../../lib/aws/retry.ts";
import { LlamaError } from "../../lib/errors.ts";

/** A clock that only pauses move. */
function simulated(options: Partial<RetryOptions> = {}) {
  let time = 0;
  const pauses: number[] = [];
  const all: RetryOptions = {
    maxRetries: 8,
    random: () => 1,
    now: () => time,
    sleep: (milliseconds, signal) => {
      signal?.throwIfAborted();
      pauses.push(milliseconds);
      time += milliseconds;
      return Promise.resolve();
    },
    ...options,
  };
  return { pauses, options: all, time: () => time };
}

const lost = new CallError("network", "lost", { retryable: "maybe" });
const refused = new CallError("network", "refused", { retryable: "unsent" });
const throttled = new CallError("throttled", "busy", { retryable: "unsent" });

Deno.test("a call that may have had its effect is retried as often as the policy says", async () => {
  for (const maxRetries of [0, 1, 8]) {
    let attempts = 0;
    const { options } = simulated({ maxRetries });
    const failing = withRetries(() => (attempts++, Promise.reject(lost)), options);
    await assert.rejects(failing, (error) => {
      assert(error instanceof CallError);
      assert.equal(error.message, maxRetries === 0 ? "lost" : `lost (tried ${attempts} times)`);
      return true;
    });
    assert.equal(attempts, maxRetries + 1);
  }
});

Deno.test("pauses double up to a limit, and jitter is full", async () => {
  const { options, pauses } = simulated();
  await assert.rejects(withRetries(() => Promise.reject(lost), options));
  assert.deepEqual(pauses, [100, 200, 400, 800, 1600, 3200, 6400, 12800]);
  const least = simulated({ random: () => 0 });
  await assert.rejects(withRetries(() => Promise.reject(lost), least.options));
  assert.deepEqual(least.pauses, Array(8).fill(0));
  const most = simulated({ maxRetries: 12 });
  await assert.rejects(withRetries(() => Promise.reject(lost), most.options));
  assert.equal(Math.max(...most.pauses), 20_000);
});

Deno.test("a call that had no effect is retried until its time limit", async () => {
  for (const error of [refused, throttled]) {
    const { options, time } = simulated({ maxRetries: 0 });
    await assert.rejects(withRetries(() => Promise.reject(error), options), error.constructor);
    assert.equal(time(), patience[error.code]);
  }
});

Deno.test("the two kinds of failure are counted separately", async () => {
  const failures = [throttled, lost, refused, throttled];
  const { options } = simulated({ maxRetries: 1 });
  const answer = await withRetries(() => {
    const failure = failures.shift();
    return failure ? Promise.reject(failure) : Promise.resolve("answer");
  }, options);
  assert.equal(answer, "answer");
});

Deno.test("a pause is at least as long as Retry-After", async () => {
  const { options, pauses } = simulated({ maxRetries: 1 });
  const busy = new CallError("service", "busy", { retryable: "maybe", afterMilliseconds: 7000 });
  await assert.rejects(withRetries(() => Promise.reject(busy), options));
  assert.deepEqual(pauses, [7000]);
});

Deno.test("a pause is at most a minute, whatever Retry-After says", async () => {
  for (const afterMilliseconds of [60_001, 3_600_000, 2 ** 31, 1e23]) {
    for (const retryable of ["maybe", "unsent"] as const) {
      const { options, pauses } = simulated({ maxRetries: 1, maxAttempts: 2 });
      const busy = new CallError("service", "busy", { retryable, afterMilliseconds });
      await assert.rejects(withRetries(() => Promise.reject(busy), options));
      assert.deepEqual(pauses, [60_000]);
    }
  }
});

Deno.test("Retry-After is seconds or a date", () => {
  const after = (value: string) =>
    retryAfter(new Headers({ "retry-after": value }), Date.UTC(2026));
  assert.equal(after("3"), 3000);
  assert.equal(after("Thu, 01 Jan 2026 00:00:05 GMT"), 5000);
  assert.equal(after("Thu, 01 Jan 2015 00:00:05 GMT"), 0);
  assert.equal(after("soon"), undefined);
  assert.equal(retryAfter(new Headers()), undefined);
});

Deno.test("a permanent failure is not retried", async () => {
  for (const error of [new CallError("service", "no"), new LlamaError("protocol", "no")]) {
    let attempts = 0;
    const { options } = simulated();
    await assert.rejects(withRetries(() => (attempts++, Promise.reject(error)), options), /: no$/);
    assert.equal(attempts, 1);
  }
});

Deno.test("AWS_MAX_ATTEMPTS limits retries of every kind", async () => {
  for (const error of [lost, refused, throttled]) {
    let attempts = 0;
    const { options } = simulated({ maxAttempts: 3 });
    await assert.rejects(withRetries(() => (attempts++, Promise.reject(error)), options));
    assert.equal(attempts, 3);
  }
});

Deno.test("an abort ends a pause at once, with the caller's reason", async () => {
  const controller = new AbortController();
  const started = withRetries(() => Promise.reject(lost), {
    maxRetries: 8,
    random: () => 1e6,
    signal: controller.signal,
    onRetry: () => queueMicrotask(() => controller.abort(new Error("enough"))),
  });
  await assert.rejects(started, /enough/);
});

Deno.test("a call that had no effect has its own abort signal, one that may have had does not", async () => {
  const unsent = new AbortController();
  const { options } = simulated({ unsent: unsent.signal });
  const failures = [throttled, lost, throttled];
  const attempt = () => {
    const [failure] = failures.splice(0, 1);
    return failure ? Promise.reject(failure) : Promise.resolve("done");
  };
  const onRetry = (error: CallError) => {
    if (error === lost) unsent.abort(new Error("enough"));
  };
  assert.equal(await withRetries(attempt, { ...options, onRetry }), "done");
  await assert.rejects(withRetries(() => Promise.reject(throttled), options), /^Error: enough$/);
});
