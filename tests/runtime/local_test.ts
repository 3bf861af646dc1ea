import assert from "node:assert/strict";
import { FakeLambda, textOf, until } from "./fake_lambda.ts";

function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}

/** Starts a job that never ends, with children in and out of its group, and tells all their ids. */
async function startEndless(lambda: FakeLambda, file: string): Promise<number[]> {
  lambda.send(JSON.stringify({
    args: [
      "sh",
      "-c",
      `sleep 1000 & a=$!; setsid sleep 1000 & b=$!
      while [ $(ps -o sid= -p $b) != $b ]; do :; done
      echo $$ $a $b > ${file}.new; mv ${file}.new ${file}; wait`,
    ],
  })).catch(() => {});
  let pids: number[] = [];
  await until(() => {
    try {
      pids = Deno.readTextFileSync(file).split(" ").map(Number);
    } catch {
      // Not there yet.
    }
    return pids.length === 3;
  });
  return pids;
}

Deno.test("under the emulator a job gets no secrets", async () => {
  await using lambda = new FakeLambda({
    env: {
      LLAMA_LOCAL: "1",
      LLAMA_ENVIRONMENT: "e1",
      LLAMA_OBJECT_STORE: "file:///nonexistent",
      AWS_ACCESS_KEY_ID: "key",
      AWS_SECRET_ACCESS_KEY: "key",
      AWS_SESSION_TOKEN: "key",
      DENO_NO_PROMPT: "1",
      MINE: "stays",
    },
  });
  const names = textOf((await lambda.run({ args: ["env"] })).stdout);
  assert.match(names, /^MINE=stays$/m);
  assert.match(names, /^LLAMA_ENVIRONMENT=e1$/m);
  assert.doesNotMatch(
    names,
    /^(AWS_(ACCESS|SECRET|SESSION|LAMBDA_RUNTIME)|DENO_|LLAMA_(LOCAL|OBJECT))/m,
  );
});

Deno.test("when the emulator is gone, so are the runtime and all that its jobs started", async () => {
  const mark = `test-${crypto.randomUUID()}`;
  await using lambda = new FakeLambda({ env: { LLAMA_LOCAL: "1", LLAMA_ENVIRONMENT: mark } });
  const file = Deno.makeTempFileSync({ prefix: "llama-test-" });
  try {
    const pids = await startEndless(lambda, file);
    assert(pids.every(isRunning));
    await lambda.stdin.close();
    assert.equal((await lambda.status).code, 0);
    await until(() => !pids.some(isRunning));
    await lambda.clean();
  } finally {
    Deno.removeSync(file);
  }
});

Deno.test("SIGTERM ends the runtime with its command's group", async () => {
  await using lambda = new FakeLambda();
  const file = Deno.makeTempFileSync({ prefix: "llama-test-" });
  try {
    const [shell = 0, inside = 0, outside = 0] = await startEndless(lambda, file);
    Deno.kill(lambda.pid, "SIGTERM");
    assert.equal((await lambda.status).code, 0);
    await until(() => !isRunning(shell) && !isRunning(inside));
    Deno.kill(outside, "SIGKILL");
    await lambda.clean();
  } finally {
    Deno.removeSync(file);
  }
});

Deno.test("outside the emulator standard input may end at once", async () => {
  await using lambda = new FakeLambda();
  await lambda.stdin.close();
  assert.equal((await lambda.run({ args: ["true"] })).status, 0);
});
