/** Copies of stragglers: -stragglers. */

import assert from "node:assert/strict";
import { jobRecordSchema } from "../../mod.ts";
import { checkNesting, slicesOf } from "../report/slices.ts";
import { exportsOf, Workplace } from "./llama.ts";

const count = 100;

Deno.test("a job that hangs is copied, its output is whole, and all counts agree", async () => {
  await using place = new Workplace();
  // The first command for line 50 waits for ever; files beside the function are the only trace of it.
  const script = `#!/bin/sh
if [ "$1" = 50 ] && mkdir '${place.join("hung")}'; then read -r never < '${place.join("fifo")}'; fi
echo "$1" > "$2"
`;
  await place.addFunction("work", script, { timeout: 300, memory: 512 });
  await new Deno.Command("mkfifo", { args: [place.join("fifo")] }).output();
  const server = place.start(["local", "-concurrency", "20"]);
  await server.stdin.close();
  const environment = await exportsOf(server);
  const started = performance.now();
  const { status, stdout, stderr } = await place.run(
    ["-trace", "t.json", "xargs", "-j", "20", "-stragglers", "2", "-timeout", "200", "-json"]
      .concat(["-report", "r.html", "-joblog", "log", "-summary", "-logs", "work"])
      .concat(["{{.Line}}", `{{.O (printf "out/%s" .Line)}}`]),
    { stdin: Array.from({ length: count }, (_, index) => `${index}\n`).join(""), environment },
  );
  server.kill("SIGTERM");
  await Promise.all([server.status, server.stdout.cancel(), server.stderr.cancel()]);
  assert.equal(status, 0, stderr);
  assert(performance.now() - started < 150_000, "the run waited for the job that hangs");

  const records = stdout.trimEnd().split("\n")
    .map((line) => jobRecordSchema.parse(JSON.parse(line)));
  assert.equal(records.length, count);
  const copied = records.filter(({ copies = 0 }) => copies > 0);
  const sum = (of: (record: typeof records[number]) => number) =>
    records.reduce((total, record) => total + of(record), 0);
  const copies = sum(({ copies = 0 }) => copies);
  const won = sum(({ hasCopyWon }) => hasCopyWon ? 1 : 0);
  const hung = records.find(({ line }) => line === "50");
  assert(hung?.hasCopyWon && hung.copies !== undefined && hung.cost?.isEstimate);
  assert((hung.savedMilliseconds ?? 0) > 10_000 && (hung.savedMilliseconds ?? 0) < 200_000);
  // A lost call is billed for about the time until the answer, besides that of the winner.
  assert((hung.billedMilliseconds ?? 0) > hung.elapsedMilliseconds * 0.9);
  assert(copied.length <= count * 0.05);

  for (let line = 0; line < count; line++) {
    assert.equal(await Deno.readTextFile(place.here("out", String(line))), `${line}\n`);
  }
  assert.equal((await place.list("work/out")).length, count);
  const log = (await Deno.readTextFile(place.here("log"))).trimEnd().split("\n");
  assert.equal(log.length, 1 + count);
  assert(log.every((line) => line.split("\t").length === 9), "the job log has other columns");

  const { slices, tracks } = slicesOf(await Deno.readTextFile(place.here("t.json")));
  checkNesting(slices);
  assert.equal(slices.filter(({ name }) => name === "copy").length, copies);
  assert.equal(slices.filter(({ args }) => args.lost).length, copies);
  assert([...tracks.values()].some((name) => /^slot \d+, copy 1$/.test(name)));
  const attempts = sum(({ attempts }) => attempts);
  assert.match(stderr, new RegExp(`; ${attempts + copies} requests to Lambda`));
  const said = `${copied.length} straggler${copied.length === 1 ? "" : "s"} copied` +
    `${copies > copied.length ? ` \\(${copies} copies\\)` : ""}, ${won} won, up to `;
  assert.match(stderr, new RegExp(`^llama: ${said}`, "m"));
  assert.match(await Deno.readTextFile(place.here("r.html")), new RegExp(said));
});

Deno.test("-stragglers is refused where no job may run twice", async () => {
  await using place = new Workplace();
  const { status, stderr } = await place.run(
    ["xargs", "-stragglers", "1", "-invoke-retries", "0", "f", ":::", "a"],
  );
  assert.equal(status, 2);
  assert.match(stderr, /^-stragglers and -invoke-retries 0 cannot be combined: /);
});
