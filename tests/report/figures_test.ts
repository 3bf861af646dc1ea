import assert from "node:assert/strict";
import { type AdviceFacts, adviceOn } from "../../lib/report/advice.ts";
import { percentText, timeText } from "../../lib/text/amounts.ts";
import { figuresOf, quantile } from "../../lib/report/figures.ts";
import { reportPage } from "../../lib/report/page.ts";
import { jobOf, recordOf, runOf } from "./runs.ts";

const times = { cold: false, e2e: 80e6, fetch: 10e6, exec: 60e6, upload: 10e6 };

Deno.test("a job's phases add up to its elapsed time", () => {
  const job = jobOf(1, 0, [["inputs", 5], ["queue", 20], ["invoke", 90, { times }], [
    "outputs",
    5,
  ]]);
  const { jobs, sums, elapsed } = figuresOf(runOf([job]));
  assert.deepEqual(jobs[0]?.pieces, [
    ["inputs", 5],
    ["queue", 20],
    ["network", 5],
    ["fetch", 10],
    ["command", 60],
    ["upload", 10],
    ["network", 5],
    ["outputs", 5],
  ]);
  assert.equal(sums.get("network"), 10);
  assert.equal([...sums.values()].reduce((a, b) => a + b), elapsed);
});

Deno.test("throttled attempts count as queue, attempts without times as other", () => {
  const job = jobOf(1, 0, [
    ["invoke", 3, { failed: "throttled" }],
    ["queue", 7],
    ["invoke", 50, { failed: "function" }],
    ["queue", 1],
    ["invoke", 90, { times }],
  ]);
  const { jobs, throttled } = figuresOf(runOf([job]));
  assert.deepEqual(jobs[0]?.pieces.slice(0, 3), [["queue", 10], ["other", 50], [
    "queue",
    1,
  ]]);
  assert.equal(throttled, 1);
});

Deno.test("a straggler's time is divided at the copy that was answered first", () => {
  const job = jobOf(1, 0, [["inputs", 5], ["invoke", 390, { isLost: true }], ["outputs", 5]], {
    copies: 2,
    hasCopyWon: true,
    savedMilliseconds: 90_000,
  });
  const copies = [
    { name: "copy", start: 105, end: 395, isLost: true },
    { name: "copy", start: 305, end: 395, times },
  ] as const;
  const { jobs, copiesText } = figuresOf(
    runOf([{ ...job, spans: [...job.spans ?? [], ...copies] }]),
  );
  assert.deepEqual(jobs[0]?.pieces.slice(0, 4), [
    ["inputs", 5],
    ["straggler", 300],
    ["network", 5],
    [
      "fetch",
      10,
    ],
  ]);
  assert.equal(jobs[0]?.pieces.reduce((sum, [, time]) => sum + time, 0), 400);
  assert.equal(copiesText, "1 straggler copied (2 copies), 1 won, up to 1m30s saved");
});

Deno.test("a record without spans has its runtime phases in the middle", () => {
  const of = {
    totalMilliseconds: 40,
    fetchMilliseconds: 5,
    commandMilliseconds: 30,
    uploadMilliseconds: 5,
  };
  const record = recordOf(1, 0, { times: { cold: true, initMilliseconds: 20, ...of } });
  const { jobs, sums, elapsed } = figuresOf(runOf([{ record, stderrEnd: "" }]));
  assert.deepEqual(jobs[0]?.pieces, [
    ["other", 20],
    ["cold start", 20],
    ["fetch", 5],
    ["command", 30],
    ["upload", 5],
    ["other", 20],
  ]);
  assert.equal([...sums.values()].reduce((a, b) => a + b), elapsed);
});

Deno.test("there is one slot per concurrent job, and the span ends with the last job", () => {
  const jobs = [[0, 300], [0, 100], [100, 100], [150, 100]].map(([start = 0, length], index) => ({
    record: recordOf(index + 1, start, { elapsedMilliseconds: length ?? 0 }),
    stderrEnd: "",
  }));
  const { peak, span, jobs: placed } = figuresOf(runOf(jobs));
  assert.deepEqual([peak, span], [3, 300]);
  assert.deepEqual(placed.map(({ slot }) => slot), [0, 1, 1, 2]);
});

Deno.test("rounded times in a log do not raise the peak", () => {
  // Two workers, each of which starts its next job as soon as the last has ended.
  const places = [0, 0].map((_, place) => {
    let at = place * 0.37;
    return Array.from({ length: 500 }, (_, i) => {
      const length = 3 + (i * 7919 + place * 104729) % 1000 / 137;
      const start = at;
      at += length + 0.01;
      return { start, length };
    });
  });
  const jobs = places.flat().map(({ start, length }, index) => {
    const more = { elapsedMilliseconds: Math.round(length * 1000) / 1000 };
    return { record: recordOf(index + 1, Math.floor(start), more), stderrEnd: "" };
  });
  const { peak, jobs: placed } = figuresOf(runOf(jobs));
  assert.equal(peak, 2);
  const rounded = jobs.map(({ record, ...rest }) => {
    const elapsedMilliseconds = Math.round(record.elapsedMilliseconds);
    return { ...rest, record: { ...record, elapsedMilliseconds } };
  });
  assert.equal(figuresOf(runOf(rounded)).peak, 2);
  assert.equal(figuresOf(runOf(jobs, { peak: 7 })).peak, 7, "a given peak is kept");
  // The timeline has a slot for each job that appears to overlap.
  const page = reportPage(runOf(jobs, { peak: 1 }));
  const slots = Number(/"slots":(\d+)/.exec(page)?.[1]);
  assert.equal(slots, Math.max(...placed.map(({ slot }) => slot)) + 1);
});

