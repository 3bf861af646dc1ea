import assert from "node:assert/strict";
import { join } from "node:path";
import { Journal, type OpenJournalOptions } from "../../../lib/jobs/journal/journal.ts";
import {
  commandText,
  type RunBegin,
  type RunEnd,
  runKey,
} from "../../../lib/jobs/journal/lines.ts";
import {
  type PastRun,
  readBegin,
  readBeginWithJobs,
  readPastRun,
} from "../../../lib/jobs/journal/past_run.ts";
import { journalDirectory, journalLimits, runFiles } from "../../../lib/jobs/journal/place.ts";
import type { JobRecord } from "../../../lib/jobs/record.ts";
import { ownProcess } from "../../../lib/system/process_name.ts";
import { TemporaryDirectory } from "../../helpers.ts";
import { jobRecord } from "../../job_record.ts";

const started = "2026-11-27T12:00:00.000Z";
const identity = "0123456789abcdef01234567";

function beginOf(options: Partial<RunBegin> = {}): RunBegin {
  return {
    started,
    key: "key",
    directory: "/work",
    function: "f",
    command: "f '{{.Line}}'",
    concurrency: 100,
    version: "1.2.3",
    process: { host: Deno.hostname(), ...ownProcess() },
    ...options,
  };
}

function endOf(options: Partial<RunEnd> = {}): RunEnd {
  return {
    how: "complete",
    seconds: 2,
    jobSeconds: 1.5,
    jobs: 1,
    failed: 0,
    dollars: 0.5,
    isEstimate: false,
    s3Dollars: 0.25,
    ...options,
  };
}

function recordOf(seq: number, options: Partial<JobRecord> = {}): JobRecord {
  return jobRecord({
    ...{ seq, command: "f secret", line: "secret", started, elapsedMilliseconds: 1500 },
    ...{ sentBytes: 1, receivedBytes: 2, cost: { dollars: 0.25, isEstimate: false } },
    ...options,
  });
}

/** A directory with a journal, and what was said of it. */
class Place extends TemporaryDirectory {
  readonly said: string[] = [];

  get directory(): string {
    return this.join("state/llama/runs");
  }

  async open(options: Partial<OpenJournalOptions> = {}): Promise<Journal> {
    const onNotice = (message: string, hint?: string) => void this.said.push(message, hint ?? "");
    return await Journal.open(this.directory, { begin: beginOf(), onNotice, ...options });
  }

  /** Writes a whole run. */
  async run(options: Partial<OpenJournalOptions> = {}): Promise<Journal> {
    const journal = await this.open(options);
    await journal.append(recordOf(1), identity);
    await journal.end(endOf());
    return journal;
  }

  async read(run: number): Promise<PastRun> {
    const file = runFiles(this.directory).find((each) => each.run === run);
    assert(file !== undefined);
    const past = await readPastRun(file);
    assert(past !== undefined);
    return past;
  }
}

Deno.test("the journal is in the state directory, or in LLAMA_DIR, or nowhere", () => {
  const of = journalDirectory;
  assert.equal(of({ HOME: "/home/u" }), "/home/u/.local/state/llama/runs");
  assert.equal(of({ HOME: "/home/u", XDG_STATE_HOME: "/state" }), "/state/llama/runs");
  assert.equal(of({ HOME: "/home/u", XDG_STATE_HOME: "state" }), "/home/u/.local/state/llama/runs");
  assert.equal(of({ HOME: "/home/u", LLAMA_DIR: "/mine" }), "/mine/runs");
  assert.equal(of({ HOME: "" }), undefined);
});

Deno.test("a run is read back, and its file has no command or line of a job", async () => {
  await using place = new Place();
  const { path } = await place.run();
  const past = await place.read(1);
  assert.deepEqual(
    [past.jobs, past.failed, past.dollars, past.seconds, past.ending, past.started],
    [1, 0, 0.5, 2, "complete", started],
  );
  assert.doesNotMatch(await Deno.readTextFile(path), /secret/);
  assert.deepEqual(place.said, []);
});

