import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { Llama, LlamaError, type MapOptions, newCounts } from "../../mod.ts";
import { TemporaryDirectory, until } from "../helpers.ts";
import { echo, functionDetails, functionError, InvokeStub } from "../invoke_stub.ts";

const lines = Array.from({ length: 500 }, (_, i) => `line ${i}`);

/** Runs a job per line as a process of its own; gives what ended the run. */
async function run(
  lambda: InvokeStub,
  options: MapOptions = {},
  { directory, name = "send-email" }: { directory?: TemporaryDirectory; name?: string } = {},
): Promise<LlamaError | undefined> {
  const environment = {
    ...lambda.environment,
    ...(directory ? { LLAMA_DIR: directory.join("llama") } : {}),
  };
  await using llama = new Llama({ environment });
  try {
    await Array.fromAsync(llama.map(name, ["{{.Line}}"], lines, options));
    return undefined;
  } catch (error) {
    assert(error instanceof LlamaError);
    return error;
  }
}

/** What GetFunction answers where it is not permitted. */
const denied = () =>
  Response.json({ Message: "not authorized to perform: lambda:GetFunction" }, {
    status: 403,
    headers: { "x-amzn-errortype": "AccessDeniedException" },
  });

Deno.test("a function that is not llama's is invoked at most four times", async () => {
  const answers = [
    { statusCode: 200, body: "sent" },
    null,
    "Hello from Lambda!",
    { status: "ok" },
  ];
  for (const answer of answers) {
    for (const describe of [denied, (name: string) => functionDetails(name)]) {
      await using lambda = new InvokeStub(() => answer ?? Response.json(null), describe);
      const counts = newCounts();
      const error = await run(lambda, { counts, concurrency: 100, retries: 5, readAhead: 1000 });
      assert.equal(
        error?.message,
        `"send-email" is not a llama function; it answered ${JSON.stringify(answer)}`,
      );
      assert(lambda.requests.length >= 1 && lambda.requests.length <= 4);
      assert(counts.done === 0 && counts.failed >= 1);
      const { failed, dropped, waiting, total } = counts;
      assert.deepEqual([failed + dropped + waiting, total], [500, 500]);
    }
  }
});

Deno.test("the first foreign answer drops the jobs in flight, which no one waits for", async () => {
  const allStarted = Promise.withResolvers<void>();
  const forEver = Promise.withResolvers<void>();
  await using lambda = new InvokeStub(async ({ args: [line] }) => {
    if (lambda.requests.length === 4) allStarted.resolve();
    await allStarted.promise;
    if (line !== lines[0]) await forEver.promise;
    return { statusCode: 200 };
  }, denied);
  const counts = newCounts();
  // So that a run that waits for them ends too, with other counts.
  const late = setTimeout(forEver.resolve, 10_000);
  const error = await run(lambda, { counts, concurrency: 100, readAhead: 1000 });
  clearTimeout(late);
  assert.equal(error?.code, "protocol");
  const { done, failed, dropped, waiting } = counts;
  assert.deepEqual([done, failed, dropped, waiting], [0, 1, 3, 496]);
});

Deno.test("of a function that crashes in its own way, four jobs are run", async () => {
  await using lambda = new InvokeStub(() => functionError("KeyError", "'to'"), denied);
  const error = await run(lambda, { concurrency: 100 });
  assert.match(
    error?.message ?? "",
    /^the first 4 jobs failed, and "send-email" may not be a llama function: .*KeyError: 'to'$/,
  );
  assert.equal(lambda.requests.length, 4);
});

Deno.test("llama's functions are recognized by tag, environment or layer, and all jobs start", async () => {
  const layer = (name: string) => `arn:aws:lambda:us-west-2:123456789012:layer:${name}:3`;
  const signs = [
    { tags: { llama: "stack" } },
    { variables: { LLAMA_OBJECT_STORE: "s3://bucket/" } },
    { layers: [layer("other"), layer("llama-runtime")] },
    { layers: [layer("llama-runtime-arm64")] },
    // Nothing else of the answer is of interest.
    Response.json({ Tags: { llama: "stack" } }),
  ];
  for (const sign of signs) {
    // No job is answered until all those that may be there at once are.
    const all = Promise.withResolvers<void>();
    await using lambda = new InvokeStub(async (request) => {
      if (lambda.mostAtOnce === 20) all.resolve();
      await all.promise;
      return await echo(request);
    }, (name) => sign instanceof Response ? sign : functionDetails(name, sign));
    assert.equal(await run(lambda, { concurrency: 20 }), undefined);
    assert.deepEqual(lambda.lookups, ["send-email"]);
    assert.equal(lambda.requests.length, 500);
  }
});

