import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { sha256 } from "../../lib/files/hash.ts";
import { noise } from "../helpers.ts";
import { InvokeStub } from "../invoke_stub.ts";
import { FakeS3 } from "../store/fake_s3.ts";
import { Workplace } from "./llama.ts";

Deno.test("invoke runs a function's handler with the arguments", async () => {
  await using place = new Workplace();
  await place.addFunction("hello", '#!/bin/sh\necho Hello\necho "Received args: $*"\n');
  const { status, stdout, stderr } = await place.local(["invoke", "hello", "world", "a b"]);
  assert.deepEqual([status, stdout, stderr], [0, "Hello\nReceived args: world a b\n", ""]);
});

Deno.test("invoke passes on the command's status, stdout and stderr unchanged", async () => {
  await using place = new Workplace();
  await place.addShell();
  const script = "printf '\\377\\000out'; printf 'err' >&2; exit 42";
  const ended = await place.local(["invoke", "any", "sh", "-c", script]);
  assert.equal(ended.status, 42);
  assert.deepEqual(new Uint8Array(ended.bytes), new Uint8Array([255, 0, 111, 117, 116]));
  assert.equal(ended.stderr, "err");
});

Deno.test("a command killed by signal N has status 128 + N", async () => {
  await using place = new Workplace();
  await place.addShell();
  assert.equal((await place.local(["invoke", "any", "sh", "-c", "kill -TERM $$"])).status, 143);
  assert.equal((await place.local(["invoke", "any", "sh", "-c", "kill -KILL $$"])).status, 137);
});

Deno.test("files marked by templates are sent and fetched, with their modes", async () => {
  await using place = new Workplace();
  await place.addShell();
  await place.write("work/in/a.txt", "text\n");
  await place.write("work/run", '#!/bin/sh\ntr a-z A-Z <"$1" >"$2"; chmod 777 "$2"\n', 0o755);
  for (const [umask, expected] of [["022", 0o755], ["027", 0o750], ["077", 0o700]] as const) {
    const output = `out/deep/${umask}`;
    const args = ['{{.I "./run" | printf "./%s"}}', '{{.I "in/a.txt"}}', `{{.O "${output}"}}`];
    const { status, stderr } = await place.local(["invoke", "any", ...args], { umask });
    assert.deepEqual([status, stderr], [0, ""]);
    assert.equal(await Deno.readTextFile(place.here(output)), "TEXT\n");
    const mode = (await Deno.stat(place.here(output))).mode ?? 0;
    assert.equal(mode & 0o777, expected, umask);
  }
});

Deno.test("-f and -o accept files and directories, also under other names", async () => {
  await using place = new Workplace();
  await place.addShell();
  await place.write("work/lib/one", "1");
  await place.write("work/lib/sub/two", "2");
  await place.write("work/x", "x");
  const script = "mkdir -p new/d && cp -r data/. new/d && cp y new/d/y && touch new/d/empty";
  const { status, stderr } = await place.local([
    "invoke",
    "-f",
    "lib:data",
    "-file=x:y",
    "-o",
    "back/:new/d/",
    "-output",
    "single:y",
    "any",
    "sh",
    "-c",
    script,
  ]);
  assert.deepEqual([status, stderr], [0, ""]);
  assert.deepEqual(await place.list("work/back"), [
    "work/back/empty",
    "work/back/one",
    "work/back/sub",
    "work/back/sub/two",
    "work/back/y",
  ]);
  assert.equal(await Deno.readTextFile(place.here("single")), "x");
});

Deno.test("-stdin sends standard input of any size", async () => {
  await using place = new Workplace();
  await place.addShell();
  const small = await place.local(["invoke", "-stdin", "any", "tr", "a-z", "A-Z"], {
    stdin: "héllo",
  });
  assert.equal(small.stdout, "HéLLO");
  const bytes = noise(3_000_000);
  const big = await place.local(["invoke", "-stdin", "any", "cat"], { stdin: bytes });
  assert.deepEqual(new Uint8Array(big.bytes), bytes);
  const none = await place.local(["invoke", "any", "cat"], { stdin: "not sent" });
  assert.equal(none.stdout, "");
});