Deno.test(
  "only this user can read the journal",
  { ignore: Deno.build.os === "windows" },
  async () => {
    await using place = new Place();
    await Deno.mkdir(place.directory, { recursive: true });
    await Deno.chmod(place.directory, 0o755);
    const { path } = await place.run();
    const modes = [place.directory, path].map((each) => Deno.statSync(each).mode ?? 0);
    assert.deepEqual(modes.map((mode) => mode & 0o777), [0o700, 0o600]);
  },
);

Deno.test("a run that was killed has the totals of its jobs, and its last line may be cut off", async () => {
  await using place = new Place();
  const gone = { host: Deno.hostname(), ...ownProcess(), pid: 2 ** 22 + 1 };
  const journal = await place.open({ begin: beginOf({ process: gone }) });
  await journal.append(recordOf(1), identity);
  await journal.append(recordOf(2, { ok: false, status: 3, cost: undefined }), identity);
  await Deno.writeTextFile(journal.path, "3\taws\t1", { append: true });
  const past = await place.read(1);
  assert.deepEqual([past.jobs, past.failed, past.dollars, past.seconds], [2, 1, 0.25, 1.5]);
  // The cost of the second job is not known.
  assert.equal(past.isEstimate, true);
  assert.equal(past.ending, "killed");
  await journal.end(endOf());
});

Deno.test("how a run ended is known while it goes on, and not for another machine", async () => {
  await using place = new Place();
  const one = await place.open();
  const process = { host: "elsewhere", pid: 1, start: 1, namespace: "1" };
  const other = await place.open({ begin: beginOf({ process }) });
  assert.equal((await place.read(1)).ending, "running");
  assert.equal((await place.read(2)).ending, "unknown");
  for (const journal of [one, other]) await journal.end(endOf());
});

Deno.test("a resumed run stays one run, with the totals of all parts", async () => {
  await using place = new Place();
  const first = await place.open();
  await first.append(recordOf(1), identity);
  await first.append(recordOf(2, { ok: false, status: 1 }), identity);
  await first.end(endOf({ how: "interrupted", jobs: 2, failed: 1, dollars: 0.75 }));
  // A line that was cut off by the end of the first part.
  await Deno.writeTextFile(first.path, "3\taws", { append: true });
  const begin = beginOf({ started: "2026-11-27T13:00:00.000Z" });
  const second = await place.open({ begin, resumed: 1 });
  await second.append(recordOf(2), identity);
  await second.append(recordOf(3), identity);
  await second.end(endOf({ jobs: 2, dollars: 0.75, s3Dollars: 0 }));
  const past = await place.read(1);
  assert.deepEqual(
    [past.jobs, past.failed, past.dollars, past.seconds, past.ending, past.started],
    [3, 0, 4 * 0.25 + 0.25, 4, "complete", started],
  );
  assert.deepEqual(runFiles(place.directory).map(({ run }) => run), [1]);
});

Deno.test("a run that is still going on is not resumed", async () => {
  await using place = new Place();
  const journal = await place.open();
  await assert.rejects(place.open({ resumed: 1 }), /^LlamaError: run 1 is still going on$/);
  await journal.end(endOf());
});

Deno.test("runs that start at the same time have files of their own", async () => {
  await using place = new Place();
  const journals = await Promise.all(Array.from({ length: 20 }, () => place.open()));
  await Promise.all(journals.map((journal, i) => journal.append(recordOf(i + 1), identity)));
  await Promise.all(journals.map((journal) => journal.end(endOf())));
  assert.deepEqual(
    runFiles(place.directory).map(({ run }) => run),
    Array.from({ length: 20 }, (_, i) => 20 - i),
  );
  for (let run = 1; run <= 20; run++) assert.equal((await place.read(run)).jobs, 1);
});

Deno.test("a new run that has sent nothing leaves no file", async () => {
  await using place = new Place();
  const journal = await place.open();
  await journal.end(endOf({ how: "failed", jobs: 0 }));
  assert.deepEqual(runFiles(place.directory), []);
});

