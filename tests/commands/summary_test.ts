import assert from "node:assert/strict";
import { Summary } from "../../lib/commands/summary.ts";
import type { JobRecord } from "../../lib/jobs/record.ts";
import { jobRecord } from "../job_record.ts";

function record(more: Partial<JobRecord> = {}): JobRecord {
  return jobRecord({
    elapsedMilliseconds: 2000,
    times: {
      cold: false,
      totalMilliseconds: 1500,
      fetchMilliseconds: 0,
      commandMilliseconds: 1500,
      uploadMilliseconds: 0,
    },
    sentBytes: 1000,
    receivedBytes: 500,
    cost: { dollars: 0.01, isEstimate: false },
    ...more,
  });
}

const details = {
  seconds: 10,
  requests: { lambda: 101, s3Reads: 0, s3Writes: 0, s3WrittenBytes: 0 },
  s3Dollars: 0,
  isLocal: false,
  isGuess: false,
  pricesDate: "2026-09-19",
};

Deno.test("the summary has jobs, speed-up, bytes and dollars", () => {
  const summary = new Summary();
  for (let i = 0; i < 100; i++) summary.add(record());
  assert.deepEqual(summary.lines(details), [
    "100 jobs, 0 cold starts; 10.0s for 2m30s of work: " +
    "15.0 times as fast as one job at a time",
    "100 kB sent, 50.0 kB received; 101 requests to Lambda; $1.00 (prices of 2026-09-19)",
  ]);
});

Deno.test("the summary has both sizes of what was compressed", () => {
  const summary = new Summary();
  const [, plain = ""] = (summary.add(record()), summary.lines(details));
  assert.match(plain, /^1\.00 kB sent, 500 B received; /);
  summary.add(record({ rawBytes: { sent: 8000, received: 500 } }));
  const [, sent = ""] = summary.lines(details);
  assert.match(sent, /^2\.00 kB sent \(9\.00 kB uncompressed\), 1\.00 kB received; /);
  summary.add(record({ rawBytes: { sent: 1000, received: 9500 } }));
  const [, both = ""] = summary.lines(details);
  assert.match(both, /^3\.00 kB sent \(10\.0 kB uncompressed\), 1\.50 kB received \(10\.5 kB unc/);
});

Deno.test("the work of earlier and of crashed attempts is what Lambda billed", () => {
  const summary = new Summary();
  summary.add(record({ attempts: 3, billedMilliseconds: 4600 }));
  summary.add(record({ times: undefined, billedMilliseconds: 400 }));
  summary.add(record({ billedMilliseconds: 1600 }));
  const [first] = summary.lines(details);
  assert.match(first ?? "", /; 10\.0s for 6\.5s of work$/);
});

Deno.test("failures, retries, cold starts, skipped jobs and estimates are in the summary", () => {
  const summary = new Summary();
  const cold = {
    cold: true,
    totalMilliseconds: 1500,
    fetchMilliseconds: 0,
    commandMilliseconds: 1500,
    uploadMilliseconds: 0,
  };
  summary.add(
    record({
      ok: false,
      attempts: 3,
      times: cold,
      billedMilliseconds: 1500,
      cost: { dollars: 1, isEstimate: true },
    }),
  );
  summary.add(record({ times: undefined, cost: undefined }));
  summary.skip();
  summary.skip();
  assert.deepEqual([summary.jobs, summary.failed], [2, 1]);
  const requests = { lambda: 1, s3Reads: 20, s3Writes: 30, s3WrittenBytes: 0 };
  const more = { ...details, requests, s3Dollars: 0.5, isLocal: true };
  assert.deepEqual(summary.lines(more), [
    "2 jobs, 2 skipped, 1 failed, 2 retries, 1 cold start; 10.0s for 1.5s of work",
    "2.00 kB sent, 1.00 kB received; 1 request to Lambda, 50 to S3; ~$1.50 if run in AWS (prices of 2026-09-19; " +
    "~ is an estimate: with -logs it is what Lambda bills; without 1 job of unknown memory size)",
  ]);
});

Deno.test("prices of another region are marked as a guess in the summary", () => {
  const summary = new Summary();
  summary.add(record({ cost: { dollars: 1, isEstimate: true } }));
  assert.match(
    summary.lines({ ...details, isGuess: true })[1] ?? "",
    /; ~\$1\.00 \(prices of 2026-09-19; ~ is a guess: prices in China are not built in/,
  );
});

Deno.test("the summary of a run that ended early begins with how far it got", () => {
  const summary = new Summary();
  summary.add(record());
  const earlyEnd = {
    reason: "interrupted",
    done: 1,
    failed: 0,
    dropped: 2,
    notStarted: 7,
    isInputRead: true,
    peak: 3,
  };
  assert.equal(
    summary.lines({ ...details, earlyEnd })[0],
    "ended early: 1 done, 0 failed, 2 dropped in flight (Lambda keeps running them, and bills them), " +
      "7 not started",
  );
});
