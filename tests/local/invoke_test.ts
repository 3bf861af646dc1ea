import { resolve } from "node:path";
import assert from "node:assert/strict";
import { LlamaError } from "../../lib/errors.ts";
import { untilDead } from "../helpers.ts";
import { appears, call, fakeFunction, logOf, startLambda, statusOf } from "./helpers.ts";

const tail = { headers: { "x-amz-log-type": "Tail" } };

Deno.test("an invocation is answered, and its environment stays warm", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")] });
  const first = await call(test, "f", { n: 1 });
  assert.equal(first.status, 200);
  assert.equal(first.headers.get("content-type"), "application/json");
  assert.equal(first.headers.get("x-amz-executed-version"), "$LATEST");
  assert.equal(first.headers.get("x-amz-function-error"), null);
  assert.equal(first.headers.get("x-amz-log-result"), null);
  const { pid, headers } = await first.json();
  assert.equal(headers["lambda-runtime-aws-request-id"], first.headers.get("x-amzn-requestid"));
  assert.equal(
    headers["lambda-runtime-invoked-function-arn"],
    "arn:aws:lambda:local-1:000000000000:function:f",
  );
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  assert(deadline > Date.now() && deadline <= Date.now() + 30_000);
  const second = await (await call(test, "f", {})).json();
  assert.equal(second.pid, pid);
  assert.equal(second.invocations, 2);
});

Deno.test("a runtime gets its function's variables, and none of the user's", async () => {
  const name = "f";
  const { definition } = fakeFunction(name, { memory: 1792, environment: { LEVEL: "7" } });
  await using test = await startLambda({
    functions: [{ ...fakeFunction(name), directory: "/tmp", definition }],
    environment: { ...Deno.env.toObject(), TMPDIR: "/tmp", AWS_SECRET_ACCESS_KEY: "x", MINE: "y" },
    storeEnvironment: { AWS_SECRET_ACCESS_KEY: "not for a store in a directory" },
  });
  const { environment, cwd } = await (await call(test, name, {})).json();
  assert.equal(cwd, "/tmp");
  assert.equal(environment.LEVEL, "7");
  assert.equal(environment.AWS_LAMBDA_FUNCTION_NAME, name);
  assert.equal(environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE, "1792");
  assert.equal(environment.LAMBDA_TASK_ROOT, "/tmp");
  assert.equal(environment.LLAMA_OBJECT_STORE, test.lambda.storeUrl);
  assert.equal(environment.LLAMA_LOCAL, "1");
  assert.equal(environment.TZ, ":UTC");
  assert.match(environment.TMPDIR, /^\/tmp\/llama-local-/);
  for (const unset of ["_HANDLER", "HOME", "MINE", "AWS_SECRET_ACCESS_KEY"]) {
    assert.equal(environment[unset], undefined, unset);
  }
});

Deno.test("with an S3 store, runtimes get its keys only through a pipe, and its key may sign calls", async () => {
  const key = { accessKeyId: "AKIASTORE", secretAccessKey: "s", sessionToken: "t" };
  await using test = await startLambda({
    functions: [fakeFunction("f")],
    storeUrl: "s3://bucket/obj/",
    storeEnvironment: {
      AWS_ACCESS_KEY_ID: "AKIASTORE",
      AWS_SECRET_ACCESS_KEY: "s",
      AWS_SESSION_TOKEN: "t",
      AWS_REGION: "eu-west-1",
    },
  });
  const { environment } = await (await call(test, "f", {}, { credentials: key })).json();
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]) {
    assert.equal(environment[name], undefined);
  }
  assert.equal(environment.LLAMA_KEYS_ON_STDIN, "1");
  assert.equal(environment.AWS_REGION, "eu-west-1");
  assert.equal(environment.LLAMA_OBJECT_STORE, "s3://bucket/obj/");
  assert.deepEqual(test.lambda.environment(), {
    AWS_ENDPOINT_URL_LAMBDA: test.lambda.endpoint,
    LLAMA_LOCAL_BUCKET: resolve("s3"),
    LLAMA_OBJECT_STORE: "s3://bucket/obj/",
  });
});

