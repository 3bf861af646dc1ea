/** The table of `llama runs`. */

import assert from "node:assert/strict";
import { runsTable } from "../../lib/commands/runs.ts";
import type { PastRun } from "../../lib/jobs/journal/past_run.ts";

function runOf(run: number, command: string): PastRun {
  const started = "2026-03-04T05:06:07.000Z";
  const process = { host: "h", pid: 1, start: 1, namespace: "" };
  return {
    ...{ run, path: String(run), end: undefined, ending: "complete", started, seconds: 4 },
    ...{ jobSeconds: 5, jobs: 6, failed: 0, dollars: 0.31, isEstimate: false },
    begin: {
      ...{ started, key: "", directory: "/", function: "f", command },
      ...{ concurrency: 1, version: "1", process },
    },
  };
}

Deno.test("commands are cut to the width of the terminal, and to 103 characters elsewhere", () => {
  const runs = [runOf(1, "f"), runOf(22, `f ${"x".repeat(500)}`)];
  const linesOf = (columns?: number) => runsTable(runs, columns).trimEnd().split("\n");
  const [header = "", short = "", long = ""] = linesOf(110);
  assert.equal(long.length, 110);
  assert.match(long, /xxx\.\.\.$/);
  assert.match(short, / f$/);
  const start = header.indexOf("COMMAND");
  assert.equal(linesOf()[2]?.slice(start).length, 103);
  // Where hardly any room is left, a line wraps.
  assert.equal(linesOf(60)[2]?.slice(start).length, 30);
});

Deno.test("a command's control characters are escaped", () => {
  assert.match(runsTable([runOf(1, "f \x1b[31m\nnew")]), / f \\x1b\[31m\\nnew\n$/);
});