Deno.test("where Lambda does not say, all jobs start once one was answered", async () => {
  const others = [
    denied,
    (name: string) => functionDetails(name),
    (name: string) => functionDetails(name, { tags: { other: "llama" } }),
    () => new Response("no such page", { status: 404 }),
    () => new Response("{}"),
    () => new Promise<Response>(() => {}),
  ];
  for (const describe of others) {
    const before: number[] = [];
    const first = Promise.withResolvers<void>();
    let answered = false;
    await using lambda = new InvokeStub(async (request) => {
      if (!answered) before.push(lambda.requests.length);
      if (lambda.requests.length === 4) {
        // Whatever could start by now has: the look-up has been sent.
        await until(() => lambda.lookups.length > 0, "GetFunction is asked");
        first.resolve();
      }
      await first.promise;
      answered = true;
      return await echo(request);
    }, describe);
    assert.equal(await run(lambda, { concurrency: 20 }), undefined);
    assert.deepEqual(before, [1, 2, 3, 4]);
    assert.equal(lambda.requests.length, 500);
  }
});

Deno.test("a function that has answered as llama's is known to the next run, by its own name", async () => {
  await using directory = new TemporaryDirectory();
  await using lambda = new InvokeStub(echo, denied);
  assert.equal(await run(lambda, {}, { directory }), undefined);
  assert.deepEqual(lambda.lookups, ["send-email"]);
  assert.equal(await run(lambda, {}, { directory }), undefined);
  assert.deepEqual(lambda.lookups, ["send-email"]);
  assert.equal(await run(lambda, {}, { directory, name: "other" }), undefined);
  assert.deepEqual(lambda.lookups, ["send-email", "other"]);
});

Deno.test("one job that was answered as llama's is enough for the next run to know the function", async () => {
  await using directory = new TemporaryDirectory();
  await using lambda = new InvokeStub(echo, denied);
  const environment = { ...lambda.environment, LLAMA_DIR: directory.join("llama") };
  for (const answer of ["a", "b"]) {
    await using llama = new Llama({ environment });
    await llama.invoke("send-email", [answer]);
  }
  assert.equal(await run(lambda, {}, { directory }), undefined);
  assert.deepEqual(lambda.lookups, []);
});

Deno.test("a function that turned out to be another one is unknown again", async () => {
  await using directory = new TemporaryDirectory();
  let isLlama = true;
  await using lambda = new InvokeStub(
    (request) => isLlama ? echo(request) : { statusCode: 200 },
    denied,
  );
  assert.equal(await run(lambda, {}, { directory }), undefined);
  isLlama = false;
  assert.match((await run(lambda, {}, { directory }))?.message ?? "", /is not a llama function/);
  // Requests that were dropped while they were sent may still arrive.
  for (let seen = -1; seen < lambda.requests.length;) {
    seen = lambda.requests.length;
    await delay(200);
  }
  lambda.requests.splice(0);
  assert.match((await run(lambda, {}, { directory }))?.message ?? "", /is not a llama function/);
  assert(lambda.requests.length <= 4);
  assert.deepEqual(lambda.lookups, ["send-email", "send-email"]);
});

Deno.test("a run of few jobs asks nothing about its function", async () => {
  await using lambda = new InvokeStub(echo);
  await using llama = new Llama({ environment: lambda.environment });
  await Array.fromAsync(llama.map("f", ["{{.Line}}"], ["a", "b", "c", "d"]));
  assert.deepEqual([lambda.requests.length, lambda.lookups], [4, []]);
});

Deno.test("leaving the loop does not wait for Lambda's word on the function", async () => {
  const asked = Promise.withResolvers<void>();
  await using lambda = new InvokeStub(() => functionError("KeyError"), () => {
    asked.resolve();
    return new Promise(() => {});
  });
  await using llama = new Llama({ environment: lambda.environment });
  let ended = 0;
  for await (const _ of llama.map("f", ["{{.Line}}"], lines, { concurrency: 10 })) {
    if (++ended < 4) continue;
    await asked.promise;
    break;
  }
  assert.equal(lambda.requests.length, 4);
});
