/**
 * Reads a run back from its log.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { signalStatus } from "../functions/command_status.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import { type EarlyEnd, earlyEndSchema } from "../jobs/early_end.ts";
import { costOf, parseMark, type RunBegin, type RunEnd } from "../jobs/journal/lines.ts";
import { type JobLogEntry, JobLogParser } from "../jobs/log/job_log_line.ts";
import type { Notice } from "../jobs/log/logged_jobs.ts";
import type { JobCost, JobRecord } from "../jobs/record.ts";
import { jobRecordSchema } from "../jobs/record_schema.ts";
import { type Run, RunJobs } from "./run.ts";

/**
 * Reads the log of a run: the output of `-json`, or a job log, which is also GNU parallel's format.
 *
 * @param path The file.
 * @param onNotice Gets warnings.
 * @returns The run, as far as the log describes it.
 * @throws {LlamaError} `input` if the file cannot be read or is not such a log.
 */
export async function readRun(
  path: string,
  onNotice?: Notice,
): Promise<Run> {
  const name = JSON.stringify(path);
  let bytes;
  try {
    bytes = await Deno.readFile(path);
  } catch (cause) {
    throw new LlamaError("input", `cannot read ${name}: ${reasonOf(cause)}`, { cause });
  }
  const jobs = new RunJobs();
  const isJson = bytes[0] === 0x7b;
  let earlyEnd: EarlyEnd | undefined;
  let isLocal = false;
  const marks: JournalMarks = { begin: undefined, end: undefined, parts: 0, s3Dollars: 0 };
  const lines = isJson ? fromJson(path, bytes) : fromJobLog(path, bytes, { marks, onNotice });
  for (const logged of lines) {
    if ("earlyEnd" in logged) earlyEnd = logged.earlyEnd;
    else {
      jobs.add(logged.record, undefined, logged.stderr);
      isLocal ||= logged.record.isLocal ?? false;
    }
  }
  const { all, failures } = jobs;
  const { begin, end, parts, s3Dollars } = marks;
  earlyEnd ??= end?.early;
  return {
    title: begin === undefined ? path : `llama xargs ${begin.command}`,
    jobs: all,
    hasCommands: begin === undefined,
    failures,
    isLocal,
    // The time between the parts of a run that was resumed is none of its own.
    seconds: parts === 1 ? end?.seconds : undefined,
    s3Dollars,
    resumeWith: isJson ? undefined : begin === undefined ? "-resume" : "-resume-last",
    peak: earlyEnd?.peak,
    earlyEnd,
  };
}

/** The lines of a journal that are not about a job. */
interface JournalMarks {
  /** The beginning of its latest part; undefined in other job logs. */
  begin: RunBegin | undefined;
  /** The end of that part. */
  end: RunEnd | undefined;
  parts: number;
  /** The cost of requests to S3, in US dollars. */
  s3Dollars: number;
}

type Logged =
  | { readonly record: JobRecord; readonly stderr?: Uint8Array | undefined }
  | { readonly earlyEnd: EarlyEnd };

/** Reads the output of `-json`. An incomplete last line is ignored: the run was interrupted. */
function* fromJson(path: string, bytes: Uint8Array): Generator<Logged, void, undefined> {
  const lines = new TextDecoder().decode(bytes).split("\n");
  const rest = lines.pop() ?? "";
  // A status.json file does not end with a newline.
  if (rest.endsWith("}")) lines.push(rest);
  for (const [index, line] of lines.entries()) {
    if (line === "") continue;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (cause) {
      throw notOurs(path, index, "it is not JSON", cause);
    }
    if (typeof value === "object" && value !== null && "run" in value) {
      const { data, error } = earlyEndSchema().safeParse(value.run);
      if (data === undefined) throw notOurs(path, index, "it is not a valid run record", error);
      yield { earlyEnd: data };
      continue;
    }
    const parsed = jobRecordSchema.safeParse(value);
    if (!parsed.success) throw notOurs(path, index, "it is not a job record", parsed.error);
    if (Number.isNaN(Date.parse(parsed.data.started))) {
      throw notOurs(path, index, "`started` is not a valid time");
    }
    const { stderr, stderrBase64 } = parsed.data;
    yield {
      record: parsed.data,
      stderr: stderrBase64 === undefined
        ? new TextEncoder().encode(stderr)
        : Buffer.from(stderrBase64, "base64"),
    };
  }
}

