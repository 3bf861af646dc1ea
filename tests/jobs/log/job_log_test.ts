import assert from "node:assert/strict";
import { JobLog } from "../../../lib/jobs/log/job_log.ts";
import { type JobLogEntry, JobLogParser } from "../../../lib/jobs/log/job_log_line.ts";
import { LoggedJobs } from "../../../lib/jobs/log/logged_jobs.ts";
import type { JobRecord } from "../../../lib/jobs/record.ts";
import { libc } from "../../../lib/system/libc.ts";
import { bytesOf, TemporaryDirectory } from "../../helpers.ts";
import { jobRecord } from "../../job_record.ts";

// What the process opens once and keeps is no leak of the test that needs it first.
libc();

const header = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

function record(seq: number, more: Partial<JobRecord> = {}): JobRecord {
  return jobRecord({
    seq,
    command: `f ${seq}`,
    line: String(seq),
    elapsedMilliseconds: 1234.9,
    sentBytes: 10,
    receivedBytes: 20,
    ...more,
  });
}

/** Appends to a log as a run does. */
async function write(
  path: string,
  records: readonly JobRecord[],
  logged?: LoggedJobs,
): Promise<void> {
  using log = await JobLog.open(path, { logged });
  await Promise.all(records.map((each) => log.append(each, "us-east-1")));
}

/** The entries of a log, by the jobs' numbers, and what is said of its damage. */
function parse(text: string | Uint8Array): { jobs: Map<number, JobLogEntry>; damage?: string } {
  const bytes = typeof text === "string" ? bytesOf(text) : text;
  const parser = new JobLogParser("log");
  const whole = bytes.lastIndexOf(10) + 1;
  const jobs = new Map([...parser.parse(bytes.subarray(0, whole))].map((job) => [job.seq, job]));
  const damage = parser.end(bytes.subarray(whole));
  return { jobs, ...(damage === undefined ? {} : { damage }) };
}

/** Which of the jobs a resumed run would skip, if their commands are `f N`. */
function skipped(logged: LoggedJobs, seqs: readonly number[], repeatFailed = false): number[] {
  return seqs.filter((seq) =>
    logged.isDone({
      seq,
      words: ["f", String(seq)],
      identity: { own: seq, shared: 0 },
      isAllInCommand: () => true,
    }, repeatFailed)
  );
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
  const { jobs } = parse(await Deno.readFile(path));
  assert.deepEqual([...jobs.keys()], Array.from({ length: 500 }, (_, i) => i + 1));
});

Deno.test("a missing log is empty, and a new one starts with only the header", async () => {
  await using directory = new TemporaryDirectory();
  const path = directory.join("log");
  const none = await LoggedJobs.read(path);
  assert.deepEqual([none.size, none.bytes, none.wholeBytes], [0, 0, 0]);
  await write(path, []);
  assert.equal(await Deno.readTextFile(path), header);
  assert.equal((await LoggedJobs.read(path)).size, 0);
});

Deno.test("a truncated last line is removed before the file is used again", async () => {
  await using directory = new TemporaryDirectory();
  const path = directory.join("log");
  await write(path, [record(1), record(2)]);
  const whole = await Deno.readTextFile(path);
  const lastLine = whole.indexOf("2\tus-east-1");
  for (let length = whole.length - 1; length > lastLine; length--) {
    await Deno.writeTextFile(path, whole.slice(0, length));
    const logged = await LoggedJobs.read(path);
    assert.deepEqual(skipped(logged, [1, 2, 3]), [1], whole.slice(lastLine, length));
    await write(path, [record(2)], logged);
    assert.equal(await Deno.readTextFile(path), whole);
  }
});

Deno.test("a truncated header is rewritten", async () => {
  await using directory = new TemporaryDirectory();
  const path = await directory.write("log", header.slice(0, 10));
  await write(path, [], await LoggedJobs.read(path));
  assert.equal(await Deno.readTextFile(path), header);
});

Deno.test("of several lines of one job the last counts", async () => {
  await using directory = new TemporaryDirectory();
  const path = directory.join("log");
  await write(path, [record(1, { ok: false, status: 1 }), record(2), record(1)]);
  const logged = await LoggedJobs.read(path);
  assert.deepEqual(skipped(logged, [1, 2], true), [1, 2]);
  await write(path, [record(1, { ok: false, status: 1 })], logged);
  assert.deepEqual(skipped(await LoggedJobs.read(path), [1, 2], true), [2]);
});

Deno.test("a logged job need not run again, a failed one may", async () => {
  await using directory = new TemporaryDirectory();
  const path = directory.join("log");
  await write(path, [
    record(1),
    record(2, { ok: false, status: 1 }),
    record(3, { ok: false, status: 137 }),
  ]);
  const logged = await LoggedJobs.read(path);
  assert.deepEqual(skipped(logged, [1, 2, 3, 4]), [1, 2, 3]);
  assert.deepEqual(skipped(logged, [1, 2, 3, 4], true), [1]);
});

