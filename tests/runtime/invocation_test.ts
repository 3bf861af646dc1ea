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

async function invoke(request: object, signal: AbortSignal): Promise<string> {
  const parent = Deno.makeTempDirSync({ prefix: "llama-test-" });
  const workspace = new Workspace(parent);
  const store = new StuckStore();
  const context: InvocationContext = {
    command: { kind: "job" },
    environment: {},
    onlyThese: false,
    searchPath: undefined,
    workspace,
    store: () => store,
    cold: false,
    received: performance.now(),
    signal,
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
  assert.match(response.stderr.s ?? "", /^llama: the time of the job's timeout went by/);
  assert.deepEqual(response.outputs, { a: { e: "was not made by the command" } });
});

Deno.test("an invocation that is ended while its inputs are fetched ends with the reason", async () => {
  const end = new AbortController();
  const invocation = invoke({ ...stuck, timeout: 60 }, end.signal);
  end.abort(new Error("the end"));
  await assert.rejects(invocation, /the end/);
});
