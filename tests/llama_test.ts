import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import {
  DirectoryStore,
  type JobOutcome,
  Llama,
  LlamaError,
  MemoryStore,
  succeeded,
} from "../mod.ts";
import { sha256 } from "../lib/files/hash.ts";
import { version } from "../lib/version.ts";
import { noise, TemporaryDirectory, textOf } from "./helpers.ts";
import { echo, InvokeStub } from "./invoke_stub.ts";

Deno.test("invoke passes arguments unchanged and returns the command's output", async () => {
  await using lambda = new InvokeStub(echo);
  await using llama = new Llama({ environment: lambda.environment });
  const result = await llama.invoke("f", ["{{.Line}}", "b"]);
  assert.equal(textOf(result.stdout), "{{.Line}} b");
  assert(succeeded(result));
  assert.deepEqual(result.stderr, new Uint8Array());
});

Deno.test("onStdout gets the output while the command runs, and stderr stays in the result", async () => {
  await using directory = new TemporaryDirectory();
  const go = directory.join("go");
  const command =
    `sh -c 'echo one; until [ -e ${go} ]; do sleep 0.01; done; echo two; echo err >&2'`;
  await using llama = new Llama({ local: { commands: [{ name: "f", command }] } });
  let shown = "";
  const transfer = { sentBytes: 0, receivedBytes: 0 };
  using result = await llama.invoke("f", [], {
    transfer,
    onStdout: async (bytes) => {
      shown += textOf(bytes);
      // Without this file, the command does not end.
      await directory.write("go", "");
    },
  });
  assert.equal(shown, "one\ntwo\n");
  assert.deepEqual([textOf(result.stdout), textOf(result.stderr)], ["", "err\n"]);
  assert(transfer.receivedBytes > shown.length);
});

Deno.test("onStdout gets the same bytes from a function that cannot stream", async () => {
  await using lambda = new InvokeStub(echo);
  await using llama = new Llama({ environment: lambda.environment });
  const pieces: string[] = [];
  const onStdout = (bytes: Uint8Array) => void pieces.push(textOf(bytes));
  assert.equal((await llama.invoke("f", ["a", "b"], { onStdout })).stdout.length, 0);
  assert.deepEqual(pieces, ["a b"]);
});

Deno.test("an error of onStdout ends invoke, and is thrown as it is", async () => {
  await using llama = new Llama({ local: { commands: [{ name: "f", command: "yes" }] } });
  const enough = new Error("enough");
  const onStdout = () => Promise.reject(enough);
  await assert.rejects(llama.invoke("f", [], { onStdout }), (error) => error === enough);
});

Deno.test("map passes output on by job, and keeps it if asked to", async () => {
  await using llama = new Llama({ local: { commands: [{ name: "f", command: "echo" }] } });
  const shown: string[] = [];
  const outcomes = await Array.fromAsync(
    llama.map("f", ["out", "{{.Line}}"], ["a", "b"], {
      live: ({ index, line }) => ({
        stdout: (bytes) => void shown.push(`${index} ${line}: ${textOf(bytes)}`),
        end: () => void shown.push(`${index} ended`),
        isKept: line === "b",
      }),
    }),
  );
  assert.deepEqual(shown.toSorted(), ["0 a: out a\n", "0 ended", "1 b: out b\n", "1 ended"]);
  const kept = outcomes.toSorted((a, b) => a.index - b.index)
    .map(({ result }) => textOf(result?.stdout ?? noise(1)));
  assert.deepEqual(kept, ["", "out b\n"]);
});

Deno.test("a job whose blobs fit is one request, without access to the store", async () => {
  await using directory = new TemporaryDirectory();
  await using lambda = new InvokeStub(echo);
  const store = new MemoryStore();
  const refuse = () => Promise.reject(new Error("the store was asked"));
  store.put =
    store.putFile =
    store.get =
    store.getFile =
    store.has =
      refuse;
  await using llama = new Llama({ environment: lambda.environment, store });
  const local = await directory.write("in", noise(200_000));
  await llama.invoke("f", ["x"], { files: [{ local, remote: "in" }], stdin: noise(1000) });
  assert.equal(lambda.requests.length, 1);
});

