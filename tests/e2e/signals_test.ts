import assert from "node:assert/strict";
import { maxInlineBytes } from "../../lib/protocol.ts";
import { until } from "../helpers.ts";
import { InvokeStub } from "../invoke_stub.ts";
import { exists, processesWith, program, reader, Workplace } from "./llama.ts";

/** Starts `xargs` with jobs that report their start and then wait forever. */
async function startForever(place: Workplace, lines: string) {
  await place.addShell();
  const child = place.start([
    "-local",
    "xargs",
    "-j",
    "50",
    "any",
    "sh",
    "-c",
    `echo partial >"$0"; touch ${place.here()}/ran-{{.Line}}; setsid sleep 1000 & sleep 1000`,
    '{{.O (printf "out-%s" .Line)}}',
  ]);
  const stdin = child.stdin.getWriter();
  await stdin.write(new TextEncoder().encode(lines));
  await until(() => hasRun(place).length > 0, "a job runs");
  return { child, stdin };
}

/** Returns the lines whose jobs have started. */
function hasRun(place: Workplace): string[] {
  return [...Deno.readDirSync(place.here())].map(({ name }) => name)
    .filter((name) => name.startsWith("ran-"));
}

/** Returns the environment ids of the runtimes below this place's temporary directory. */
function environments(place: Workplace): string[] {
  const found = new Set<string>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const variables = Deno.readTextFileSync(`/proc/${name}/environ`).split("\0");
      if (!variables.some((entry) => entry.startsWith(`TMPDIR=${place.temporary}/`))) continue;
      const id = variables.find((entry) => entry.startsWith("LLAMA_ENVIRONMENT="));
      if (id) found.add(id);
    } catch {
      // The process has ended.
    }
  }
  return [...found];
}

for (
  const [signal, status, words] of [
    ["SIGTERM", 143, "ended by SIGTERM"],
    ["SIGHUP", 129, "ended by SIGHUP"],
    ["SIGQUIT", 131, "ended by SIGQUIT"],
    ["SIGXFSZ", 153, "ended by SIGXFSZ"],
  ] as const
) {
  Deno.test(`${signal} ends a run with ${status}, and leaves no process and no file`, async () => {
    await using place = new Workplace();
    const { child, stdin } = await startForever(place, "1\n2\n3\n");
    const ids = environments(place);
    assert(ids.length > 0);
    child.kill(signal);
    const { code, stderr } = await child.output();
    await stdin.close().catch(() => {});
    assert.equal(code, status);
    assert.equal(new TextDecoder().decode(stderr), `llama: ${words}: 3 jobs were in flight\n`);
    await until(() => ids.every((id) => processesWith(id).length === 0), "none is left", 1000);
    assert.deepEqual(await place.list("tmp"), []);
    assert.deepEqual((await place.list("work")).filter((path) => path.includes("out-")), []);
  });
}

Deno.test("a signal that was ignored at start-up does not end a run", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using place = new Workplace();
  const script = `touch here; while ! [ -e ${place.here("go")} ]; do sleep 0.01; done; echo done`;
  await place.addFunction("wait", `#!/bin/sh\ncd ${place.here()} && ${script}\n`);
  const child = new Deno.Command("sh", {
    args: ["-c", `trap "" HUP; exec "$@"`, "sh", ...program, "-local", "invoke", "wait"],
    cwd: place.here(),
    clearEnv: true,
    env: place.environment(),
    stdout: "piped",
  }).spawn();
  await until(() => exists(place.here("here")), "the job runs");
  child.kill("SIGHUP");
  await place.write("work/go", "");
  const { code, stdout } = await child.output();
  assert.deepEqual([code, new TextDecoder().decode(stdout)], [0, "done\n"]);
});

