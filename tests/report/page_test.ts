import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { jsonIn, markup } from "../../lib/report/html.ts";
import { reportPage } from "../../lib/report/page.ts";
import { RunJobs } from "../../lib/report/run.ts";
import { bytesOf } from "../helpers.ts";
import { recordOf, runOf } from "./runs.ts";

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