/** Reads a job log. The last valid line of each job counts; damaged lines are skipped. */
function* fromJobLog(
  path: string,
  bytes: Uint8Array,
  { marks, onNotice }: { marks: JournalMarks; onNotice: Notice | undefined },
): Generator<Logged, void, undefined> {
  /** What all attempts to run a job cost. */
  const costs = new Map<number, JobCost>();
  const onEntry = (entry: JobLogEntry) => {
    const cost = marks.begin && costOf(entry);
    if (cost === undefined) return;
    const { dollars = 0, isEstimate = false } = costs.get(entry.seq) ?? {};
    costs.set(entry.seq, {
      dollars: dollars + cost.dollars,
      isEstimate: isEstimate || cost.isEstimate,
    });
  };
  const onComment = (line: string) => {
    const mark = parseMark(line);
    if (mark === undefined) return;
    if ("begin" in mark) {
      marks.begin = mark.begin;
      marks.end = undefined;
      marks.parts++;
    } else {
      marks.end = mark.end;
      marks.s3Dollars += mark.end.s3Dollars;
    }
  };
  const entries = entriesOf(path, bytes, { onNotice, onEntry, onComment });
  const { begin } = marks;
  for (const { seq, command, ok, ...logged } of entries.values()) {
    const cost = costs.get(seq);
    yield {
      record: {
        seq,
        function: begin?.function ?? command.split(" ")[0] ?? "",
        // A journal does not have the commands.
        command: begin === undefined ? command : `job ${seq} of ${begin.function}`,
        line: "",
        ok,
        status: logged.exitValue || logged.signal && signalStatus(logged.signal),
        attempts: 1,
        started: new Date(logged.startedSeconds * 1000).toISOString(),
        // GNU parallel writes a negative run time if the clock was set back.
        elapsedMilliseconds: Math.max(0, logged.runtimeSeconds * 1000),
        sentBytes: logged.sentBytes,
        receivedBytes: logged.receivedBytes,
        outputs: [],
        errors: [],
        ...cost === undefined ? {} : { cost },
        ...begin?.isLocal ? { isLocal: true } : {},
      },
    };
  }
}

function entriesOf(
  path: string,
  bytes: Uint8Array,
  { onNotice, onEntry, onComment }: {
    onNotice: Notice | undefined;
    onEntry: (entry: JobLogEntry) => void;
    onComment: (line: string) => void;
  },
): Map<number, JobLogEntry> {
  const parser = new JobLogParser(path, onComment);
  const wholeBytes = bytes.lastIndexOf(10) + 1;
  const entries = new Map<number, JobLogEntry>();
  try {
    for (const entry of parser.parse(bytes.subarray(0, wholeBytes))) {
      entries.set(entry.seq, entry);
      onEntry(entry);
    }
    const damage = parser.end(bytes.subarray(wholeBytes));
    if (damage !== undefined) onNotice?.(damage, "the report omits the jobs of these lines");
  } catch (cause) {
    throw cause instanceof LlamaError
      ? new LlamaError("input", cause.message, { cause, hint })
      : cause;
  }
  return entries;
}

const hint = "give a file written by -joblog, or the output of -json";

function notOurs(path: string, index: number, why: string, cause?: unknown): LlamaError {
  return new LlamaError("input", `${JSON.stringify(path)} line ${index + 1}: ${why}`, {
    cause,
    hint,
  });
}