Deno.test("ctrl-Z where it is ignored does not stop a run", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using place = new Workplace();
  await place.addShell();
  const script = `touch ran-1; while ! [ -e go ]; do sleep 0.01; done`;
  const args = ["-local", "xargs", "any", "sh", "-c", `cd ${place.here()}; ${script}`, ":::", "a"];
  const child = new Deno.Command("sh", {
    args: ["-c", `trap "" TSTP; exec "$@"`, "sh", ...program, ...args],
    cwd: place.here(),
    clearEnv: true,
    env: place.environment(),
  }).spawn();
  await until(() => hasRun(place).length === 1, "the job runs");
  child.kill("SIGTSTP");
  await place.write("work/go", "");
  let ended = false;
  const status = child.status.finally(() => ended = true);
  const isStopped = () => {
    try {
      return / T /.test(Deno.readTextFileSync(`/proc/${child.pid}/stat`));
    } catch {
      // It has ended.
      return false;
    }
  };
  await until(() => ended || isStopped(), "it ends or is stopped");
  if (!ended) child.kill("SIGKILL");
  assert.equal((await status).code, 0);
});

Deno.test("the first ctrl-C waits for the jobs in flight, and starts no others", async () => {
  await using place = new Workplace();
  await place.addShell();
  const script = 'touch "$0/ran-$1"; while [ ! -e "$0/go" ]; do sleep 0.01; done; echo "out $1"; ' +
    'echo "$1" >"$2"';
  const out = '{{.O (printf "out-%s" .Line)}}';
  const child = place.start(
    [
      "-local",
      "xargs",
      "-j",
      "2",
      "-joblog",
      "log",
      "any",
      "sh",
      "-c",
      script,
      place.here(),
      "{{.Line}}",
      out,
    ],
  );
  const stderr = reader(child.stderr);
  const stdout = new Response(child.stdout).text();
  const stdin = child.stdin.getWriter();
  await stdin.write(new TextEncoder().encode("1\n2\n3\n4\n"));
  await until(() => hasRun(place).length === 2, "two jobs run");
  child.kill("SIGINT");
  await stderr.until("interrupted: no new jobs, waiting for 2 jobs in flight");
  await Deno.writeTextFile(place.here("go"), "");
  // The input has not ended, and need not.
  const { code } = await child.status;
  assert.equal(code, 130);
  assert.deepEqual((await stdout).split("\n").sort(), ["", "out 1", "out 2"]);
  assert.equal(
    await stderr.rest(),
    "llama: interrupted: no new jobs, waiting for 2 jobs in flight; ctrl-C again drops them\n" +
      "llama: ended early: 2 done, 0 failed, 0 dropped in flight, at least 2 not started " +
      "(the end of the input was not reached)\n" +
      "llama: hint: run the same command with -resume to continue\n",
  );
  assert.deepEqual(hasRun(place).sort(), ["ran-1", "ran-2"]);
  assert.equal(await Deno.readTextFile(place.here("out-1")), "1\n");
  assert.equal((await Deno.readTextFile(place.here("log"))).split("\n").length, 4);
  assert.deepEqual(await place.list("tmp"), []);
  await stdin.close().catch(() => {});
});

Deno.test("ctrl-C while Lambda is throttling all jobs waits for none", async () => {
  await using place = new Workplace();
  const refused = Promise.withResolvers<void>();
  await using lambda = new InvokeStub(() => {
    refused.resolve();
    return Response.json({ Message: "Rate Exceeded." }, {
      status: 429,
      headers: { "x-amzn-errortype": "TooManyRequestsException", "retry-after": "600" },
    });
  });
  const { environment } = lambda;
  const child = place.start(["xargs", "f", "{{.Line}}", ":::", "a", "b"], { environment });
  const stderr = reader(child.stderr);
  await refused.promise;
  await stderr.until("Lambda is throttling");
  child.kill("SIGINT");
  const { code } = await child.status;
  await child.stdin.close().catch(() => {});
  await child.stdout.cancel();
  assert.equal(code, 130);
  assert.match(
    await stderr.rest(),
    /\nllama: interrupted\nllama: ended early: 0 done, 0 failed, 0 dropped in flight, 2 not started\n$/,
  );
});

