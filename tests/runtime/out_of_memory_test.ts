import assert from "node:assert/strict";
import { explainEnding } from "../../lib/runtime/endings.ts";
import { OutOfMemory } from "../../lib/runtime/out_of_memory.ts";
import { TemporaryDirectory } from "../helpers.ts";
import { FakeLambda, textOf } from "./fake_lambda.ts";
import { canLimit, ProcessGroup } from "./process_group.ts";

const ignore = Deno.build.os !== "linux";

const advice = "raise the function's memory, which is 512 MB (10,240 MB at most)";

function explain(status: number, kills: number | undefined, isMemoryBound = true): string[] {
  return explainEnding({ status, timedOut: false }, {
    program: { path: "/bin/sh", args: [] },
    timedOutMs: undefined,
    kills,
    outOfMemory: isMemoryBound,
    memoryMb: 512,
  });
}

Deno.test("running out of memory is detected by the kernel's count, not by the status", () => {
  assert.deepEqual(explain(137, 1), [`killed because the function ran out of memory: ${advice}`]);
  assert.deepEqual(explain(137, 0), []);
  assert.deepEqual(explain(0, 0), []);
  const killed = (what: string) => [
    `the function ran out of memory, and the kernel killed ${what} that the command had started: ${advice}`,
  ];
  assert.deepEqual(explain(0, 1), killed("a process"));
  assert.deepEqual(explain(1, 3), killed("3 processes"));
  // Kernels before 4.13 do not count.
  assert.deepEqual(explain(137, undefined), [
    `killed, most likely because the function ran out of memory: ${advice}`,
  ]);
  assert.deepEqual(explain(1, undefined), []);
  // On the user's machine, memory is others' too.
  assert.deepEqual(explain(137, undefined, false), []);
});

Deno.test("kills are counted since the last call", async () => {
  await using proc = new TemporaryDirectory();
  const count = (lines: string) => Deno.writeTextFileSync(proc.join("vmstat"), lines);
  count("nr_free_pages 1\noom_kill 5\npgmajfault 7\n");
  using memory = new OutOfMemory(proc.path);
  assert.equal(memory.kills(), 0);
  count("nr_free_pages 1\noom_kill 7\npgmajfault 7\n");
  assert.equal(memory.kills(), 2);
  assert.equal(memory.kills(), 0);
  count("nr_free_pages 1\n");
  assert.equal(memory.kills(), undefined);
  // Without a score to set, programs are started all the same.
  assert.equal(memory.atRisk(() => "started"), "started");
});

Deno.test("without /proc the count is unknown, and programs still start", () => {
  using memory = new OutOfMemory("/nonexistent");
  assert.equal(memory.kills(), undefined);
  assert.equal(memory.atRisk(() => "started"), "started");
});

Deno.test({
  name: "when memory runs out, a command and its descendants are killed before the runtime",
  ignore,
  async fn() {
    await using lambda = new FakeLambda();
    const args = ["sh", "-c", "cat /proc/self/oom_score_adj /proc/$PPID/oom_score_adj"];
    const { stdout } = await lambda.run({ args });
    const [command, runtime] = textOf(stdout).trim().split("\n").map(Number);
    assert.equal(command, 1000);
    assert.equal(runtime, Number(Deno.readTextFileSync("/proc/self/oom_score_adj")));
  },
});

Deno.test({
  name: "under the emulator a command is not killed first",
  ignore,
  async fn() {
    await using lambda = new FakeLambda({ env: { LLAMA_LOCAL: "1", LLAMA_ENVIRONMENT: "e" } });
    const { stdout } = await lambda.run({ args: ["cat", "/proc/self/oom_score_adj"] });
    assert.equal(textOf(stdout), Deno.readTextFileSync("/proc/self/oom_score_adj"));
  },
});

Deno.test({
  name: "the kernel kills a job that uses too much memory, and the runtime survives",
  ignore: !canLimit("memory"),
  async fn() {
    await using group = new ProcessGroup("memory");
    group.set("memory.limit_in_bytes", 256 * 1024 * 1024);
    group.set("memory.swappiness", 0);
    await using lambda = new FakeLambda({ env: { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256" } });
    await lambda.run({ args: ["true"] });
    group.set("cgroup.procs", lambda.pid);
    const hog = `perl -e '@x = map { "x" x 10_000_000 } 1..100'`;
    const killed = await lambda.run({ args: ["sh", "-c", `exec ${hog}`] });
    assert.equal(killed.status, 137);
    assert.equal(
      textOf(killed.stderr),
      "llama: killed because the function ran out of memory: raise the function's memory, which is 256 MB (10,240 MB at most)\n",
    );
    const child = await lambda.run({
      args: ["sh", "-c", `${hog} 2>/dev/null; echo went on; exit 0`],
    });
    assert.deepEqual([child.status, textOf(child.stdout)], [0, "went on\n"]);
    assert.match(
      textOf(child.stderr),
      /llama: the function ran out of memory, and the kernel killed a process that /,
    );
    const other = await lambda.run({ args: ["sh", "-c", "kill -9 $$"] });
    assert.deepEqual([other.status, other.stderr], [137, {}]);
  },
});
