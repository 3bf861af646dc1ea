import assert from "node:assert/strict";
import { sha256 } from "../../lib/hash.ts";
import { parseResponse } from "../../lib/protocol.ts";
import { type InvocationContext, runInvocation } from "../../lib/runtime/invocation.ts";
import { Workspace } from "../../lib/runtime/workspace.ts";
import { MemoryStore } from "../../lib/store/memory.ts";

/** A store whose objects never arrive. */
class StuckStore extends MemoryStore {
  override getFile(_id: string, _path?: string, signal?: AbortSignal): Promise<void> {
    return new Promise((_, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason));
    });
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

Deno.test("time that runs out while the inputs are fetched is told like any other", async () => {
  const signal = new AbortController().signal;
  const response = parseResponse(await invoke({ ...stuck, timeout: 0.05 }, signal));
  assert.equal(response.status, 124);
  assert.match(response.stderr.s ?? "", /^llama: the time went by before the job's inputs/);
  assert.deepEqual(response.outputs, { a: { e: "was not made by the command" } });
});

Deno.test("a command is ended before Lambda would kill it, and what it did is answered", async () => {
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
    /^llama: ended after \d+\.\d\d s, before Lambda ends .*: raise it /,
  );
  assert.equal(response.outputs["a"]?.s, "half\n");
  assert.equal(response.environment?.memory, 512);
  assert.match(response.environment?.arch ?? "", /^(x86_64|arm64)$/);
});

Deno.test("a timeout that is asked for is told from the function's own", async () => {
  const { signal } = new AbortController();
  const request = { args: ["/bin/sleep", "1000"], timeout: 0.1 };
  const response = parseResponse(await invoke(request, signal));
  assert.deepEqual([response.status, response.stderr], [124, {}]);
});

Deno.test("an invocation that is ended while its inputs are fetched ends with the reason", async () => {
  const end = new AbortController();
  const invocation = invoke({ ...stuck, timeout: 60 }, end.signal);
  end.abort(new Error("the end"));
  await assert.rejects(invocation, /the end/);
});