Deno.test("100 MB go through the store, as a file and as output", async () => {
  await using place = new Workplace();
  await place.addShell();
  const chunk = noise(1_000_000);
  using file = await Deno.open(place.here("big"), { write: true, create: true });
  for (let i = 0; i < 100; i++) await file.write(chunk);
  const { status, bytes, stderr } = await place.local(
    ["invoke", "any", "sh", "-c", 'cat "$0" && cp "$0" "$1"', '{{.I "big"}}', '{{.O "copy"}}'],
  );
  assert.deepEqual([status, stderr, bytes.length], [0, "", 100_000_000]);
  assert.deepEqual(bytes.subarray(99_000_000), chunk);
  const compared = await new Deno.Command("cmp", { args: [place.here("big"), place.here("copy")] })
    .output();
  assert.equal(compared.code, 0);
});

Deno.test("-logs shows the function's log, and -time where the time went", async () => {
  await using place = new Workplace();
  await place.addFunction("hello", "#!/bin/sh\necho out\n");
  const { stdout, stderr } = await place.local(["invoke", "-logs", "-time", "hello"]);
  assert.equal(stdout, "out\n");
  assert.match(stderr, /^START RequestId: \S+ Version: \$LATEST$/m);
  assert.match(stderr, /^llama: request \S+: exit 0, \d+ ms, 0 files in, 0 out$/m);
  assert.match(stderr, /^REPORT RequestId: .*Billed Duration: \d+ ms/m);
  assert.match(stderr, /^llama: total [\d.]+ ms, runtime [\d.]+, .*cold start$/m);
  assert.match(stderr, /^llama: billed \d+ ms with 512 MB: \$0\.0\d+ if run in AWS/m);
  const estimate = await place.local(["invoke", "-time", "hello"]);
  assert.match(estimate.stderr, /^llama: billed ~\d+ ms with 512 MB: ~\$0\.0\d+ if run in/m);
});

Deno.test("an output that the command did not create is named in the error", async () => {
  await using place = new Workplace();
  await place.addShell();
  const { status, stderr } = await place.local(["invoke", "-o", "never", "any", "true"]);
  assert.equal(status, 125);
  assert.match(stderr, /^llama: output "never": /);
  const failed = await place.local(["invoke", "-o", "never", "any", "sh", "-c", "exit 3"]);
  assert.equal(failed.status, 3);
});

Deno.test("outputs of a failed command are written, but replace no input", async () => {
  await using place = new Workplace();
  await place.addShell();
  await place.write("work/both", "old");
  const { status } = await place.local([
    "invoke",
    "any",
    "sh",
    "-c",
    'echo half >"$0"; echo why >"$1"; exit 1',
    '{{.IO "both"}}',
    '{{.O "log"}}',
  ]);
  assert.equal(status, 1);
  assert.equal(await Deno.readTextFile(place.here("both")), "old");
  assert.equal(await Deno.readTextFile(place.here("log")), "why\n");
});

Deno.test("a child process left behind, in its group or not, does not delay the response", async () => {
  await using place = new Workplace();
  await place.addShell();
  for (const stay of ["sleep 1000", "setsid sleep 1000"]) {
    const { status, stdout } = await place.local([
      "invoke",
      "any",
      "sh",
      "-c",
      `echo before; ${stay} & echo after`,
    ]);
    assert.deepEqual([status, stdout], [0, "before\nafter\n"], stay);
  }
});

Deno.test("a command is stopped before the function times out, with 124 and its output so far", async () => {
  await using place = new Workplace();
  const script = "#!/bin/sh\necho here\nsetsid sleep 1000 &\nsleep 1000\n";
  await place.addFunction("slow", script, { timeout: 3 });
  const { status, stdout, stderr } = await place.local(["invoke", "slow"]);
  assert.deepEqual([status, stdout], [124, "here\n"]);
  assert.match(stderr, /^llama: ended after 2\.\d\d s, before Lambda ends the function/m);
});