Deno.test("GNU parallel's own log is read", () => {
  const { jobs } = parse(
    header + "1\t:\t1795526395.065\t     0.000\t0\t2\t0\t0\techo 1\n" +
      "2\t:\t1795526395.071\t     0.003\t0\t2\t0\t9\techo 2; kill -9 $$\n" +
      "3\t:\t1795526395.074\t    -0.001\t0\t2\t-1\t0\techo\t3\n",
  );
  assert.deepEqual([...jobs].map(([seq, { command, ok }]) => [seq, command, ok]), [
    [1, "echo 1", true],
    [2, "echo 2; kill -9 $$", false],
    [3, "echo\t3", false],
  ]);
});

Deno.test("the columns of a line are read", () => {
  const { jobs } = parse(
    `${header}7\tus-east-1\t1795527638.994\t    -0.001\t10\t20\t3\t9\tf 7 #llama:0123456789abffffffffffff\n`,
  );
  const {
    startedSeconds,
    runtimeSeconds,
    sentBytes,
    receivedBytes,
    exitValue,
    signal,
    ok,
    identity,
    command,
  } = jobs.get(7) ?? assert.fail();
  assert.deepEqual(
    [startedSeconds, runtimeSeconds, sentBytes, receivedBytes, exitValue, signal, ok, command],
    [1795527638.994, -0.001, 10, 20, 3, 9, false, "f 7"],
  );
  assert.deepEqual(identity, { own: 0x0123456789ab, shared: 0xffffffffffff });
});

/** Files of the user's that look like a job log to a careless reader. */
const otherFiles = [
  "buy milk\n",
  "buy milk",
  "S",
  "Seq",
  "\n",
  "\n\n",
  "\0",
  "1\n2\n3\n",
  "1\t:\t2\t3\t4\n",
  header.slice(0, 20) + "\n",
  header.trimEnd() + "\tMore\n",
  " " + header,
  "Seq\tHost\tName\n1\ta\tb\n",
  "x".repeat(3_000_000),
];

Deno.test("a file that is not a job log is neither resumed nor replaced", async () => {
  await using directory = new TemporaryDirectory();
  const path = directory.join("notes");
  for (const text of otherFiles) {
    await Deno.writeTextFile(path, text);
    const name = text.slice(0, 80);
    await assert.rejects(LoggedJobs.read(path), {
      code: "input",
      message: /notes" is not a job log$/,
    }, name);
    await assert.rejects(JobLog.open(path), {
      code: "usage",
      message: /^cannot write the job log ".*notes": the file exists and is not a job log$/,
    }, name);
    assert.equal(await Deno.readTextFile(path), text);
  }
});

Deno.test("an empty file and a job log are replaced, ours and GNU parallel's", async () => {
  await using directory = new TemporaryDirectory();
  const path = directory.join("log");
  const line = "1\t:\t1795526395.065\t     0.000\t0\t2\t0\t0\techo 1\n";
  for (const text of ["", header.slice(0, 10), header.trimEnd(), header, header + line]) {
    await Deno.writeTextFile(path, text);
    await write(path, []);
    assert.equal(await Deno.readTextFile(path), header);
  }
});

Deno.test("a log that cannot be opened is an error", async () => {
  await using directory = new TemporaryDirectory();
  await assert.rejects(LoggedJobs.read(directory.path), { message: /is a directory$/ });
  for (
    const [path, words] of [
      [directory.join("no/log"), /cannot write the job log ".*no\/log": no such file or directory/],
      [directory.path, /cannot write the job log ".*": is a directory$/],
    ] as const
  ) {
    await assert.rejects(JobLog.open(path), { code: "output", message: words });
  }
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
  const logged = await LoggedJobs.read(path);
  await write(path, [record(2)], logged);
  const whole = await Deno.readTextFile(path);
  await assert.rejects(write(path, [record(2)], logged), {
    code: "usage",
    message: `another run is writing to the job log ${JSON.stringify(path)}`,
  });
  assert.equal(await Deno.readTextFile(path), whole);
});

Deno.test("an abort ends the wait for a FIFO's reader", async () => {
  await using directory = new TemporaryDirectory();
  const path = directory.join("fifo");
  assert.equal((await new Deno.Command("mkfifo", { args: [path] }).output()).code, 0);
  const stop = new AbortController();
  const opening = JobLog.open(path, { signal: stop.signal });
  // By the time this has run, the FIFO was tried.
  await new Deno.Command("true").output();
  stop.abort(new Error("stopped"));
  await assert.rejects(opening, { message: "stopped" });
});

