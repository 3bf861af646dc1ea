/** Once a run has ended, no attempt is started, for whatever reason it ended. */

import assert from "node:assert/strict";
import { Llama, LlamaError, type MapOptions } from "../../mod.ts";
import { functionError, InvokeStub, logHeader } from "../invoke_stub.ts";

const log =
  "REPORT RequestId: x\tDuration: 1 ms\tBilled Duration: 1000 ms\tMemory Size: 1024 MB\t" +
  "Max Memory Used: 40 MB\t\n";

/**
 * Runs 50 jobs, five at once, that all fail and may be repeated a hundred times each. The fifth
 * request ends the run; the others are answered only after it has.
 */
async function requestsAfterTheEnd(
  options: MapOptions,
  end: () => void = () => {},
): Promise<{ requests: number; error: unknown }> {
  const atOnce = 5;
  const everybody = Promise.withResolvers<void>();
  let count = 0;
  await using lambda = new InvokeStub(async () => {
    if (++count === atOnce) {
      end();
      everybody.resolve();
    }
    await everybody.promise;
    const payload = { errorType: "Runtime.ExitError", errorMessage: "it crashed" };
    return options.maxDollars === undefined
      ? functionError("Llama.Internal")
      : Response.json(payload, {
        headers: { "x-amz-function-error": "Unhandled", ...logHeader(log) },
      });
  });
  await using llama = new Llama({ environment: lambda.environment });
  const lines = Array.from({ length: 50 }, (_, i) => String(i));
  let error: unknown;
  try {
    for await (
      const _ of llama.map("f", ["{{.Line}}"], lines, {
        ...{ concurrency: atOnce, retries: 100, retryOn: "all" },
        ...options,
      })
    );
  } catch (thrown) {
    error = thrown;
  }
  return { requests: lambda.requests.length - atOnce, error };
}

Deno.test("after a stop nothing is repeated and nothing is started", async () => {
  const stop = new AbortController();
  const { requests, error } = await requestsAfterTheEnd(
    { stop: stop.signal },
    () => stop.abort(),
  );
  assert.deepEqual([requests, error], [0, undefined]);
});

Deno.test("after an abort nothing is repeated and nothing is started", async () => {
  const all = new AbortController();
  const reason = new Error("enough");
  const { requests, error } = await requestsAfterTheEnd(
    { signal: all.signal },
    () => all.abort(reason),
  );
  assert.deepEqual([requests, error], [0, reason]);
});

for (const when of ["soon", "now"] as const) {
  Deno.test(`after -halt ${when} nothing is repeated and nothing is started`, async () => {
    const halt = { when, count: 1, isPercent: false };
    // Without a repeat a failure is counted at once; those that fail with it are not repeated.
    const { requests, error } = await requestsAfterTheEnd({ halt, retries: 0 });
    assert(error instanceof LlamaError && error.code === "halted", String(error));
    assert.equal(requests, 0);
  });
}

Deno.test("after the most that a run may cost nothing is repeated and nothing is started", async () => {
  // A job costs $0.0000168667, so the first answer is the limit.
  const { requests, error } = await requestsAfterTheEnd({ maxDollars: 1e-5, retries: 0 });
  assert(error instanceof LlamaError && error.code === "halted", String(error));
  assert.equal(requests, 0);
});

Deno.test("a run that halted repeats no job that was in flight", async () => {
  let count = 0;
  const halted = Promise.withResolvers<void>();
  await using lambda = new InvokeStub(async ({ args: [line] }) => {
    count++;
    if (line === "fails at once") return { status: 1 };
    await halted.promise;
    return functionError("Llama.Internal");
  });
  await using llama = new Llama({ environment: lambda.environment });
  const run = async () => {
    const options = {
      concurrency: 2,
      retries: 100,
      retryOn: "function",
      halt: { when: "soon", count: 1, isPercent: false },
    } as const;
    const jobs = llama.map("f", ["{{.Line}}"], ["is slow", "fails at once"], options);
    for await (const { line } of jobs) if (line === "fails at once") halted.resolve();
  };
  await assert.rejects(run, { code: "halted" });
  assert.equal(count, 2);
});