Deno.test("a function whose runtime hangs ends with Lambda's timeout error, and 124", async () => {
  await using place = new Workplace();
  await place.addShell();
  await place.write("work/images/any/function.json", '{"command": [], "timeout": 1}');
  // The runtime is the parent of the command.
  const { status, stderr } = await place.local([
    "invoke",
    "any",
    "sh",
    "-c",
    "kill -STOP $PPID; sleep 1000",
  ]);
  assert.equal(status, 124);
  assert.match(stderr, /^llama: any: Sandbox\.Timedout: .*Task timed out after 1\.00 seconds$/m);
  const run = await place.local([
    ...["xargs", "-json", "-joblog", "log", "any", "sh", "-c", "kill -STOP $PPID; sleep 1000"],
  ], { stdin: "x\n" });
  assert.equal(run.status, 1);
  const { status: recorded, ok, errors } = JSON.parse(run.stdout);
  assert.deepEqual([recorded, ok, errors[0].type], [124, false, "Sandbox.Timedout"]);
  const [, line = ""] = (await Deno.readTextFile(place.here("log"))).split("\n");
  assert.equal(line.split("\t")[6], "124");
});

Deno.test("a runtime that exits after its response is replaced", async () => {
  await using place = new Workplace();
  await place.addShell();
  // One more open file is allowed, which is not enough for the pipes of another command.
  const script =
    "n=$(($(ls /proc/$PPID/fd | wc -l) + 1)); prlimit --pid $PPID --nofile=$n:$n; echo first";
  const { status, stdout, stderr } = await place.local(
    ["xargs", "-j", "1", "any", "sh", "-c", "{{.Line}}"],
    { stdin: `${script}\necho second\necho third\n` },
  );
  assert.equal(status, 1);
  assert.equal(stdout, "first\nthird\n");
  assert.match(stderr, /Llama\.Internal: cannot start a process: the runtime's limit on open/);
});

Deno.test("a function that crashes is an error, and the next call starts a new one", async () => {
  await using place = new Workplace();
  await place.addShell();
  // The runtime is the parent of the command.
  const crash = await place.local(["invoke", "any", "sh", "-c", "kill -KILL $PPID; sleep 10"]);
  assert.equal(crash.status, 125);
  assert.match(crash.stderr, /^llama: any: Runtime\.ExitError: .*signal: killed/m);
  const { stdout, status, stderr } = await place.local(
    ["xargs", "-j", "1", "any", "sh", "-c", "{{.Line}}"],
    { stdin: "kill -KILL $PPID; sleep 10\necho alive\n" },
  );
  assert.deepEqual([status, stdout], [1, "alive\n"]);
  assert.match(stderr, /job 1: any sh -c 'kill .*': any: Runtime\.ExitError/);
});

Deno.test("a local job gets none of the user's secrets, and loopback bypasses the proxy", async () => {
  await using place = new Workplace();
  await place.addShell();
  const environment = {
    AWS_ACCESS_KEY_ID: "AKIDSECRET",
    AWS_SECRET_ACCESS_KEY: "SECRET",
    AWS_SESSION_TOKEN: "SECRET",
    AWS_PROFILE: "nobody",
    AWS_ENDPOINT_URL: "http://127.0.0.1:1",
    LLAMA_OBJECT_STORE: "s3://SECRET/",
    MY_TOKEN: "SECRET",
    HTTP_PROXY: "http://127.0.0.1:1",
    http_proxy: "http://127.0.0.1:1",
    ALL_PROXY: "http://127.0.0.1:1",
  };
  const { status, stdout, stderr } = await place.local(["invoke", "any", "env"], { environment });
  assert.deepEqual([status, stderr], [0, ""]);
  assert.match(stdout, /^PATH=/m);
  assert(!/SECRET|nobody|127\.0\.0\.1/.test(stdout), stdout);
});

Deno.test("with -store the user's store is used, and the job gets no key for it", async () => {
  await using place = new Workplace();
  await using s3 = new FakeS3();
  await place.addShell();
  const stdin = noise(300_000);
  const environment = Object.fromEntries(
    Object.entries(s3.environment).map(([name, value]) => [name, value ?? ""]),
  );
  const copied = await place.local(
    ["-store", "s3://bucket/obj/", "invoke", "-stdin", "any", "cat"],
    { stdin, environment },
  );
  assert.deepEqual([copied.status, copied.stderr], [0, ""]);
  assert.deepEqual(new Uint8Array(copied.bytes), stdin);
  assert.deepEqual([...s3.objects.keys()], [`/bucket/obj/${sha256(stdin)}`]);
  assert.deepEqual(s3.unsigned, []);
  const { stdout } = await place.local(
    ["-store", "s3://bucket/obj/", "invoke", "any", "env"],
    { environment },
  );
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) {
    assert(!stdout.includes(environment[name] ?? name), name);
  }

  const directory = pathToFileURL(place.join("store")).href;
  const filed = await place.local(["-store", directory, "invoke", "-stdin", "any", "cat"], {
    stdin,
  });
  assert.deepEqual(new Uint8Array(filed.bytes), stdin);
  assert.deepEqual(await place.list("store"), [`store/${sha256(stdin)}`]);
});

