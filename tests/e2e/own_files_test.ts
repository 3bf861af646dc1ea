import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { until } from "../helpers.ts";
import { HeldLambda, InvokeStub } from "../invoke_stub.ts";
import { program, Workplace } from "./llama.ts";

/** Runs a shell script in the working directory of the program. */
async function shell(place: Workplace, script: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("sh", {
    args: ["-c", script],
    cwd: place.here(),
  }).output();
  assert(success, new TextDecoder().decode(stderr));
}

const ignore = Deno.build.os !== "linux";

Deno.test({
  name: "a file of -f whose name is not UTF-8 is refused before anything runs",
  ignore,
  async fn() {
    await using place = new Workplace();
    await place.addShell();
    await shell(place, `mkdir in && printf one > "in/$(printf 'bad\\377')" && printf two > in/ok`);
    for (const command of ["invoke", "xargs"]) {
      const { status, stdout, stderr } = await place.local(
        [command, "-f", "in", "any", "sh", "-c", "echo ran"],
        { stdin: "a\n" },
      );
      assert.deepEqual([status, stdout], [command === "invoke" ? 125 : 1, ""]);
      assert.equal(
        stderr,
        "llama: cannot send in/bad\\xff: its name is not UTF-8\n" +
          "llama: hint: rename these files: names of files must be UTF-8\n",
      );
    }
  },
});

Deno.test({
  name: "a file of -o DIR/ whose name is not UTF-8 is reported, and the others are fetched",
  ignore,
  async fn() {
    await using place = new Workplace();
    await place.addShell();
    const script = `mkdir -p o; printf x > "o/$(printf 'b\\377d')"; echo x > o/ok`;
    const invoke = await place.local(["invoke", "-o", "o/", "any", "sh", "-c", script]);
    assert.deepEqual([invoke.status, invoke.stderr], [
      125,
      'llama: output "o/": left out o/b\\xffd: its name is not UTF-8\n',
    ]);
    assert.deepEqual(await place.list("work/o"), ["work/o/ok"]);
    const xargs = await place.local(
      ["xargs", "any", "sh", "-c", 'mkdir -p "$0"; cp "$1"* "$0"', '{{.O "o2/"}}', "{{.Line}}"],
      { stdin: "/etc/hostname\n" },
    );
    assert.deepEqual([xargs.status, xargs.stderr], [0, ""]);
    assert.deepEqual(await place.list("work/o2"), ["work/o2/hostname"]);
  },
});