Deno.test("a log survives any content", async () => {
  await using directory = new TemporaryDirectory();
  const path = directory.join("log");
  const commands = [
    "\u2028",
    "\u2029",
    "\u0085",
    "\ufeff",
    "\r",
    "\u202e",
    "\u{10ffff}",
    " #llama:x '",
  ];
  await write(path, commands.map((command, i) => record(i + 1, { command: `f '${command}'` })));
  const { jobs, damage } = parse(await Deno.readFile(path));
  assert.equal(damage, undefined);
  assert.deepEqual(
    [...jobs.values()].map(({ command }) => command),
    commands.map((c) => `f '${c}'`),
  );
  const raw = new Uint8Array([...bytesOf(header + "1\t:\t1\t1\t0\t0\t0\t0\tf "), 0xff, 10]);
  assert.equal(parse(raw).jobs.get(1)?.command, "f \udcff");
});

Deno.test("a line that is damaged loses its own job, and is reported", async () => {
  await using directory = new TemporaryDirectory();
  const path = directory.join("log");
  await write(path, [1, 2, 3, 4].map((seq) => record(seq)));
  const lines = (await Deno.readTextFile(path)).split("\n");
  const [third = "", fourth = ""] = lines.slice(3);
  const damages = [
    "",
    "\0".repeat(third.length),
    third.slice(1),
    third.slice(0, 30),
    third.replaceAll("\t", " "),
    `-${third}`,
    third.replace(/^3/, "0"),
    third.replace(/^3/, "99999999999999999999"),
    third.replace("1795527638", "x"),
    third.replace("1795527638", "1795527638179552763817955276381795527638"),
    third.replace("f 3", "f 3 #llama:0123"),
    third.replace("f 3", "f 3 #llama:0123456789AB0123456789ab"),
    // The line's end was lost, or somebody appended to a torn line.
    `${third}${fourth}`,
    `${third.slice(0, -1)}${fourth}`,
    `${third} #llama:0123456789ab0123456789ab${fourth}`,
  ];
  for (const damage of damages) {
    await Deno.writeTextFile(path, lines.with(3, damage).join("\n"));
    const notices: string[] = [];
    const onNotice = (...words: (string | undefined)[]) => notices.push(words.join("; "));
    const logged = await LoggedJobs.read(path, { onNotice });
    assert.deepEqual(skipped(logged, [1, 2, 3, 4]), [1, 2, 4], JSON.stringify(damage));
    assert.deepEqual(notices, [
      `the job log ${JSON.stringify(path)} is damaged in line 4; the jobs of these lines run again`,
    ]);
    assert.equal(logged.wholeBytes, (await Deno.stat(path)).size);
  }
  // Also the first line, which is the header.
  await Deno.writeTextFile(path, lines.with(0, "\0\0\0").join("\n"));
  assert.deepEqual(skipped(await LoggedJobs.read(path), [1, 2, 3, 4]), [1, 2, 3, 4]);
});

Deno.test("of many damaged lines the first ten are named", () => {
  const text = header + "1\t:\t1\t1\t0\t0\t0\t0\tf 1\n" + "?\n".repeat(12);
  assert.equal(
    parse(text).damage,
    'the job log "log" is damaged in lines 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 2 more',
  );
});

Deno.test("whatever happens to a log, no job is skipped that is not in it", async () => {
  await using directory = new TemporaryDirectory();
  const path = directory.join("log");
  const seqs = [1, 2, 3, 4, 5];
  using log = await JobLog.open(path);
  for (const seq of seqs) await log.append(record(seq), ":", { own: seq, shared: 0 });
  const whole = await Deno.readFile(path);
  const first = header.length;
  let state = 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
  const damages: ((bytes: number[]) => void)[] = [
    (bytes) => void (bytes[first + random(bytes.length - first)] = random(256)),
    (bytes) => void bytes.splice(first + random(bytes.length - first), 1 + random(100)),
    (bytes) => void bytes.splice(first + random(bytes.length - first), 0, random(256)),
    (bytes) => void bytes.splice(bytes.length - random(200)),
    (bytes) => bytes.fill(0, first + random(bytes.length - first)),
  ];
  for (let round = 0; round < 500; round++) {
    const bytes = [...whole];
    const damage = damages[random(damages.length)];
    damage?.(bytes);
    await Deno.writeFile(path, new Uint8Array(bytes));
    const logged = await LoggedJobs.read(path);
    for (const seq of [...seqs, 6, 7, 12, 45]) {
      // Nothing that stands in the log is what these jobs are made of.
      const other = {
        ...{ seq, words: ["g"], isAllInCommand: () => true },
        identity: { own: 1000, shared: 0 },
      };
      let isDone = false;
      try {
        isDone = logged.isDone(other, false);
      } catch (error) {
        assert.match(String(error), /the job log has another job/);
      }
      assert(!isDone, `round ${round}, job ${seq}`);
    }
  }
});