Deno.test("a command that fails leaves an input unchanged that is also an output", async () => {
  await using place = new Workplace();
  await place.addShell();
  await place.write("work/data", "old");
  const fails = ["any", "sh", "-c", "echo half >data; exit 3"];
  const ways = [
    ["invoke", ...fails, '{{.I "data"}}', '{{.O "data"}}'],
    ["invoke", ...fails, '{{.IO "data"}}', '{{.O "data"}}'],
    ["invoke", "-f", "data", "-o", "data", ...fails],
    ["xargs", "-f", "data", ...fails, "{{.O .Line}}", ":::", "data"],
  ];
  for (const args of ways) {
    const { status } = await place.local(args);
    assert.equal(status, args[0] === "xargs" ? 1 : 3, args.join(" "));
    assert.equal(await Deno.readTextFile(place.here("data")), "old", args.join(" "));
  }
});

Deno.test("two outputs of a job with the same local name are refused before it is sent", async () => {
  await using place = new Workplace();
  await place.addShell();
  const { status, stderr } = await place.local(
    ["invoke", "-o", "a:b", "any", "sh", "-c", `touch ${place.here("ran")}`, '{{.O "a"}}'],
  );
  assert.equal(status, 125);
  assert.match(stderr, /^llama: cannot write two outputs to "a": "a" and "b"\nllama: hint: /);
  assert.deepEqual(await place.list("work"), [
    "work/images",
    "work/images/any",
    "work/images/any/function.json",
  ]);
});

Deno.test("LLAMA_LOCAL, LLAMA_FUNCTIONS and -function select local functions", async () => {
  await using place = new Workplace();
  await place.addFunction("hello", "#!/bin/sh\necho hi\n");
  await Deno.rename(place.here("images"), place.join("functions"));
  const found = await place.run(["invoke", "hello"], {
    environment: { LLAMA_LOCAL: "1", LLAMA_FUNCTIONS: place.join("functions") },
  });
  assert.deepEqual([found.status, found.stdout], [0, "hi\n"]);
  const given = await place.local([
    "-function",
    "count=printf '%s|' \"<$0>\"",
    "invoke",
    "count",
    "a b",
    "c",
  ]);
  assert.equal(given.stdout, "<printf>|a b|c|");
});

Deno.test("a response with unknown content is an error, and never an empty file", async () => {
  await using place = new Workplace();
  await using lambda = new InvokeStub(() => ({
    status: 0,
    stdout: { s: "seen by nobody" },
    outputs: { "out.txt": { q: "KLUv", n: 5, e: "anything", m: 0o644 } },
    runtime: "1000.0.0",
  }));
  await place.write("work/out.txt", "before");
  const ended = await place.run(["invoke", "f", '{{.O "out.txt"}}'], {
    environment: lambda.environment,
  });
  assert.deepEqual([ended.status, ended.stdout, ended.stderr], [
    125,
    "",
    'llama: the response is newer than this llama: unknown in outputs.out.txt: "q"\n' +
    "llama: hint: update llama\n",
  ]);
  assert.equal(await Deno.readTextFile(place.here("out.txt")), "before");
  assert.equal(lambda.requests.length, 1);
});
