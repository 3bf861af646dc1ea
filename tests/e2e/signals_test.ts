import assert from "node:assert/strict";
import { until } from "../helpers.ts";
import { exists, processesWith, Workplace } from "./llama.ts";

/** Starts `xargs` with jobs that say that they run and then wait forever. */
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

/** The lines whose jobs have started. */
function hasRun(place: Workplace): string[] {
  return [...Deno.readDirSync(place.here())].map(({ name }) => name)
    .filter((name) => name.startsWith("ran-"));
}

/** The environment ids of the runtimes below this place's temporary directory. */
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
      // It ended while we looked.
    }
  }
  return [...found];
}

for (
  const [signal, status, words] of [
    ["SIGINT", 130, "interrupted"],
    ["SIGTERM", 143, "ended by SIGTERM"],
    ["SIGHUP", 129, "ended by SIGHUP"],
    ["SIGQUIT", 131, "ended by SIGQUIT"],
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
