import assert from "node:assert/strict";
import { FailureKinds, failureKindText } from "../../lib/jobs/failure_kinds.ts";
import type { JobRecord } from "../../lib/jobs/record.ts";
import { bytesOf } from "../helpers.ts";
import { recordOf } from "../report/runs.ts";

/** A job that failed: what its record says, and its standard error. */
type Failed = readonly [Partial<JobRecord>, string];

/** Adds failed jobs; gives what is said of each kind, and which jobs were the first of theirs. */
function group(jobs: readonly Failed[]) {
  const kinds = new FailureKinds();
  const first: number[] = [];
  jobs.forEach(([more, stderr], at) => {
    const record = recordOf(at + 1, 0, { ok: false, line: String(at + 1), ...more });
    if (kinds.add(record, bytesOf(stderr)).isFirst) first.push(at + 1);
  });
  return { first, texts: kinds.all.map(failureKindText) };
}

Deno.test("failures of one kind are one line, without the parts that differ", () => {
  const missing = (
    n: number,
  ): Failed => [{ status: 2 }, `cannot open /data/${n}.dat: No such file or directory\n`];
  const bad: Failed = [
    { status: 1 },
    "Traceback (most recent call last):\nValueError: bad frame 97\n",
  ];
  const { first, texts } = group([
    ...Array.from({ length: 21 }, (_, i) => missing(i)),
    bad,
  ]);
  assert.deepEqual(first, [1, 22]);
  assert.deepEqual(texts, [
    "21 x status 2: cannot open ...: No such file or directory (jobs 1, 2, 3, 4, 5, ...)",
    "1 x status 1: ValueError: bad frame 97 (job 22)",
  ]);
});

Deno.test("the common words of a kind of failure are shown in full", () => {
  const { texts } = group([
    [{ status: 2 }, "cannot open /etc/model.bin: permission denied"],
    [{ status: 2 }, "cannot open /etc/model.bin: permission denied"],
    [{ status: 3 }, ""],
    [{ status: 3 }, "\n\n"],
    [{ status: 3 }, ""],
  ]);
  assert.deepEqual(texts, [
    "3 x status 3 (jobs 3, 4, 5)",
    "2 x status 2: cannot open /etc/model.bin: permission denied (jobs 1, 2)",
  ]);
});

Deno.test("other statuses and other words are other kinds", () => {
  const { first } = group([
    [{ status: 1 }, "no room"],
    [{ status: 2 }, "no room"],
    [{ status: 1 }, "no time"],
    [{ status: 1 }, "no room"],
    [{ status: 1 }, ""],
  ]);
  assert.deepEqual(first, [1, 2, 3, 5]);
});

Deno.test("the job's own line counts as a difference, whatever it is", () => {
  const { first, texts } = group(
    ["alpha", "two words here", "x", "beta gamma"].map((line) =>
      [{ status: 1, line }, `bad input: ${line}`] as const
    ),
  );
  assert.deepEqual([first, texts], [
    [1],
    ["4 x status 1: bad input: ... (jobs 1, 2, 3, 4)"],
  ]);
});

Deno.test("failures without a status are grouped by their error", () => {
  const error = (type: string | undefined, message: string): Failed => {
    const failure = { code: "function", message, ...(type ? { type } : {}) };
    return [{ status: null, errors: [failure] }, ""];
  };
  const { texts } = group(
    [
      error("Sandbox.Timedout", "f: Sandbox.Timedout: RequestId: 1-a Error: Task timed out"),
      error("Sandbox.Timedout", "f: Sandbox.Timedout: RequestId: 2-b Error: Task timed out"),
      error(undefined, 'cannot read "a.png": no such file or directory'),
    ],
  );
  assert.deepEqual(texts, [
    "2 x Sandbox.Timedout: RequestId: ... Error: Task timed out (jobs 1, 2)",
    '1 x function error: cannot read "a.png": no such file or directory (job 3)',
  ]);
});

Deno.test("the number of kinds is bounded, and no failure is lost", () => {
  const letters = (n: number): string =>
    n < 26 ? String.fromCharCode(97 + n) : letters(Math.floor(n / 26) - 1) + letters(n % 26);
  const { texts, first } = group(
    Array.from({ length: 5000 }, (_, n) => [{ status: 1 }, `reason ${letters(n)}`] as const),
  );
  assert(texts.length <= 201 && first.length === texts.length);
  const counts = texts.map((text) => Number(text.split(" ")[0]));
  assert.equal(counts.reduce((sum, count) => sum + count), 5000);
  assert.match(texts[0] ?? "", /^4800 x status 1: \.\.\. \(jobs /);
});

Deno.test("a command's message cannot forge a line or move the cursor", () => {
  const { texts } = group([[{ status: 1 }, "\x1b[2Jx\rllama: done \u202e"]]);
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(texts.join(), /[\x00-\x1f\x7f-\x9f\u202e]/);
});
