import assert from "node:assert/strict";
import { killMarked, processIds } from "../../lib/system/processes.ts";

Deno.test("processes that are just being started are killed too", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const name = `LLAMA_TEST_${crypto.randomUUID().replaceAll("-", "")}`;
  const script = "for i in 1 2 3 4 5 6 7 8; do setsid sleep 1000 & done; wait";
  for (let round = 0; round < 150; round++) {
    const child = new Deno.Command("sh", {
      args: ["-c", script],
      env: { [name]: String(round) },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    // Somewhere in what the script does.
    await new Promise((resolve) => setTimeout(resolve, round % 7));
    killMarked(`${name}=${round}`, [Deno.pid]);
    await child.status;
  }
  const left = processIds().filter((pid) => {
    try {
      return Deno.readTextFileSync(`/proc/${pid}/environ`).includes(name);
    } catch {
      // It has ended, or is another user's.
      return false;
    }
  });
  for (const pid of left) Deno.kill(pid, "SIGKILL");
  assert.deepEqual(left, []);
});