Deno.test("map runs a job a line, and keeps to its concurrency", async () => {
  await using lambda = new InvokeStub(echo);
  await using llama = new Llama({ environment: lambda.environment });
  const lines = Array.from({ length: 50 }, (_, i) => `line ${i}`);
  const outcomes: JobOutcome[] = [];
  for await (
    const outcome of llama.map("f", ["{{.Idx}}", "{{.Line}}"], lines, { concurrency: 5 })
  ) {
    outcomes.push(outcome);
  }
  outcomes.sort((a, b) => a.index - b.index);
  assert.deepEqual(
    outcomes.map(({ result }) => textOf(result?.stdout ?? noise(1))),
    lines.map((line, i) => `${i} ${line}`),
  );
  assert(lambda.mostAtOnce <= 5);
  assert.equal(llama.inFlight, 0);
});

Deno.test("a failure of one line is in its outcome, and the others run", async () => {
  await using lambda = new InvokeStub((request) =>
    request.args[0] === "2" ? { status: 0, stdout: "no blob" } : echo(request)
  );
  await using llama = new Llama({ environment: lambda.environment });
  const codes = new Map<number, string | undefined>();
  const args = ["{{.Line}}", '{{if eq .Line "1"}}{{.I "/x"}}{{end}}'];
  for await (const { index, error } of llama.map("f", args, ["0", "1", "2", "3"])) {
    codes.set(index, error?.code);
  }
  assert.deepEqual([...codes].sort(), [
    [0, undefined],
    [1, "template"],
    [2, "protocol"],
    [3, undefined],
  ]);
});

Deno.test("a template that does not parse is an error before the first line is asked for", async () => {
  await using llama = new Llama({ environment: {} });
  function* lines() {
    assert.fail("a line was asked for");
    yield "";
  }
  await assert.rejects(llama.map("f", ["{{"], lines()).next(), (error) => {
    assert(error instanceof LlamaError);
    assert.equal(error.code, "template");
    return true;
  });
  await assert.rejects(
    llama.map("f", [], [], { concurrency: 0 }).next(),
    /positive integer, not 0/,
  );
});

Deno.test("files that all jobs share are stored once if they are over 16 KiB", async () => {
  await using directory = new TemporaryDirectory();
  await using lambda = new InvokeStub(echo);
  const store = new MemoryStore();
  let puts = 0;
  const put = store.put.bind(store);
  store.put = (bytes) => (puts++, put(bytes));
  await using llama = new Llama({ environment: lambda.environment, store });
  await directory.write("shared/large", noise(20_000));
  await directory.write("shared/small", "s");
  const files = [{ local: directory.join("shared"), remote: "d" }];
  await Array.fromAsync(llama.map("f", [], ["a", "b", "c"], { files }));
  assert.equal(puts, 1);
  for (const request of lambda.requests) {
    assert.deepEqual(Object.keys(request.files), ["d/large", "d/small"]);
    assert.deepEqual(request.files["d/small"], { s: "s", m: 0o644 });
    assert(JSON.stringify(request).length < 1000);
  }
});

Deno.test("leaving the loop aborts the jobs in flight", async () => {
  const release = Promise.withResolvers<void>();
  await using lambda = new InvokeStub(async ({ args }) => {
    if (args[0] !== "fast") await release.promise;
    return { status: 0 };
  });
  await using llama = new Llama({ environment: lambda.environment });
  for await (const { line } of llama.map("f", ["{{.Line}}"], ["slow", "fast", "slow"])) {
    assert.equal(line, "fast");
    break;
  }
  assert.equal(llama.inFlight, 0);
  release.resolve();
});