Deno.test("the end of the log includes what the runtime wrote before answering", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")] });
  const first = await call(test, "f", { log: "one\ntwo", stderr: "three\n" }, tail);
  await first.body?.cancel();
  const id = first.headers.get("x-amzn-requestid");
  const lines = logOf(first).split("\n");
  assert.equal(lines[0], `START RequestId: ${id} Version: $LATEST`);
  assert.deepEqual(lines.slice(1, 4).sort(), ["one", "three", "two"]);
  assert.equal(lines[4], `END RequestId: ${id}`);
  const report = new RegExp(
    `^REPORT RequestId: ${id}\\tDuration: [0-9.]+ ms\\tBilled Duration: \\d+ ms\\t` +
      "Memory Size: 512 MB\\tMax Memory Used: \\d+ MB\\tInit Duration: [0-9.]+ ms\\t$",
  );
  assert.match(lines[5] ?? "", report);
  const second = await call(test, "f", { log: "x".repeat(5000) }, tail);
  await second.body?.cancel();
  const log = logOf(second);
  assert.equal(log.length, 4096);
  assert(!log.includes("one") && !log.includes("Init Duration"));
});

Deno.test("all log lines go to the listener", async () => {
  const lines: string[] = [];
  await using test = await startLambda({
    functions: [fakeFunction("f")],
    onLog: (line, name) => lines.push(`${name}: ${line}`),
  });
  const response = await call(test, "f", { log: "hello\n" });
  await response.body?.cancel();
  await test.lambda.close();
  assert(lines.includes("f: hello"));
  assert.match(lines[0] ?? "", /^f: START RequestId: /);
});

Deno.test("a function's own error is its answer", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")] });
  const response = await call(test, "f", { error: "no" });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("x-amz-function-error"), "Unhandled");
  assert.deepEqual(await response.json(), { errorType: "My.Error", errorMessage: "no" });
});

Deno.test("a function that times out is killed with all its processes", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f", { timeout: 1 })] });
  const child = `${test.directory}/child`;
  const response = await call(test, "f", { child, hang: true }, tail);
  const id = response.headers.get("x-amzn-requestid");
  assert.equal(response.headers.get("x-amz-function-error"), "Unhandled");
  assert.deepEqual(await response.json(), {
    errorType: "Sandbox.Timedout",
    errorMessage: `RequestId: ${id} Error: Task timed out after 1.00 seconds`,
  });
  assert.match(logOf(response), /Z [0-9a-f-]+ Task timed out after 1\.00 seconds\n/);
  assert.match(logOf(response), /\tStatus: timeout\t\n$/);
  await untilDead(Number(await Deno.readTextFile(child)));
  assert.equal(await statusOf(call(test, "f", {})), 200);
});

Deno.test("a runtime that exits is an error in Lambda's words, and is replaced", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")], concurrency: 1 });
  const cases: [unknown, string][] = [
    [{ exit: 1, stderr: "last words\n" }, "Runtime exited with error: exit status 1"],
    [{ exit: 0 }, "Runtime exited without providing a reason"],
    [{ kill: "SIGKILL" }, "Runtime exited with error: signal: killed"],
    [{ kill: "SIGTERM" }, "Runtime exited with error: signal: terminated"],
  ];
  for (const [job, words] of cases) {
    const response = await call(test, "f", job, tail);
    const id = response.headers.get("x-amzn-requestid");
    assert.equal(response.headers.get("x-amz-function-error"), "Unhandled");
    assert.deepEqual(await response.json(), {
      errorType: "Runtime.ExitError",
      errorMessage: `RequestId: ${id} Error: ${words}`,
    });
    if (words.endsWith("status 1")) assert.match(logOf(response), /\nlast words\n/);
  }
  assert.equal((await (await call(test, "f", {})).json()).invocations, 1);
});

Deno.test("a runtime that exits after answering fails no call", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")], concurrency: 1 });
  for (let round = 0; round < 3; round++) {
    const response = await call(test, "f", { exitAfter: true });
    assert.equal(response.headers.get("x-amz-function-error"), null);
    assert.equal((await response.json()).invocations, 1);
  }
});

Deno.test("a runtime that cannot start is an error", async () => {
  await using test = await startLambda({
    functions: [
      fakeFunction("exits", { command: ["exit-at-init"] }),
      fakeFunction("says", { command: ["init-error"] }),
    ],
  });
  const exits = await call(test, "exits", {}, tail);
  assert.match((await exits.json()).errorMessage, /Runtime exited with error: exit status 3$/);
  assert.match(logOf(exits), /^no luck\nSTART RequestId/);
  const says = await call(test, "says", {}, tail);
  assert.equal(says.headers.get("x-amz-function-error"), "Unhandled");
  assert.deepEqual(await says.json(), { errorType: "Runtime.Odd", errorMessage: "cannot start" });
  assert.match(logOf(says), /^about to fail\n/);
});

