import assert from "node:assert/strict";
import { LlamaError } from "../../lib/errors.ts";
import { sha256 } from "../../lib/files/hash.ts";
import { parseResponse } from "../../lib/protocol.ts";
import { type InvocationContext, runInvocation } from "../../lib/runtime/invocation.ts";
import { warmUpRequest } from "../../lib/runtime/warm_up.ts";
import { Workspace } from "../../lib/runtime/workspace.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { libc } from "../../lib/system/libc.ts";

// It stays open until the process ends, which Deno 2.6 takes for a leak of the test that opens it.
libc();

/** A store that does not answer, as S3 where no way leads to it. */
class StuckStore extends MemoryStore {
  override getFile(_id: string, _path?: string, signal?: AbortSignal): Promise<void> {
    return never(signal);
  }
  override put(_bytes: Uint8Array, signal?: AbortSignal): Promise<string> {
    return never(signal);
  }
  override putFile(_path: string, signal?: AbortSignal): Promise<string> {
    return never(signal);
  }
}

function never(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason));
  });
}

/** A store that refuses what is sent, and counts how often. */
class RefusingStore extends MemoryStore {
  asked = 0;
  override put(): Promise<string> {
    this.asked++;
    return Promise.reject(
      new LlamaError("credentials", "access denied to s3://bucket", { hint: "allow it" }),
    );
  }
  override putFile(): Promise<string> {
    return this.put();
  }
}

async function invoke(
  request: object,
  signal: AbortSignal,
  { millisecondsLeft = 900_000, ...others }: Partial<InvocationContext> & {
    millisecondsLeft?: number;
  } = {},
): Promise<string> {
  const parent = Deno.makeTempDirSync({ prefix: "llama-test-" });
  const workspace = new Workspace(parent, "test");
  const store = new StuckStore();
  const context: InvocationContext = {
    requestId: "request",
    command: { kind: "job" },
    environment: {},
    onlyThese: false,
    searchPath: undefined,
    workspace,
    store: () => store,
    initMs: undefined,
    received: performance.now(),
    deadline: performance.now() + millisecondsLeft,
    memoryMb: 512,
    signal,
    ...others,
  };
  try {
    return (await runInvocation(JSON.stringify(request), context)).text;
  } finally {
    await workspace.remove();
    Deno.removeSync(parent);
  }
}

const stuck = { args: ["true"], stdin: { r: sha256("x") }, outputs: ["a"] };

Deno.test("a timeout while fetching inputs is reported like any other timeout", async () => {
  const signal = new AbortController().signal;
  const response = parseResponse(await invoke({ ...stuck, timeout: 0.05 }, signal));
  assert.equal(response.status, 124);
  assert.equal(
    response.stderr.s,
    "llama: the command was not started: its inputs did not arrive before the job's timeout: " +
      "no answer from memory:: raise the timeout; a function in a VPC needs a gateway endpoint " +
      "for S3\n",
  );
  assert.deepEqual(response.outputs, { a: { e: "was not made by the command" } });
});

Deno.test("a command is ended before Lambda's deadline, and its results are returned", async () => {
  const { signal } = new AbortController();
  const request = {
    args: ["/bin/sh", "-c", "echo out; echo half > a; sleep 1000 & sleep 1000"],
    outputs: ["a"],
    timeout: 60,
  };
  const response = parseResponse(await invoke(request, signal, { millisecondsLeft: 1000 }));
  assert.deepEqual([response.status, response.stdout.s], [124, "out\n"]);
  assert.match(
    response.stderr.s ?? "",
    /^llama: ended after \d+\.\d\d s, before Lambda ends .*: raise the timeout /,
  );
  assert.equal(response.outputs["a"]?.s, "half\n");
  assert.equal(response.environment?.memory, 512);
  assert.match(response.environment?.arch ?? "", /^(x86_64|arm64)$/);
});

Deno.test("the request's timeout and the function's are reported differently", async () => {
  const { signal } = new AbortController();
  const request = { args: ["/bin/sleep", "1000"], timeout: 0.1 };
  const response = parseResponse(await invoke(request, signal));
  assert.deepEqual([response.status, response.stderr], [124, {}]);
});

Deno.test("a command gets SIGTERM on a timeout, and its reaction counts", async () => {
  const { signal } = new AbortController();
  const request = {
    args: ["/bin/sh", "-c", "trap 'echo saved >a; exit 0' TERM; : >ready; sleep 1000 & wait"],
    outputs: ["a"],
    timeout: 0.5,
  };
  const response = parseResponse(await invoke(request, signal));
  assert.deepEqual([response.status, response.outputs["a"]?.s], [124, "saved\n"]);
});

Deno.test("a command that ignores SIGTERM gets SIGKILL, and a stopped one is continued", async () => {
  const { signal } = new AbortController();
  for (const script of ["trap '' TERM; while :; do sleep 1000; done", "kill -STOP $$"]) {
    const request = { args: ["/bin/sh", "-c", `echo out; ${script}`], timeout: 0.3 };
    const response = parseResponse(await invoke(request, signal));
    assert.deepEqual([response.status, response.stdout.s], [124, "out\n"]);
  }
});