Deno.test("functions run on this machine, and close leaves nothing", async () => {
  await using directory = new TemporaryDirectory();
  await directory.write("tmp/keep", "");
  const environment = {
    ...Deno.env.toObject(),
    TMPDIR: directory.join("tmp"),
    LLAMA_OBJECT_STORE: "s3://not-used/",
  };
  {
    await using llama = new Llama({
      environment,
      local: {
        functions: directory.join("none"),
        commands: [{ name: "count", command: "wc -c" }],
        concurrency: 1,
      },
    });
    const stdin = noise(400_000);
    const { stdout } = await llama.invoke("count", [], { stdin });
    assert.equal(textOf(stdout).trim(), "400000");
    await assert.rejects(llama.invoke("other", []), { code: "no-such-function" });
  }
  assert.deepEqual(await directory.list("tmp"), ["tmp/keep"]);
});

/** What our runtime answers for objects that it did not find. */
function missing(...objects: string[]): Response {
  return Response.json(
    { errorType: "Llama.MissingObject", errorMessage: "not there", objects },
    { headers: { "x-amz-function-error": "Unhandled" } },
  );
}

/** A memory store that tells what was done with it. */
class WatchedStore extends MemoryStore {
  readonly events: string[] = [];

  override put(bytes: Uint8Array): Promise<string> {
    this.events.push("put");
    return super.put(bytes);
  }

  override forget(id: string): void {
    this.events.push(`forget ${id.slice(0, 4)}`);
  }
}

Deno.test("an object that the function did not find is sent again, and the job repeated", async () => {
  await using directory = new TemporaryDirectory();
  const bytes = noise(300_000);
  const id = sha256(bytes);
  let answers = 0;
  await using lambda = new InvokeStub(() => answers++ === 0 ? missing(id) : { status: 0 });
  const store = new WatchedStore();
  await using llama = new Llama({ environment: lambda.environment, store });
  const local = await directory.write("in", bytes);
  const result = await llama.invoke("f", [], { files: [{ local, remote: "in" }] });
  assert.equal(result.status, 0);
  assert.equal(lambda.requests.length, 2);
  assert.deepEqual(store.events, ["put", `forget ${id.slice(0, 4)}`, "put"]);
});

Deno.test("files that all jobs share are sent again once for all that miss them", async () => {
  await using directory = new TemporaryDirectory();
  const bytes = noise(300_000);
  const jobs = 10;
  let answers = 0;
  const all = Promise.withResolvers<void>();
  await using lambda = new InvokeStub(async () => {
    if (++answers > jobs) return { status: 0 };
    if (answers === jobs) all.resolve();
    await all.promise;
    return missing(sha256(bytes));
  });
  const store = new WatchedStore();
  await using llama = new Llama({ environment: lambda.environment, store });
  const files = [{ local: await directory.write("in", bytes), remote: "in" }];
  const lines = Array.from({ length: jobs }, (_, i) => `${i}`);
  for await (const { error } of llama.map("f", ["{{.Line}}"], lines, { files })) {
    assert.equal(error, undefined);
  }
  assert.equal(store.events.filter((event) => event === "put").length, 2);
});

Deno.test("local functions use a store that was passed as an object, if they can open it", async () => {
  await using directory = new TemporaryDirectory();
  const bytes = noise(300_000);
  const files = [{ local: await directory.write("in", bytes), remote: "in" }];
  const local = { functions: directory.path, commands: [{ name: "f", command: "cat in" }] };
  const store = new DirectoryStore(pathToFileURL(directory.join("store")).href);
  await using llama = new Llama({ local, store });
  const { stdout } = await llama.invoke("f", [], { files });
  assert.deepEqual(stdout, bytes);
  assert(await store.has(sha256(bytes)));
  await using other = new Llama({ local, store: new MemoryStore() });
  await assert.rejects(other.invoke("f", []), {
    code: "usage",
    message: 'functions cannot open the store "memory:"',
  });
});

Deno.test("an uncaught error of the library shows its hint", async () => {
  const program = `
    import { Llama } from ${JSON.stringify(new URL("../mod.ts", import.meta.url).href)};
    if (Deno.args[0] === "handled") {
      addEventListener("unhandledrejection", (event) => event.preventDefault());
    }
    await using llama = new Llama({ local: { functions: "none" } });
    await llama.invoke("nope", []);
  `;
  const run = async (...args: string[]) => {
    const url = `data:application/typescript,${encodeURIComponent(program)}`;
    const { stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-config", url, ...args],
      env: { NO_COLOR: "1" },
    }).output();
    return textOf(stderr);
  };
  assert.match(await run(), /^hint: .+\nerror: Uncaught \(in promise\) LlamaError: /m);
  assert.doesNotMatch(await run("handled"), /hint: /);
});

