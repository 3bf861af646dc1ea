import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { jsonIn, markup } from "../../lib/report/html.ts";
import { reportPage } from "../../lib/report/page.ts";
import { RunJobs } from "../../lib/report/run.ts";
import { bytesOf } from "../helpers.ts";
import { jobOf, recordOf, runOf } from "./runs.ts";

const hostile = `f '</script><script>alert(1)</script>' "&" \u001b[31m <!--`;

Deno.test("interpolated text is escaped", () => {
  assert.equal(markup`<p>${hostile}</p>`.text.includes("<script>"), false);
  assert.equal(markup`${"a"}${undefined}${false}${1}${["<", markup`<b>`]}`.text, "a1&lt;<b>");
  assert.equal(markup`${"\u001b\0\t\n"}`.text, "\u241b\u2400\t\n");
  assert.deepEqual(JSON.parse(jsonIn({ hostile }).text), { hostile });
  assert.equal(jsonIn({ hostile }).text.includes("<"), false);
});

Deno.test("a page has only the script that its policy allows, and no URLs", () => {
  const record = recordOf(1, 0, {
    command: hostile,
    ok: false,
    status: 1,
    errors: [{ code: "output", message: hostile, hint: hostile }],
  });
  const page = reportPage(runOf([{ record, stderrEnd: hostile }], { title: hostile }));
  const scripts = [...page.matchAll(/<script>([^]*?)<\/script>/g)].map(([, text = ""]) => text);
  assert.equal(scripts.length, 1);
  const hash = createHash("sha256").update(scripts[0] ?? "").digest("base64");
  assert(page.includes(`script-src &#39;sha256-${hash}&#39;`), "policy");
  assert.equal(page.match(/<script/g)?.length, 2);
  assert.equal(/(src|href)="(?!data:,)/.test(page), false);
  assert.equal(page.includes("://"), false);
});

Deno.test("a page says that a run had no jobs", () => {
  assert.match(reportPage(runOf([])), /<h2>No jobs<\/h2>/);
});

Deno.test("the memory kept per job is bounded", () => {
  const jobs = new RunJobs();
  const stderr = bytesOf("€".repeat(10_000));
  for (let seq = 1; seq <= 400; seq++) {
    const more = { ok: seq > 250, command: "x".repeat(5000), log: "log", elapsedMilliseconds: seq };
    jobs.add(recordOf(seq, 0, more), undefined, stderr);
  }
  const kept = jobs.all.filter(({ stderrEnd }) => stderrEnd !== "");
  // The first 200 failed jobs, and the 20 slowest others.
  assert.deepEqual(
    kept.map(({ record: { seq } }) => seq),
    [
      ...Array.from({ length: 200 }, (_, index) => index + 1),
      ...Array.from({ length: 20 }, (_, index) => index + 381),
    ],
  );
  assert(kept.every(({ stderrEnd }) => /^\.\.\.€+$/.test(stderrEnd) && stderrEnd.length < 700));
  assert(jobs.all.every(({ record }) => record.command.length < 1010 && record.log === undefined));
});

Deno.test("the legend has only phases that occur, and no network on this machine", () => {
  const jobs = [jobOf(1, 0, [["inputs", 5], ["invoke", 50, { times: { e2e: 40e6, exec: 40e6 } }]])];
  const legendOf = (isLocal: boolean) => {
    const page = reportPage(runOf(jobs, { isLocal }));
    const [, legend = ""] = /<p class="legend">([^]*?)<\/p>/.exec(page) ?? [];
    return [...legend.matchAll(/<\/i>([^<]+)/g)].map(([, name]) => name);
  };
  assert.deepEqual(legendOf(false), ["jobs in flight", "inputs", "network", "command"]);
  assert.deepEqual(legendOf(true), ["jobs in flight", "inputs", "waiting", "command"]);
});

Deno.test("the header says how the run ended, where, and with which flags", () => {
  const early = {
    reason: "interrupted by ctrl-C",
    done: 1,
    failed: 0,
    dropped: 2,
    notStarted: 7,
    isInputRead: true,
    peak: 3,
  };
  const headerOf = (more: Parameters<typeof runOf>[1]) => {
    const page = reportPage(runOf([{ record: recordOf(1, 0), stderrEnd: "" }], more));
    return (/<header>([^]*?)<\/header>/.exec(page)?.[1] ?? "").replace(/<[^>]*>/g, "|");
  };
  assert.match(headerOf({}), /Ended\|\|+complete:\| the job succeeded/);
  const more = { flags: ["-a", "a b"], region: "eu-west-1", architecture: "arm64" };
  const header = headerOf({ ...more, earlyEnd: early });
  assert.match(header, /early: interrupted by ctrl-C\|; 1 done, 0 failed, 2 dropped in flight/);
  assert.match(header, /Flags\|\|+-a &#39;a b&#39;\|/);
  assert.match(header, /Region\|\|+eu-west-1\|.*Function\|\|+arm64\|/s);
});

Deno.test("lines of failed jobs are kept as they are, up to 4 million characters", () => {
  const jobs = new RunJobs();
  const lines = ["a\nb", "x".repeat(3_000_000), "y".repeat(3_000_000), "c"];
  lines.forEach((line, index) =>
    jobs.add(recordOf(index + 1, 0, { ok: false, line }), undefined, undefined)
  );
  const kept = jobs.all.map(({ failedLine }) => failedLine);
  assert.deepEqual(kept, [lines[0], lines[1], undefined, "c"]);
  const page = reportPage(runOf(jobs.all, { failures: jobs.failures }));
  assert.match(page, /1 failed line did not fit into the report/);
  assert.match(page, /Download the failed lines/);
});