Deno.test("a missing runtime is an error", async () => {
  await using test = await startLambda({
    functions: [fakeFunction("f")],
    runtimeCommand: ["/nowhere/bootstrap"],
    concurrency: 1,
  });
  for (let round = 0; round < 2; round++) {
    const { errorType, errorMessage } = await (await call(test, "f", {})).json();
    assert.equal(errorType, "Runtime.InvalidEntrypoint");
    assert.match(
      errorMessage,
      /Error: fork\/exec \/nowhere\/bootstrap: no such file or directory$/,
    );
  }
});

Deno.test("an invalid function definition is an error that says so", async () => {
  const broken = new LlamaError("config", "f/function.json: timeout: too long", {
    hint: "be quick",
  });
  await using test = await startLambda({
    functions: [
      { ...fakeFunction("f"), definition: broken },
      fakeFunction("g", { command: undefined, handler: "no-such-handler" }),
    ],
  });
  const wrong = await call(test, "f", {});
  assert.equal(wrong.headers.get("x-amz-function-error"), "Unhandled");
  assert.deepEqual(await wrong.json(), {
    errorType: "Llama.BadFunction",
    errorMessage: "f/function.json: timeout: too long; be quick",
  });
  const { errorType, errorMessage } = await (await call(test, "g", {})).json();
  assert.equal(errorType, "Llama.BadFunction");
  assert.match(errorMessage, /^images\/g\/function\.json: handler: \/no-such/);
});

Deno.test("answers may be as large as Lambda's limit, but not larger", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")] });
  const largest = await call(test, "f", { bytes: 6_291_556 });
  assert.equal((await largest.bytes()).length, 6_291_556);
  const larger = await call(test, "f", { bytes: 6_291_557 });
  assert.deepEqual(await larger.json(), {
    errorType: "Function.ResponseSizeTooLarge",
    errorMessage: "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
  });
});

Deno.test("an answer to an unknown invocation is refused", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")] });
  assert.deepEqual(await (await call(test, "f", { wrongId: true })).json(), {
    status: 400,
    body: { errorMessage: "Invalid request ID", errorType: "InvalidRequestID" },
  });
});

Deno.test("a runtime that asks again before it answers gets the same invocation", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")] });
  assert.equal(await (await call(test, "f", { askAgain: true })).json(), true);
});

Deno.test("a function is found by its ARN and by $LATEST", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")] });
  for (
    const name of [
      "f:$LATEST",
      "arn:aws:lambda:local-1:000000000000:function:f",
      "arn:aws:lambda:local-1:000000000000:function:f:$LATEST",
    ]
  ) {
    const response = await call(test, name, {});
    await response.body?.cancel();
    assert.equal(response.status, 200, name);
  }
});

Deno.test("a dry run checks, and an event runs in the background", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")] });
  const type = (value: string) => ({ headers: { "x-amz-invocation-type": value } });
  assert.equal(await statusOf(call(test, "f", {}, type("DryRun"))), 204);
  const file = `${test.directory}/touched`;
  assert.equal(await statusOf(call(test, "f", { touch: file }, type("Event"))), 202);
  assert.equal(await statusOf(call(test, "f", {}, type("Odd"))), 400);
  // The next call waits for no environment but this one, or runs beside it; closing waits for all.
  assert.equal(await statusOf(call(test, "f", { awaitFile: file })), 200);
});

Deno.test("a thousand concurrent calls do not exceed the limit on environments", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")], concurrency: 2 });
  const pids = await Promise.all(
    Array.from({ length: 1000 }, async () => (await (await call(test, "f", {})).json()).pid),
  );
  assert.equal(new Set(pids).size, 2);
});

// Deno 2.9 does not say when a caller goes away without printing a warning.

Deno.test("a caller that disconnects while waiting is dropped", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")], concurrency: 1 });
  const [there, go, never] = ["there", "go", "never"].map((name) => `${test.directory}/${name}`);
  assert(there !== undefined && go !== undefined && never !== undefined);
  const first = call(test, "f", { touch: there, awaitFile: go });
  await appears(there);
  const leave = new AbortController();
  const second = call(test, "f", { touch: never }, { signal: leave.signal });
  const left = assert.rejects(second, { name: "AbortError" });
  // A call that is answered at once comes and goes after the second one has arrived.
  assert.equal(await statusOf(call(test, "nobody", {})), 404);
  leave.abort();
  await left;
  assert.equal(await statusOf(call(test, "nobody", {})), 404);
  await Deno.writeTextFile(go, "");
  assert.equal(await statusOf(first), 200);
  assert.equal(await statusOf(call(test, "f", {})), 200);
  await assert.rejects(Deno.stat(never), Deno.errors.NotFound);
});
