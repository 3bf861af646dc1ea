import assert from "node:assert/strict";
import { newCounts, type RunCounts } from "../../lib/jobs/counts.ts";
import { logLine, statusLines } from "../../lib/terminal/status_lines.ts";

const counts: RunCounts = {
  dropped: 0,
  copies: 0,
  straggler: undefined,
  peak: 0,
  done: 4213,
  failed: 3,
  running: 100,
  skipped: 0,
  kept: 0,
  unkept: 0,
  savedMilliseconds: 0,
  savedDollars: 0,
  waiting: 400,
  total: 10_000,
  bytesSent: 12_100_000,
  bytesReceived: 3_400_000,
  dollars: 0.0012,
  isEstimate: true,
  isEnding: false,
};
const times = { elapsedSeconds: 63.4, lastEndSeconds: 63.2 };
const style = { hasColor: false, hasCost: true };

function lines(columns: number, rows = 24, changes: Partial<RunCounts> = {}): string[] {
  return statusLines({ ...counts, ...changes }, times, { columns, rows }, style);
}

Deno.test("with enough room, the status area shows everything", () => {
  assert.deepEqual(lines(80), [
    "[============>                 ]  42%  4216 of 10000 ended  66.7/s  1m27s left",
    "3 failed  100 running  5684 waiting  12.1 MB sent  3.40 MB received  ~$0.0012",
  ]);
});

Deno.test("a narrow terminal shows fewer parts, and a low one fewer lines", () => {
  assert.deepEqual(lines(50), [
    "42%  4216 of 10000 ended  66.7/s  1m27s left",
    "3 failed  100 running  5684 waiting  ~$0.0012",
  ]);
  assert.deepEqual(lines(40, 10), [
    "42%  4216 of 10000 ended  1m27s left",
    "3 failed  100 running  ~$0.0012",
  ]);
  assert.deepEqual(lines(20, 4), ["4216 of 10000 ended", "3 failed"]);
  assert.deepEqual(lines(20, 3), ["4216 of 10000 ended"]);
  assert.deepEqual(lines(20, 2), []);
  assert.deepEqual(lines(10), ["3 failed"]);
  for (let columns = 0; columns <= 200; columns++) {
    for (const line of lines(columns)) assert(line.length < columns, `${columns}: ${line}`);
  }
});

Deno.test("the total, percentage and time left appear once the input has been read", () => {
  assert.deepEqual(lines(80, 24, { total: undefined }), [
    "4216 ended  66.7/s  1m03s",
    "3 failed  100 running  400 waiting  12.1 MB sent  3.40 MB received  ~$0.0012",
  ]);
});

Deno.test("a resumed run shows the number of skipped jobs", () => {
  const changes = { done: 0, failed: 0, running: 0, waiting: 0, skipped: 412_000 };
  const skipping = { ...counts, ...changes, total: undefined, bytesSent: 0, bytesReceived: 0 };
  assert.equal(
    statusLines(skipping, times, { columns: 80, rows: 24 }, style)[0],
    "0 ended  412000 skipped  1m03s",
  );
  assert.match(logLine(skipping, times, style), /^0 ended, 412000 skipped, 1m03s, 0 failed/);
});

Deno.test("a run that ends early shows neither a total nor the time left", () => {
  assert.deepEqual(lines(80, 24, { isEnding: true }), [
    "ending  4216 ended  66.7/s  1m03s",
    "3 failed  100 running  5684 not started  12.1 MB sent  ~$0.0012",
  ]);
  assert.deepEqual(
    lines(80, 24, { isEnding: true, total: undefined })[1]?.slice(0, 36),
    "3 failed  100 running  400 not start",
  );
});

Deno.test("before the first job has ended, neither a rate nor the time left is shown", () => {
  const early = { elapsedSeconds: 2, lastEndSeconds: 0 };
  const size = { columns: 80, rows: 24 };
  assert.deepEqual(statusLines({ ...newCounts(), running: 8 }, early, size, style), [
    "0 ended  2s",
    "0 failed  8 running  0 waiting  0 B sent  0 B received  $0",
  ]);
  const [first] = statusLines({ ...newCounts(), total: 20 }, early, size, style);
  assert.equal(first, "[>                             ]  0%  0 of 20 ended  2s");
});

Deno.test("100% is shown only when all jobs have ended, and for an empty run", () => {
  assert.match(lines(80, 24, { done: 9996, running: 1 })[0] ?? "", /=>\] {2}99% {2}9999 of 10000/);
  assert.match(
    lines(80, 24, { done: 9997, running: 0 })[0] ?? "",
    /==\] {2}100% {2}10000 of 10000/,
  );
  assert.match(lines(80, 24, { done: 0, failed: 0, total: 0 })[0] ?? "", /==\] {2}100% {2}0 of 0/);
});

Deno.test("the time left is steady when jobs end together, and disappears once it has passed", () => {
  const some = { ...newCounts(), done: 100, running: 100, total: 300 };
  const left = (elapsedSeconds: number) =>
    logLine(some, { elapsedSeconds, lastEndSeconds: 60 }, style).split(", ")[3];
  assert.equal(left(60), "2m00s left");
  assert.equal(left(119), "1m01s left");
  assert.equal(left(181), "3m01s");
});

Deno.test("failures are red only with colors on", () => {
  const size = { columns: 80, rows: 24 };
  const [, second] = statusLines(counts, times, size, { hasColor: true, hasCost: true });
  assert(second?.startsWith("\x1b[31m3 failed\x1b[m  100 running"));
  const fine = statusLines({ ...counts, failed: 0 }, times, size, {
    hasColor: true,
    hasCost: true,
  });
  assert(!fine.join().includes("\x1b"));
});

Deno.test("a log line has everything", () => {
  assert.equal(
    logLine(counts, times, style),
    "42%, 4216 of 10000 ended, 66.7/s, 1m27s left, 3 failed, 100 running, 5684 waiting, " +
      "12.1 MB sent, 3.40 MB received, ~$0.0012",
  );
});

Deno.test("a local run shows no cost", () => {
  assert.match(logLine(counts, times, { hasCost: false }), /MB received$/);
});

Deno.test("a straggler is named, in ASCII and no longer than there is room for", () => {
  const straggler = { name: "a.png", seconds: 75.2, copies: 0 };
  assert.match(lines(120, 24, { straggler })[1] ?? "", /waiting {2}slow: a\.png 1m15s {2}/);
  const named = { name: `\x1b[2Jé\u202e${"x".repeat(30)}`, seconds: 3, copies: 2 };
  assert.match(
    lines(120, 24, { straggler: named })[1] ?? "",
    / {2}slow: \\x1b\[2J\?\\u202exxxxxxx\.\.\. 3s, 2 copies {2}/,
  );
  assert.match(lines(60, 24, { straggler })[1] ?? "", /running {2}slow: a\.png 1m15s {2}~\$/);
  for (let columns = 0; columns <= 200; columns++) {
    for (const line of lines(columns, 24, { straggler: named })) assert(line.length < columns);
  }
});