Deno.test("the journal is bounded in number, age and size, and runs that go on are kept", async () => {
  await using place = new Place();
  const runs = () => runFiles(place.directory).map(({ run }) => run);
  const goesOn = await place.open();
  await goesOn.append(recordOf(1), identity);
  const gone = beginOf({ process: { host: Deno.hostname(), ...ownProcess(), pid: 2 ** 22 + 1 } });
  const limits = { ...journalLimits, runs: 3 };
  for (let i = 0; i < 5; i++) await place.run({ begin: gone, limits });
  assert.deepEqual(runs(), [6, 5, 4, 3, 1]);

  const size = runFiles(place.directory)[0]?.bytes ?? 0;
  await place.run({ begin: gone, limits: { ...journalLimits, bytes: size * 2 } });
  assert.deepEqual(runs(), [7, 6, 5, 1]);

  const now = () => Date.now() + journalLimits.milliseconds + 60_000;
  await place.run({ begin: gone, now });
  // The latest one is kept, so that numbers are not used twice.
  assert.deepEqual(runs(), [8, 7, 1]);
  await goesOn.end(endOf());
});

Deno.test("a journal that cannot be written says so once, and does nothing more", async () => {
  await using place = new Place();
  const journal = await place.open({ limits: { ...journalLimits, bytes: 1000 } });
  for (let seq = 1; seq <= 50; seq++) await journal.append(recordOf(seq), identity);
  await journal.end(endOf());
  assert.deepEqual(place.said, [
    "the journal of this run is incomplete: it exceeds 1.00 kB",
    "to be able to resume the run, name a job log with -joblog",
  ]);
  const { jobs, bytes } = { ...await place.read(1), bytes: Deno.statSync(journal.path).size };
  assert(jobs > 1 && jobs < 50 && bytes <= 1000, `${jobs} jobs, ${bytes} bytes`);
});

Deno.test("the directory of another user, or a link, is not written to", async () => {
  await using place = new Place();
  await Deno.mkdir(place.join("state/llama"), { recursive: true });
  await Deno.mkdir(place.join("other"));
  await Deno.symlink(place.join("other"), place.directory);
  await assert.rejects(place.open(), /is not a directory of this user/);
  assert.deepEqual(await place.list("other"), []);
});

Deno.test("a long command is cut, and still tells runs apart", () => {
  const [a, b] = ["a", "b"].map((end) => ["f", `${"x".repeat(5000)}${end}`]);
  assert(a !== undefined && b !== undefined);
  assert.equal(commandText(a), commandText(b));
  assert(commandText(a).length < 2100);
  const key = (
    command: readonly string[],
    linesPerJob?: number,
    directory = "/",
    isLocal = false,
    columnSeparator?: string,
  ) => runKey({ directory, command, linesPerJob, columnSeparator, isLocal });
  assert.equal(
    new Set([
      key(a),
      key(b),
      key(a, 1),
      key(a, 2),
      key(a, 1, "/x"),
      key(a, 1, "/", true),
      key(a, 1, "/", true, ","),
    ]).size,
    7,
  );
});

Deno.test("a file that is removed while the journal is read is passed over", async () => {
  await using place = new Place();
  await place.run();
  const [file] = runFiles(place.directory);
  assert(file);
  assert(readBegin(file.path));
  await Deno.remove(file.path);
  assert.deepEqual(
    [readBegin(file.path), readBeginWithJobs(file.path), await readPastRun(file)],
    [undefined, undefined, undefined],
  );
});

Deno.test("files that are not runs are left alone, and damaged ones are passed over", async () => {
  await using place = new Place();
  await place.run();
  await place.write("state/llama/runs/notes.txt", "mine");
  await place.write("state/llama/runs/2", "what is this?\n");
  await place.write("state/llama/runs/3", "");
  const text = await Deno.readTextFile(join(place.directory, "1"));
  const noTime = text.replace(/"started":"[^"]*"/, '"started":"2026-99-99T99:99:99.999Z"');
  assert.notEqual(noTime, text);
  await place.write("state/llama/runs/4", noTime);
  await place.run();
  assert.deepEqual(runFiles(place.directory).map(({ run }) => run), [5, 4, 3, 2, 1]);
  for (const file of runFiles(place.directory)) {
    assert.equal(await readPastRun(file) !== undefined, file.run === 1 || file.run === 5);
  }
});