for (const [signal, status] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`after a first ctrl-C, ${signal} drops the jobs in flight, with ${status}`, async () => {
    await using place = new Workplace();
    const { child, stdin } = await startForever(place, "1\n2\n3\n");
    const ids = environments(place);
    const stderr = reader(child.stderr);
    child.kill("SIGINT");
    await stderr.until("waiting for 3 jobs in flight");
    let isHeard = false;
    const heard = stderr.until(": 3 jobs were in flight\n").then(() => isHeard = true);
    // A second SIGINT counts only some time after the first, so it is sent repeatedly.
    await until(() => {
      if (!isHeard) child.kill(signal);
      return isHeard;
    }, "it is heard");
    await heard;
    const { code } = await child.status;
    await stdin.close().catch(() => {});
    await child.stdout.cancel();
    assert.equal(code, status);
    const words = await stderr.rest();
    // The run's results are reported after a ctrl-C; other signals leave no time for that.
    const told =
      /\nllama: ended early: 0 done, 0 failed, 3 dropped in flight, at least 0 not started/;
    assert.equal(told.test(words), signal === "SIGINT");
    await until(() => ids.every((id) => processesWith(id).length === 0), "none is left", 1000);
    assert.deepEqual(await place.list("tmp"), []);
    assert.deepEqual((await place.list("work")).filter((path) => path.includes("out-")), []);
  });
}

Deno.test("ctrl-C ends invoke at once", async () => {
  await using place = new Workplace();
  await place.addShell();
  const child = place.start(
    ["-local", "invoke", "any", "sh", "-c", `touch ${place.here()}/ran-1; sleep 1000`],
  );
  await until(() => hasRun(place).length > 0, "the job runs");
  child.kill("SIGINT");
  const { code, stderr } = await child.output();
  assert.equal(code, 130);
  assert.equal(new TextDecoder().decode(stderr), "llama: interrupted: 1 job was in flight\n");
  await child.stdin.close().catch(() => {});
});

Deno.test("after SIGKILL no process is left, and the next run removes the directory", async () => {
  await using place = new Workplace();
  const { child, stdin } = await startForever(place, "1\n");
  const ids = environments(place);
  assert(ids.length > 0);
  child.kill("SIGKILL");
  await child.output();
  await stdin.close().catch(() => {});
  await until(
    () => ids.every((id) => processesWith(id).length === 0),
    "no process is left",
    2000,
  );
  assert.notDeepEqual(await place.list("tmp"), []);
  assert.equal((await place.local(["invoke", "any", "true"])).status, 0);
});

Deno.test("after SIGKILL the next run removes the stored standard input", async () => {
  await using place = new Workplace();
  await place.addFunction("count", "#!/bin/sh\nwc -c\n");
  const child = place.start(["-local", "invoke", "-stdin", "count"]);
  const stdin = child.stdin.getWriter();
  await stdin.write(new Uint8Array(maxInlineBytes + 1));
  const held = async () => (await place.list("tmp")).some((path) => path.endsWith("/stdin"));
  await until(held, "the input is held");
  child.kill("SIGKILL");
  await child.output();
  await stdin.close().catch(() => {});
  assert.notDeepEqual(await place.list("tmp"), []);
  const next = await place.local(["invoke", "-stdin", "count"], { stdin: "abc" });
  assert.deepEqual([next.status, next.stdout.trim()], [0, "3"]);
});

Deno.test("ctrl-C while waiting for input ends at once", async () => {
  await using place = new Workplace();
  await place.addShell();
  const child = place.start(["-local", "xargs", "any", "touch", `${place.here()}/ran-{{.Line}}`]);
  const stdin = child.stdin.getWriter();
  await stdin.write(new TextEncoder().encode("1\n"));
  await until(() => exists(place.here("ran-1")), "the first job runs");
  child.kill("SIGINT");
  const { code } = await child.output();
  await stdin.close().catch(() => {});
  assert.equal(code, 130);
});
