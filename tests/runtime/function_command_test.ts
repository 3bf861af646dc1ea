import assert from "node:assert/strict";
import { join } from "node:path";
import {
  findFunctionCommand,
  findProgram,
  type FunctionCommand,
} from "../../lib/runtime/function_command.ts";
import { JobError } from "../../lib/runtime/job_error.ts";

/** A package with programs, a `bin` on PATH, and a job's directory. */
function fixture(): { root: string; task: string; bin: string; job: string } & Disposable {
  const root = Deno.makeTempDirSync({ prefix: "llama-test-" });
  const [task, bin, job] = ["task", "bin", "job"].map((name) => join(root, name));
  assert(task && bin && job);
  for (const directory of [task, bin, job, join(task, "tools"), join(task, "folder")]) {
    Deno.mkdirSync(directory);
  }
  for (const file of [join(task, "own"), join(task, "tools/deep"), join(bin, "tool")]) {
    Deno.writeTextFileSync(file, "#!/bin/sh\n", { mode: 0o755 });
  }
  Deno.writeTextFileSync(join(job, "script"), "#!/bin/sh\n", { mode: 0o755 });
  Deno.writeTextFileSync(join(task, "plain"), "#!/bin/sh\n", { mode: 0o644 });
  Deno.writeTextFileSync(join(bin, "plain"), "#!/bin/sh\n", { mode: 0o755 });
  return {
    root,
    task,
    bin,
    job,
    [Symbol.dispose]: () => Deno.removeSync(root, { recursive: true }),
  };
}

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert(error instanceof JobError);
    return `${error.type}: ${error.message}`;
  }
  throw new Error("nothing was refused");
}

Deno.test("the runtime's arguments take precedence over the handler", () => {
  assert.deepEqual(
    findFunctionCommand(["/usr/bin/optipng", "-v"], { _HANDLER: "x" }, "/srv"),
    { kind: "words", program: "/usr/bin/optipng", args: ["-v"], directory: "/srv" },
  );
});

Deno.test("a handler is a file in the package, or a program on PATH", () => {
  using places = fixture();
  const { task, bin, job } = places;
  const find = (handler: string) =>
    findProgram(
      findFunctionCommand([], { _HANDLER: handler, LAMBDA_TASK_ROOT: task }, "/"),
      ["a"],
      { searchPath: `/nowhere:${bin}`, jobDirectory: job },
    );
  assert.deepEqual(find("own"), { path: join(task, "own"), args: ["a"] });
  assert.deepEqual(find("tools/deep"), { path: join(task, "tools/deep"), args: ["a"] });
  assert.deepEqual(find("tool"), { path: join(bin, "tool"), args: ["a"] });
  assert.match(
    refusal(() => find("none")),
    /NoSuchCommand: .*"none": not found in .*task, nor on PATH/,
  );
  assert.match(refusal(() => find("tools/none")), /"tools\/none": not found in .*task$/);
  assert.match(refusal(() => find("plain")), /task\/plain is not executable/);
  assert.match(refusal(() => find("folder")), /task\/folder is a directory/);
});

Deno.test("a handler never leads out of the package", () => {
  for (const handler of ["../own", "a/../../own", "/bin/sh"]) {
    assert.match(
      refusal(() => findFunctionCommand([], { _HANDLER: handler }, "/")),
      /Llama\.NoSuchCommand: handler .*: not a path inside/,
    );
  }
});

Deno.test("a relative CMD is relative to the runtime's directory, a job's program to the job's", () => {
  using places = fixture();
  const { task, bin, job } = places;
  const find = (command: FunctionCommand, args: string[]) =>
    findProgram(command, args, { searchPath: bin, jobDirectory: job });
  const words = (program: string): FunctionCommand => ({
    kind: "words",
    program,
    args: ["-x"],
    directory: task,
  });
  assert.deepEqual(find(words("./own"), ["a"]), { path: join(task, "own"), args: ["-x", "a"] });
  assert.deepEqual(find(words("tool"), []), { path: join(bin, "tool"), args: ["-x"] });
  const own: FunctionCommand = { kind: "job" };
  assert.deepEqual(find(own, ["./script", "a"]), { path: join(job, "script"), args: ["a"] });
  assert.deepEqual(find(own, ["tool"]), { path: join(bin, "tool"), args: [] });
  // Not in the package, and not in the job's directory unless a path says so.
  assert.match(refusal(() => find(own, ["own"])), /NoSuchCommand.*"own": not found on PATH/);
  assert.match(refusal(() => find(own, ["script"])), /NoSuchCommand/);
  assert.match(refusal(() => find(own, [])), /BadRequest: args: no command/);
});
