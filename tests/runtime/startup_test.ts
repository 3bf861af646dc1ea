import assert from "node:assert/strict";
import { runtimeProgram } from "../e2e/llama.ts";
import { TemporaryDirectory } from "../helpers.ts";
import { FakeLambda, textOf } from "./fake_lambda.ts";

/** Runs the runtime where there is no Lambda around it. */
async function runAlone(env: Record<string, string>): Promise<{ code: number; stderr: string }> {
  const [executable = "", ...args] = runtimeProgram;
  const { code, stderr } = await new Deno.Command(executable, { args, env }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

Deno.test("a handler in the package gets the job's arguments", async () => {
  const task = Deno.makeTempDirSync({ prefix: "llama-test-" });
  try {
    Deno.mkdirSync(`${task}/bin`);
    Deno.writeTextFileSync(`${task}/bin/show`, '#!/bin/sh\nprintf "<%s>" "$@"\n', { mode: 0o755 });
    await using lambda = new FakeLambda({ env: { _HANDLER: "bin/show", LAMBDA_TASK_ROOT: task } });
    const { status, stdout } = await lambda.run({ args: ["a b", "", "ü"] });
    assert.equal(status, 0);
    assert.equal(textOf(stdout), "<a b><><ü>");
  } finally {
    Deno.removeSync(task, { recursive: true });
  }
});

Deno.test("a handler that is not a file in the package is a program on PATH", async () => {
  await using lambda = new FakeLambda({
    env: { _HANDLER: "printf", LAMBDA_TASK_ROOT: "/nonexistent" },
  });
  assert.equal(textOf((await lambda.run({ args: ["%s", "x"] })).stdout), "x");
});

Deno.test("an image's CMD in exec form comes before the job's arguments", async () => {
  const workdir = Deno.makeTempDirSync({ prefix: "llama-test-" });
  try {
    Deno.writeTextFileSync(`${workdir}/tool`, '#!/bin/sh\necho "$@"; pwd\n', { mode: 0o755 });
    await using lambda = new FakeLambda({ args: ["./tool", "-v"], cwd: workdir });
    const { stdout } = await lambda.run({ args: ["x"] });
    const [words, directory] = textOf(stdout).split("\n");
    assert.equal(words, "-v x");
    assert.match(directory ?? "", /llama-job-/);
  } finally {
    Deno.removeSync(workdir, { recursive: true });
  }
});

Deno.test("an image's CMD in shell form gets the job's arguments at its end", async () => {
  await using lambda = new FakeLambda({ args: ["/bin/sh", "-c", "echo $0: $#; printf '<%s>'"] });
  assert.equal(
    textOf((await lambda.run({ args: ["a b", "$HOME"] })).stdout),
    "echo: 2\n<a b><$HOME>",
  );
});

Deno.test("without CMD and handler the job's arguments are the command", async () => {
  await using lambda = new FakeLambda();
  assert.equal(textOf((await lambda.run({ args: ["echo", "x"] })).stdout), "x\n");
  const files = { "run.sh": { s: "#!/bin/sh\necho own $1\n", m: 0o755 } };
  assert.equal(textOf((await lambda.run({ args: ["./run.sh", "1"], files })).stdout), "own 1\n");
  assert.equal((await lambda.refuse({})).errorType, "Llama.BadRequest");
});

Deno.test("a handler that leads out of the package fails the start", async () => {
  await using lambda = new FakeLambda({ env: { _HANDLER: "../escape" } });
  const { text, errorType } = await lambda.initError;
  assert.equal(errorType, "Llama.NoSuchCommand");
  assert.match(text, /"errorType":"Llama.NoSuchCommand"/);
  assert.equal((await lambda.status).code, 1);
  assert.match(await lambda.log, /^llama: start: Llama\.NoSuchCommand: handler "\.\.\/escape"/);
});

Deno.test("outside Lambda the runtime says what it is", async () => {
  const { code, stderr } = await runAlone({ AWS_LAMBDA_RUNTIME_API: "" });
  assert.equal(code, 2);
  assert.match(stderr, /^llama: this is the runtime of a Lambda function.*\n$/);
});

Deno.test("a runtime that cannot reach its API exits with one line", async () => {
  // Nothing listens at the discard port.
  const { code, stderr } = await runAlone({ AWS_LAMBDA_RUNTIME_API: "127.0.0.1:9" });
  assert.equal(code, 1);
  assert.match(stderr, /^llama: the Runtime API does not answer: .*\n$/);
});

Deno.test("everything a job needs is loaded before the first invocation is requested", async () => {
  await using directory = new TemporaryDirectory();
  await directory.write("bin/true", '#!/bin/sh\necho ran >>"$0.log"\n', 0o755);
  const log = directory.join("bin/true.log");
  const PATH = `${directory.join("bin")}:${Deno.env.get("PATH")}`;
  {
    await using lambda = new FakeLambda({ env: { PATH } });
    await lambda.ready;
    assert.equal(await Deno.readTextFile(log), "ran\n");
    assert.deepEqual([...Deno.readDirSync(lambda.temporary)], []);
    assert.equal((await lambda.run({ args: ["sh", "-c", "exit 0"] })).times?.cold, true);
    // One line for the job, and none for what came before it.
    Deno.kill(lambda.pid, "SIGTERM");
    assert.match(await lambda.log, /^llama: request request-1: [^\n]*\n$/);
  }
  await Deno.remove(log);
  // The emulator has a job ready, which need not wait for another one; and a function with much
  // memory has as much of a processor later.
  for (
    const env of [
      { LLAMA_LOCAL: "1", LLAMA_ENVIRONMENT: "e" },
      { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "1769" },
    ]
  ) {
    await using lambda = new FakeLambda({ env: { PATH, ...env } });
    await lambda.run({ args: ["sh", "-c", "exit 0"] });
    await assert.rejects(Deno.stat(log), Deno.errors.NotFound);
  }
});

Deno.test("a runtime works without the warm-up program", async () => {
  await using lambda = new FakeLambda({ env: { PATH: "/nonexistent" } });
  assert.equal((await lambda.run({ args: ["/bin/sh", "-c", "exit 4"] })).status, 4);
});

Deno.test("an image's CMD in the shell form of another shell gets the job's arguments", async () => {
  await using lambda = new FakeLambda({
    args: ["/usr/bin/env", "bash", "-o", "pipefail", "-c", "false | printf '<%s>'"],
  });
  const { status, stdout } = await lambda.run({ args: ["a b", "$HOME"] });
  assert.deepEqual([status, textOf(stdout)], [1, "<a b><$HOME>"]);
});