Deno.test("advice on failures suggests only flags that the run's subcommand has", () => {
  const tip = (count: number, isLocal: boolean, facts: AdviceFacts, attempts = 1) => {
    const jobs = Array.from({ length: count }, (_, i) => ({
      record: recordOf(i + 1, 0, { ok: false, status: 1, attempts }),
      stderrEnd: "",
    }));
    return adviceOn(figuresOf(runOf(jobs)), isLocal, facts)[0]?.tip ?? "";
  };
  assert.equal(
    tip(2, false, { subcommand: "xargs", resumeWith: "-resume" }),
    "See the failures below. After fixing the cause, run the same command with " +
      "`-resume-failed` to rerun only failed jobs. For intermittent failures, use `-retries N`.",
  );
  assert.equal(
    tip(2, false, { subcommand: "xargs" }),
    "See the failures below. For intermittent failures, use `-retries N`.",
  );
  assert.equal(tip(2, false, { subcommand: "xargs" }, 3), "See the failures below.");
  assert.equal(tip(1, false, { subcommand: "invoke" }), "See the failure below.");
});

Deno.test("advice for a local run does not mention Lambda settings", () => {
  const times = { cold: true, e2e: 10e6, fetch: 1e6, exec: 5e6, upload: 4e6, init: 5e6 };
  const jobs = Array.from(
    { length: 30 },
    (_, i) =>
      jobOf(i + 1, i, [["queue", 50], ["inputs", 90], ["invoke", 400, { times }]], {
        ok: i % 2 === 0,
        status: i % 2 === 0 ? 0 : 137,
        functionMemory: 1024,
        usedMemory: 1000,
      }),
  );
  const text = adviceOn(figuresOf(runOf(jobs)), true).map(({ seen, tip }) => `${seen} ${tip}`).join(
    " ",
  );
  assert.match(text, /this machine/);
  assert.doesNotMatch(text, /region|Service Quotas|bills|update-function|function's memory|cold/);
});

Deno.test("a run without jobs has figures and no advice", () => {
  const figures = figuresOf(runOf([]));
  assert.deepEqual([figures.peak, figures.elapsed, figures.failed, figures.span], [0, 0, 0, 0]);
  assert.deepEqual(adviceOn(figures, false), []);
});

Deno.test("a quantile is the duration of one of the jobs", () => {
  const sorted = Array.from({ length: 100 }, (_, index) => index + 1);
  assert.deepEqual([0, 0.5, 0.95, 1].map((part) => quantile(sorted, part)), [1, 50, 95, 100]);
  assert.equal(quantile([], 0.5), 0);
});

Deno.test("advice mentions each problem that stands out", () => {
  const advice = (jobs: Parameters<typeof runOf>[0], isLocal = false) =>
    adviceOn(figuresOf(runOf(jobs)), isLocal).map(({ seen, tip }) => `${seen} ${tip}`).join("\n");
  const times = { cold: false, e2e: 80e6, fetch: 1e6, exec: 78e6, upload: 1e6 };
  const busy = [["invoke", 90, { times }]] as const;
  assert.equal(advice([jobOf(1, 0, busy)]), "");
  assert.match(
    advice([jobOf(1, 0, [["queue", 50], ...busy]), jobOf(2, 0, busy)]),
    /waiting for Lambda capacity/,
  );
  const cold = { ...times, cold: true, init: 5e6 };
  assert.match(
    advice([
      jobOf(1, 0, busy),
      jobOf(2, 0, [["invoke", 300, { times: cold }]], {
        times: {
          cold: true,
          totalMilliseconds: 80,
          fetchMilliseconds: 10,
          commandMilliseconds: 60,
          uploadMilliseconds: 10,
        },
      }),
    ]),
    /1 cold start\./,
  );
  assert.match(
    advice([1, 2].map((seq) => jobOf(seq, 0, [["invoke", 400, { times }]]))),
    /round trip to Lambda/,
  );
  assert.match(
    advice([jobOf(1, 0, [["invoke", 400, { times }]])], true),
    /waiting for this machine/,
  );
  assert.match(advice([jobOf(1, 0, [["inputs", 60], ...busy])]), /transferring files/);
  assert.match(
    advice([jobOf(1, 0, busy, { ok: false, status: 124 })]),
    /The job failed, with status 124\. To prevent timeouts/,
  );
  const stragglers = Array.from(
    { length: 40 },
    (_, index) =>
      jobOf(index + 1, 0, [["invoke", index === 0 ? 2000 : 100, {
        times: { ...times, e2e: index === 0 ? 1990e6 : 90e6 },
      }]]),
  );
  assert.match(
    advice(stragglers),
    /waiting for the last 5 % of the jobs; the longest took 2\.00 s/,
  );
  assert.match(
    advice([jobOf(1, 0, busy, { functionMemory: 1024, usedMemory: 1000 })]),
    /up to 1000 MB of the function's 1,024 MB\. Raise/,
  );
});

Deno.test("amounts have three significant digits and a unit", () => {
  assert.deepEqual([0, 0.123, 12.345, 999, 999.6, 12_345, 59_960].map(timeText), [
    ...["0 s", "0.12 ms", "12.3 ms", "999 ms", "1.00 s", "12.3 s", "1m00s"],
  ]);
  assert.deepEqual([0, 0.0001, 0.012, 0.0996, 1].map(percentText), [
    ...["0 %", "< 0.1 %", "1.2 %", "10 %", "100 %"],
  ]);
});
