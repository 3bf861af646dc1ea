import assert from "node:assert/strict";
import { isLogged, JobLog, type LoggedJobs, readJobLog } from "../../lib/jobs/joblog.ts";
import type { JobRecord } from "../../lib/jobs/record.ts";
import { TemporaryDirectory } from "../helpers.ts";

const header = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

function record(seq: number, more: Partial<JobRecord> = {}): JobRecord {
  return {
    seq,
    function: "f",
    command: `f ${seq}`,
    line: String(seq),
    ok: true,
    status: 0,
    attempts: 1,
    started: "2026-11-24T13:40:38.994Z",
    elapsedMilliseconds: 1234.9,
    sentBytes: 10,
    receivedBytes: 20,
    outputs: [],
    errors: [],
    ...more,
  };
}

/** Appends to a log as a run does. */
async function write(
  path: string,
  records: readonly JobRecord[],
  logged?: LoggedJobs,
): Promise<void> {
  using log = await JobLog.open(path, logged);
  await Promise.all(records.map((each) => log.append(each, "us-east-1")));
}

Deno.test("a line has GNU parallel's columns, in its widths", async () => {
  await using directory = new TemporaryDirectory();
  const path = directory.join("log");
  await write(path, [record(1, { command: "f $'a\\nb'" })]);
  assert.equal(
    await Deno.readTextFile(path),
    `${header}1\tus-east-1\t1795527638.994\t     1.235\t10\t20\t0\t0\tf $'a\\nb'\n`,
  );
});

Deno.test("a job's status is the command's, 125 if there is none, and a signal has its column", async () => {
  await using directory = new TemporaryDirectory();
  const path = directory.join("log");
  await write(path, [
    record(1, { ok: false, status: 3 }),
    record(2, { ok: false, status: 137 }),
    record(3, { ok: false, status: null }),
    record(4, { ok: false, status: 0 }),
    record(5, { ok: false, status: 255 }),
  ]);
  const rows = (await Deno.readTextFile(path)).trimEnd().split("\n").slice(1);
  assert.deepEqual(
    rows.map((row) => row.split("\t").slice(6, 8).join(" ")),
    ["3 0", "137 9", "125 0", "125 0", "255 0"],
  );
});

Deno.test("lines stand in the order of the calls, however many there are at once", async () => {
  await using directory = new TemporaryDirectory();
  const path = directory.join("log");
  await write(path, Array.from({ length: 500 }, (_, i) => record(i + 1)));
  const { jobs, wholeBytes } = await readJobLog(path);
  assert.deepEqual([...jobs.keys()], Array.from({ length: 500 }, (_, i) => i + 1));
  assert.equal(wholeBytes, (await Deno.stat(path)).size);
});

Deno.test("a log that is not there is empty, and a new one begins with the header alone", async () => {
  await using directory = new TemporaryDirectory();
  const path = directory.join("log");
  assert.deepEqual(await readJobLog(path), { jobs: new Map(), bytes: 0, wholeBytes: 0 });
  await write(path, []);
  assert.equal(await Deno.readTextFile(path), header);
  assert.equal((await readJobLog(path)).jobs.size, 0);
});

Deno.test("a last line that is torn is cut off before the file is used again", async () => {
  await using directory = new TemporaryDirectory();
  const path = directory.join("log");
  await write(path, [record(1), record(2)]);
  const whole = await Deno.readTextFile(path);
  const lastLine = whole.indexOf("2\tus-east-1");
  for (let length = whole.length - 1; length > lastLine; length--) {
    await Deno.writeTextFile(path, whole.slice(0, length));
    const logged = await readJobLog(path);
    assert.deepEqual([...logged.jobs.keys()], [1], whole.slice(lastLine, length));
    await write(path, [record(2)], logged);
    assert.equal(await Deno.readTextFile(path), whole);
  }
});

Deno.test("a torn header is written anew", async () => {
  await using directory = new TemporaryDirectory();
  const path = await directory.write("log", header.slice(0, 10));
  await write(path, [], await readJobLog(path));
  assert.equal(await Deno.readTextFile(path), header);
});

Deno.test("of several lines of one job the last counts", async () => {
  await using directory = new TemporaryDirectory();
  const path = directory.join("log");
  await write(path, [record(1, { ok: false, status: 1 }), record(2), record(1)]);
  const { jobs } = await readJobLog(path);
  assert.deepEqual([jobs.get(1)?.command, jobs.get(1)?.ok], ["f 1", true]);
});

Deno.test("a job that is logged need not run again, one that failed may", async () => {
  await using directory = new TemporaryDirectory();
  const path = directory.join("log");
  await write(path, [
    record(1),
    record(2, { ok: false, status: 1 }),
    record(3, { ok: false, status: 137 }),
  ]);
  const logged = await readJobLog(path);
  const skipped = (repeatFailed: boolean) =>
    [1, 2, 3, 4].filter((seq) => isLogged(logged, seq, `f ${seq}`, repeatFailed));
  assert.deepEqual(skipped(false), [1, 2, 3]);
  assert.deepEqual(skipped(true), [1]);
  assert.throws(() => isLogged(logged, 1, "f other", false), {
    code: "usage",
    message: "the job log has another job 1: it ran `f 1`, and now it is `f other`",
  });
});

Deno.test("GNU parallel's own log is read", async () => {
  await using directory = new TemporaryDirectory();
  const path = await directory.write(
    "log",
    header + "1\t:\t1795526395.065\t     0.000\t0\t2\t0\t0\techo 1\n" +
      "2\t:\t1795526395.071\t     0.003\t0\t2\t0\t9\techo 2; kill -9 $$\n" +
      "3\t:\t1795526395.074\t    -0.001\t0\t2\t-1\t0\techo\t3\n",
  );
  const { jobs } = await readJobLog(path);
  assert.deepEqual([...jobs].map(([seq, { command, ok }]) => [seq, command, ok]), [
    [1, "echo 1", true],
    [2, "echo 2; kill -9 $$", false],
    [3, "echo\t3", false],
  ]);
});

Deno.test("a file that is no job log is refused and left as it is", async () => {
  await using directory = new TemporaryDirectory();
  const path = await directory.write("notes", "buy milk\n");
  await assert.rejects(readJobLog(path), {
    code: "input",
    message: /notes" line 1 is no job log's/,
  });
  await assert.rejects(readJobLog(directory.path), { message: /is a directory$/ });
  await assert.rejects(JobLog.open(directory.join("no/log")), {
    code: "output",
    message: /cannot write the job log ".*no\/log": no such file or directory/,
  });
});

Deno.test("after a line that could not be written there are no others", async () => {
  await using directory = new TemporaryDirectory();
  const log = await JobLog.open(directory.join("log"));
  // The file is gone, as a disk that is full would have it.
  log[Symbol.dispose]();
  const first = log.append(record(1), ":");
  await assert.rejects(first, { code: "output", message: /^cannot write the job log/ });
  await assert.rejects(log.append(record(2), ":"), await first.catch((error) => error));
});

Deno.test("a log that another run has written to since it was read is refused", async () => {
  await using directory = new TemporaryDirectory();
  const path = directory.join("log");
  await write(path, [record(1)]);
  const logged = await readJobLog(path);
  await write(path, [record(2)], logged);
  const whole = await Deno.readTextFile(path);
  await assert.rejects(write(path, [record(2)], logged), {
    code: "usage",
    message: `another run writes to the job log ${JSON.stringify(path)}`,
  });
  assert.equal(await Deno.readTextFile(path), whole);
});
