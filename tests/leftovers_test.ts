/** After 10,000 calls of all fates nothing is left of them, and as many fit as at the start. */

import assert from "node:assert/strict";
import { mapConcurrently } from "../lib/async/concurrency.ts";
import { Llama, LlamaError } from "../mod.ts";
import { TemporaryDirectory } from "./helpers.ts";
import { echo, functionError, InvokeStub, type StubAnswer } from "./invoke_stub.ts";

const concurrency = 50;

/** A signal that counts who listens. */
function counted(controller: AbortController): { signal: AbortSignal; listeners: () => number } {
  const { signal } = controller;
  let count = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    count++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    count--;
    remove(...args);
  };
  return { signal, listeners: () => count };
}

/** Of every ten calls, how each is answered the first time; the second time all is well. */
function fates(): StubAnswer {
  const seen = new Set<string>();
  return ({ args: [line = ""], outputs }) => {
    const isFirst = !seen.has(line);
    seen.add(line);
    const made = {
      status: 0,
      outputs: Object.fromEntries(outputs.map((path) => [path, { s: line }])),
    };
    if (!isFirst) return made;
    switch (Number(line) % 10) {
      case 0:
        return new Response("<html>bad gateway</html>", { status: 502 });
      case 1:
        return functionError("Runtime.ExitError");
      case 2:
        return new Response('{"status": 0, "stdout": ');
      case 3:
        return Response.json({ Message: "Request too large" }, { status: 413 });
      case 4:
        return { status: 1 };
      case 5:
        return { ...made, outputs: {} };
      default:
        return made;
    }
  };
}

Deno.test("10,000 calls of all fates leave no listener, permit, open answer or file", async () => {
  await using directory = new TemporaryDirectory();
  const stop = counted(new AbortController());
  const all = counted(new AbortController());
  let answer = fates();
  await using lambda = new InvokeStub((request) => answer(request));
  const temporary = directory.join("tmp");
  await Deno.mkdir(temporary);
  await using llama = new Llama({ environment: { ...lambda.environment, TMPDIR: temporary } });
  const lines = Array.from({ length: 10_000 }, (_, i) => String(i));
  const run = async (lines: readonly string[]) => {
    const ends = new Map<string, number>();
    const options = { concurrency, retries: 1, stop: stop.signal, signal: all.signal };
    for await (const { record } of llama.map("f", ["{{.Line}}"], lines, options)) {
      const end = record.ok ? "ok" : record.errors[0]?.code ?? `status ${record.status}`;
      ends.set(end, (ends.get(end) ?? 0) + 1);
    }
    return Object.fromEntries(ends);
  };
  // A request that is too large stays so, and is not repeated.
  assert.deepEqual(await run(lines), { "ok": 9000, "too-large": 1000 });
  // An answer that nobody reads to its end would hold its connection.
  assert(lambda.connections <= 2 * concurrency, `${lambda.connections} connections`);

  answer = fates();
  await mapConcurrently(lines.slice(0, 1000), concurrency, async (line) => {
    const outputs = [{ remote: "o", local: directory.join("out", line) }];
    const job = { functionName: "f", args: [line], inputs: [], outputs };
    const retried = llama.run(job, { signal: all.signal });
    // What came of each is not looked at here, but only what it leaves.
    await retried.then(() => {}, (error) => assert(error instanceof LlamaError, String(error)));
  });
  const files = await directory.list("out");
  assert.equal(files.length, 500);
  assert.deepEqual(files.filter((name) => !/^out\/\d+$/.test(name)), []);
  assert.deepEqual(await directory.list("tmp"), []);
  assert.deepEqual([stop.listeners(), all.listeners()], [0, 0]);

  // Each permit that was taken has been given back: as many calls as ever are let in at once.
  const everybody = Promise.withResolvers<void>();
  let waiting = 0;
  answer = async (request) => {
    if (++waiting === concurrency) everybody.resolve();
    await everybody.promise;
    return echo(request);
  };
  assert.deepEqual(await run(lines.slice(0, 200)), { ok: 200 });
});
