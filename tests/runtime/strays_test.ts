import assert from "node:assert/strict";
import { FakeLambda, textOf } from "./fake_lambda.ts";
import { canLimit, ProcessGroup } from "./process_group.ts";

const ignore = Deno.build.os !== "linux";

const sh = (script: string) => ["sh", "-c", script];

const exists = (pid: number) => {
  try {
    Deno.statSync(`/proc/${pid}`);
    return true;
  } catch {
    return false;
  }
};

/** The process ids that a job's processes wrote into a file, one per line. */
const pidsIn = (file: string) =>
  Deno.readTextFileSync(file).split("\n").filter((line) => line !== "").map(Number);

/** Ways in which a process leaves its command's group; each tells its id in `$1`. */
const escapes: Record<string, string> = {
  "a session of its own": `setsid sh -c 'echo $$ >>"$1"; exec sleep 1000' sh "$1" &`,
  "without the pipes": `setsid sh -c 'echo $$ >>"$1"; exec sleep 1000' sh "$1" >/dev/null 2>&1 &`,
  "a daemon of two forks":
    `(setsid sh -c 'sleep 1000 & echo $! >>"$1"' sh "$1" </dev/null >/dev/null 2>&1 &);`,
  "with an empty environment":
    `env -i PATH="$PATH" setsid sh -c 'echo $$ >>"$1"; exec sleep 1000' sh "$1" >/dev/null 2>&1 &`,
  "deaf to signals":
    `setsid sh -c 'trap "" TERM HUP INT; echo $$ >>"$1"; while :; do sleep 1; done' sh "$1" &`,
  "with children of its own":
    `setsid sh -c 'echo $$ >>"$1"; for i in 1 2 3; do sleep 1000 & echo $! >>"$1"; done; wait' sh "$1" &`,
};

for (const [name, escape] of Object.entries(escapes)) {
  Deno.test({
    name: `what leaves a command's group ends with its job: ${name}`,
    ignore,
    async fn() {
      await using lambda = new FakeLambda({ args: ["sh", "-c"] });
      const file = Deno.makeTempFileSync({ prefix: "llama-test-" });
      try {
        const { status, stdout } = await lambda.run({
          args: [`${escape} while ! [ -s "$1" ]; do :; done; echo done`, "sh", file],
        });
        assert.deepEqual([status, textOf(stdout)], [0, "done\n"]);
        const pids = pidsIn(file);
        assert(pids.length > 0);
        // Not even a zombie is left once the answer is there.
        assert.deepEqual(pids.filter(exists), []);
      } finally {
        Deno.removeSync(file);
      }
    },
  });
}

Deno.test({
  name: "outputs are read only when nothing writes to them any more",
  ignore,
  async fn() {
    await using lambda = new FakeLambda();
    const script = `setsid sh -c 'while :; do echo xxxxxxxxxxxxxxx; done' >out 2>/dev/null &
      while ! [ -s out ]; do :; done`;
    const { outputs } = await lambda.run({ args: sh(script), outputs: ["out"] });
    assert.match(outputs["out"]?.s ?? "", /^x/);
  },
});

Deno.test({
  name: "orphans that end while a command runs are reaped meanwhile",
  ignore,
  async fn() {
    await using lambda = new FakeLambda();
    // An orphan's parent is the runtime; a zombie of it has state Z.
    const script = `(sleep 0 &)
      children() { cat /proc/$PPID/task/$PPID/children | wc -w; }
      while [ $(children) -lt 1 ]; do :; done
      while [ $(children) -gt 1 ]; do :; done
      echo reaped`;
    const { stdout } = await lambda.run({ args: sh(script) });
    assert.equal(textOf(stdout), "reaped\n");
  },
});

Deno.test({
  name: "a runtime that is process 1 has no zombies between jobs",
  // New namespaces take root.
  ignore: ignore || Deno.uid() !== 0,
  async fn() {
    await using lambda = new FakeLambda({
      around: ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"],
    });
    for (let i = 0; i < 5; i++) {
      const { stdout } = await lambda.run({
        args: sh("sleep 1000 & sleep 1000 & (setsid sleep 1000 &); echo /proc/[0-9]*; echo $PPID"),
      });
      const [processes = "", parent] = textOf(stdout).trim().split("\n");
      assert.equal(parent, "1");
      // The runtime, the shell, and what this job has started.
      assert(processes.split(" ").length <= 6, processes);
    }
    // SIGTERM is not for the program around it, which would wait.
    Deno.kill(lambda.pid, "SIGKILL");
  },
});

Deno.test({
  name: "processes that an image's entry point started are not killed",
  ignore,
  async fn() {
    const file = Deno.makeTempFileSync({ prefix: "llama-test-" });
    try {
      // Its child is the runtime's when the shell has become the runtime.
      const script = `sleep 1000 & echo $! >"$0"; exec "$@"`;
      await using lambda = new FakeLambda({ around: ["sh", "-c", script, file] });
      await lambda.run({ args: sh("setsid sleep 1000 & true") });
      const [daemon = 0] = pidsIn(file);
      assert(exists(daemon));
      Deno.kill(daemon, "SIGKILL");
      await lambda.run({ args: ["true"] });
    } finally {
      Deno.removeSync(file);
    }
  },
});

Deno.test({
  name: "a runtime that cannot start processes says so, and exits",
  ignore: !canLimit("pids"),
  async fn() {
    await using group = new ProcessGroup("pids");
    await using lambda = new FakeLambda();
    assert.equal((await lambda.run({ args: ["true"] })).status, 0);
    // Deno removes its directory on a thread, and ends if it cannot have one.
    await lambda.clean();
    group.set("cgroup.procs", lambda.pid);
    group.set("pids.max", 1);
    const { errorType, errorMessage } = await lambda.refuse({ args: ["true"] });
    assert.equal(errorType, "Llama.Internal");
    assert.match(String(errorMessage), /^cannot start a process: the limit on processes/);
    assert.equal((await lambda.status).code, 1);
  },
});