Deno.test("the command knows its request id and its deadline", async () => {
  const { signal } = new AbortController();
  const args = ["/bin/sh", "-c", 'echo "$LLAMA_REQUEST_ID"; echo "$LLAMA_DEADLINE_MS"'];
  const before = Date.now();
  const linesOf = async (
    ...options: [object, { millisecondsLeft?: number; deadline?: undefined }]
  ) =>
    parseResponse(await invoke({ args, ...options[0] }, signal, options[1])).stdout.s?.split("\n");
  const [id, deadline] = await linesOf({}, { millisecondsLeft: 60_000 }) ?? [];
  assert.equal(id, "request");
  // 2 of 60 seconds are for the answer.
  const seconds = (Number(deadline) - before) / 1000;
  assert(Number.isInteger(Number(deadline)) && seconds >= 57.9 && seconds < 70, `${seconds}`);
  const [, asked] = await linesOf({ timeout: 30 }, { millisecondsLeft: 60_000 }) ?? [];
  assert((Number(asked) - before) / 1000 < 45);
  assert.deepEqual(await linesOf({}, { deadline: undefined }), ["request", "", ""]);
});

Deno.test("a store that does not answer costs only what goes through it", async () => {
  const { signal } = new AbortController();
  const script = "head -c 300000 /dev/zero | tee big; echo small >small; echo err >&2; exit 3";
  const request = { args: ["/bin/sh", "-c", script], outputs: ["big", "small", "none"] };
  const response = parseResponse(await invoke(request, signal, { millisecondsLeft: 1500 }));
  assert.equal(response.status, 3);
  assert.equal(atob(response.stdout.b ?? "").length, 300_000);
  const reason = "the upload to memory: did not finish before the function's timeout: ";
  assert(response.stderr.s?.startsWith(`err\nllama: ${reason}raise the timeout; `));
  const { big, small, none } = response.outputs;
  assert(big?.e?.startsWith(`could not be uploaded: ${reason}`), big?.e);
  assert.deepEqual([small?.s, none?.e], ["small\n", "was not made by the command"]);
});

Deno.test("a store whose calls were retried is reported with its own reason", async () => {
  const { signal } = new AbortController();
  const refused = new LlamaError("network", "no answer from S3: refused", { hint: "look there" });
  const store = Object.assign(new StuckStore(), { lastRetry: () => Promise.resolve(refused) });
  const options = { millisecondsLeft: 1500, store: () => store };
  const fetched = parseResponse(await invoke(stuck, signal, options));
  assert.equal(
    fetched.stderr.s,
    "llama: the command was not started: its inputs did not arrive before the function's " +
      "timeout: no answer from S3: refused (look there)\n",
  );
  const request = { args: ["/bin/sh", "-c", "head -c 300000 /dev/zero >big"], outputs: ["big"] };
  const stored = parseResponse(await invoke(request, signal, options));
  assert.equal(
    stored.outputs["big"]?.e,
    "could not be uploaded: the upload to memory: did not finish before the function's timeout: " +
      "no answer from S3: refused (look there)",
  );
});

Deno.test("a store that refuses uploads costs only what goes through it", async () => {
  const { signal } = new AbortController();
  const store = new RefusingStore();
  const script = "head -c 300000 /dev/zero >big; echo out";
  const request = { args: ["/bin/sh", "-c", script], outputs: ["big"] };
  const response = parseResponse(await invoke(request, signal, { store: () => store }));
  const reason = "access denied to s3://bucket (allow it)";
  assert.deepEqual([response.status, response.stdout.s], [0, "out\n"]);
  assert.equal(response.stderr.s, `llama: ${reason}\n`);
  assert.deepEqual(response.outputs["big"]?.e, `could not be uploaded: ${reason}`);
  // Nothing is ever cut short: what does not fit is an error.
  const huge = { args: ["/bin/sh", "-c", "head -c 7000000 /dev/zero"] };
  await assert.rejects(invoke(huge, signal, { store: () => store }), {
    type: "Llama.StoreError",
    message: `the output could not be uploaded: ${reason}`,
  });
});

Deno.test("outputs whose names exceed the response limit are not uploaded", async () => {
  const { signal } = new AbortController();
  const store = new RefusingStore();
  // Each has a path of 1,900 bytes.
  const script = `d=$(printf '%0240d' 0); p=o/$d/$d/$d/$d/$d/$d/$d; mkdir -p $p; cd $p
    i=0; while [ $i -lt 3500 ]; do : >$(printf '%0200d' $i); i=$((i+1)); done`;
  await assert.rejects(
    invoke({ args: ["/bin/sh", "-c", script], outputs: ["o/"] }, signal, { store: () => store }),
    /^JobError: the response is too large: \d+ bytes of JSON, Lambda's limit is 6291456; ask for fewer/,
  );
  assert.equal(store.asked, 0);
});

Deno.test("the warm-up job reads and writes compressed contents in a small function", async () => {
  const { signal } = new AbortController();
  const run = async (memoryMb: number) => {
    const request = { ...JSON.parse(warmUpRequest(memoryMb)), args: ["true"] };
    const { status, outputs } = parseResponse(await invoke(request, signal));
    assert.equal(status, 0);
    return Object.keys(outputs["in/file"] ?? {}).toSorted();
  };
  assert.deepEqual(await run(128), ["e", "m", "n", "z"]);
  assert.deepEqual(await run(1024), ["m", "s"]);
});

Deno.test("aborting an invocation while it fetches inputs throws the reason", async () => {
  const end = new AbortController();
  const invocation = invoke({ ...stuck, timeout: 60 }, end.signal);
  end.abort(new Error("the end"));
  await assert.rejects(invocation, /the end/);
});