Deno.test({
  name: "an output may be an open file: a pipe, a shell's redirection, >(...)",
  ignore,
  async fn() {
    await using place = new Workplace();
    await place.addShell();
    const pipe = await place.local(
      ["invoke", "-o", "/dev/stdout:out", "any", "sh", "-c", "echo output > out; echo stdout"],
    );
    // Live output comes first, since outputs are written when the command has ended.
    assert.deepEqual([pipe.status, pipe.stdout, pipe.stderr], [0, "stdout\noutput\n", ""]);
    const args = "invoke -o /dev/fd/3:out any sh -c 'echo output > out'";
    const command = program.map((word) => `'${word}'`).join(" ");
    const script = `exec 3> file; ${command} -local ${args} && echo more >&3 &&
      ${command} -local ${args} 3> >(cat > substituted; echo > done) &&
      until [ -e done ]; do :; done`;
    const { success, stderr } = await new Deno.Command("bash", {
      args: ["-c", script],
      cwd: place.here(),
      clearEnv: true,
      env: place.environment(),
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    // The shell's offset in the file is still 0, as after cp.
    assert.equal(await Deno.readTextFile(place.here("file")), "more\nt\n");
    assert.equal(await Deno.readTextFile(place.here("substituted")), "output\n");
  },
});

Deno.test("-results refuses a directory that is not llama's, and leaves it unchanged", async () => {
  await using place = new Workplace();
  await using lambda = new InvokeStub(() => ({ status: 0 }));
  await place.write("work/keep/1/photos/a", "precious");
  const { status, stderr } = await place.run(
    ["xargs", "-results", "keep", "f", "{{.Line}}"],
    { stdin: "x\n", environment: lambda.environment },
  );
  assert.equal(status, 2);
  assert.equal(
    stderr,
    'llama: "keep/1" is not the result of an earlier run\n' +
      "llama: hint: move it elsewhere, or name another directory with -results\n",
  );
  assert.deepEqual(await place.list("work"), [
    "work/keep",
    "work/keep/1",
    "work/keep/1/photos",
    "work/keep/1/photos/a",
  ]);
  assert.equal(lambda.requests.length, 0);
});

Deno.test("of two runs with the same -results, the second is refused", async () => {
  await using place = new Workplace();
  await using lambda = new HeldLambda();
  const { environment } = lambda;
  const args = ["xargs", "-results", "res", "f", "{{.Line}}", ":::", "a"];
  const first = place.start(args, { environment });
  await lambda.asked;
  const second = await place.run(args, { environment });
  assert.deepEqual([second.status, second.stdout, second.stderr], [
    2,
    "",
    'llama: another run is writing results to "res"\n' +
    "llama: hint: wait until it ends, or name another directory with -results\n",
  ]);
  lambda.go();
  assert.equal((await first.output()).code, 0);
  await first.stdin.close().catch(() => {});
  assert.equal(lambda.requests.length, 1);
  assert.deepEqual((await place.list("work/res")).length, 4);
  const third = await place.run(args, { environment });
  assert.deepEqual([third.status, third.stderr], [0, ""]);
});

Deno.test("files left by SIGKILL during a fetch are removed by the next run", async () => {
  await using place = new Workplace();
  await using lambda = new InvokeStub(() => ({
    status: 0,
    outputs: {
      "big": { r: "0".repeat(64) },
      "o/big": { r: "0".repeat(64) },
      "o/a/big": { s: "x" },
    },
  }));
  // The store's responses begin and never end.
  const asked = Promise.withResolvers<void>();
  let requests = 0;
  await using s3 = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    if (++requests === 2) asked.resolve();
    return new Response(new ReadableStream({ start: (to) => to.enqueue(Buffer.alloc(1000)) }), {
      headers: { "content-length": "1000000" },
    });
  });
  const environment = {
    ...lambda.environment,
    LLAMA_OBJECT_STORE: "s3://bucket/",
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${s3.addr.port}`,
  };
  const args = ["invoke", "-o", "out/big:big", "-o", "out/dir/:o/", "f"];
  const child = place.start(args, { environment });
  const ended = child.output();
  await asked.promise;
  const unfinished = async () =>
    (await place.list("work")).filter((path) => path.includes("/.llama-"));
  await until(async () => (await unfinished()).length === 2, "both files have begun");
  for (const path of await unfinished()) {
    assert.equal(((await Deno.stat(place.join(path))).mode ?? 0) & 0o777, 0o600, path);
  }
  child.kill("SIGKILL");
  await ended;
  await child.stdin.close().catch(() => {});
  assert.equal((await unfinished()).length, 2);
  await using next = new InvokeStub(() => ({
    status: 0,
    runtime: "0.1.0",
    outputs: { "big": { s: "1" }, "o/big": { s: "2" } },
  }));
  const { status, stderr } = await place.run(args, { environment: next.environment });
  assert.deepEqual([status, stderr], [0, ""]);
  assert.deepEqual((await place.list("work")).filter((path) => !path.endsWith("/a/big")), [
    "work/out",
    "work/out/big",
    "work/out/dir",
    "work/out/dir/a",
    "work/out/dir/big",
  ]);
});

Deno.test({
  name: "a directory with links goes to the job and comes back as it is, time and again",
  ignore,
  async fn() {
    await using place = new Workplace();
    await place.addShell();
    await shell(
      place,
      "mkdir -p in/v1/bin in/empty && printf one > in/v1/bin/tool && ln -s v1 in/latest && " +
        "ln -s latest/bin/tool in/tool",
    );
    const tree = `cd "$0" && find . -mindepth 1 | sort | while read f; do
      printf '%s %s\\n' "$f" "$(readlink "$f")"; done`;
    const read = async (name: string) => {
      const { stdout } = await new Deno.Command("sh", { args: ["-c", tree, place.here(name)] })
        .output();
      return new TextDecoder().decode(stdout);
    };
    const before = await read("in");
    assert.match(before, /^\.\/latest v1$/m);
    for (let i = 0; i < 2; i++) {
      const result = await place.local(
        ["invoke", "-f", "in", "-o", "out/", "any", "sh", "-c", "cp -a in/. out && cat out/tool"],
      );
      assert.deepEqual([result.status, result.stdout, result.stderr], [0, "one", ""]);
      assert.equal(await read("out"), before);
    }
  },
});