Deno.test("an object that stays missing points to another store", async () => {
  await using directory = new TemporaryDirectory();
  const bytes = noise(300_000);
  await using lambda = new InvokeStub(() => missing(sha256(bytes)));
  await using llama = new Llama({ environment: lambda.environment, store: new MemoryStore() });
  const local = await directory.write("in", bytes);
  await assert.rejects(
    llama.invoke("f", [], { files: [{ local, remote: "in" }] }),
    (error) => {
      assert(error instanceof LlamaError);
      assert.match(error.hint ?? "", /the function's LLAMA_OBJECT_STORE must name the same store/);
      return true;
    },
  );
  assert.equal(lambda.requests.length, 3);
});

Deno.test("a runtime that does not support what a job asks for is named once", async () => {
  await using lambda = new InvokeStub(({ args: [runtime] }) => ({ status: 0, runtime }));
  const notices: (string | undefined)[] = [];
  const onNotice = (...notice: (string | undefined)[]) => void notices.push(...notice);
  await using llama = new Llama({ environment: lambda.environment, onNotice });
  const outputs = [{ local: "d/", remote: "d/" }];
  await llama.invoke("old", []);
  assert.deepEqual(notices, []);
  await llama.invoke("old", [], { outputs });
  await llama.invoke("old", [], { timeoutSeconds: 1 });
  await llama.invoke("older", [], { outputs, timeoutSeconds: 1 });
  const words = (name: string, what: string) =>
    `the runtime of ${name} is older than this llama and does not support ${what}`;
  const hint = "redeploy the function with this llama's runtime";
  assert.deepEqual(notices.splice(0), [
    words("old", "output directories"),
    hint,
    words("older", "timeouts or output directories"),
    hint,
  ]);
  await llama.invoke("ours", ["0.1.0"], { outputs, timeoutSeconds: 1 });
  assert.deepEqual(notices, []);
});

Deno.test("the first call says that client and runtime differ, once of each difference", async () => {
  await using directory = new TemporaryDirectory();
  let runtime: string | undefined = "0.0.9";
  await using lambda = new InvokeStub(() => ({ status: 0, runtime, accepts: [] }));
  const environment = { ...lambda.environment, LLAMA_DIR: directory.join("settings") };
  const notices: (string | undefined)[] = [];
  /** Two calls of one process. */
  const call = async (name: string, more: Record<string, string> = {}) => {
    const onNotice = (...notice: (string | undefined)[]) => void notices.push(...notice);
    await using llama = new Llama({ environment: { ...environment, ...more }, onNotice });
    await llama.invoke(name, []);
    await llama.invoke(name, []);
    return notices.splice(0);
  };
  const older = (name: string) => [
    `the runtime of ${name} has version 0.0.9, this llama ${version}`,
    "update the runtime: llama update-function hello",
  ];
  assert.deepEqual(await call("hello"), older("hello"));
  assert.deepEqual(await call("hello"), []);
  assert.deepEqual(await call("hello:live"), older("hello:live"));
  runtime = "0.0.10\u202e\x1b[2J";
  const [escaped] = await call("hello");
  assert.equal(
    escaped,
    `the runtime of hello has version 0.0.10\\u202e\\x1b[2J, this llama ${version}`,
  );
  runtime = "1000.0.0";
  assert.deepEqual(await call("hello"), [
    `the runtime of hello has version 1000.0.0, this llama ${version}`,
    "update llama",
  ]);
  runtime = version;
  assert.deepEqual(await call("hello"), []);
  // The original's runtime says nothing.
  runtime = undefined;
  assert.deepEqual(await call("hello"), []);
  // Without a note, once in each process.
  runtime = "0.0.9";
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(await call("hello", { LLAMA_OBJECT_NOTE: "0" }), older("hello"));
  }
});
