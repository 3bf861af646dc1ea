/**
 * Reads a run back from its log.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { signalStatus } from "../functions/command_status.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import { type EarlyEnd, earlyEndSchema } from "../jobs/early_end.ts";
import { type JobLogEntry, JobLogParser } from "../jobs/log/job_log_line.ts";
import type { Notice } from "../jobs/log/logged_jobs.ts";
import { type JobRecord, jobRecordSchema } from "../jobs/record.ts";
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
  for (const logged of isJson ? fromJson(path, bytes) : fromJobLog(path, bytes, onNotice)) {
    if ("earlyEnd" in logged) earlyEnd = logged.earlyEnd;
    else {
      jobs.add(logged.record, undefined, logged.stderr);
      isLocal ||= logged.record.isLocal ?? false;
    }
  }
  const { all, failures } = jobs;
  return {
    title: path,
    jobs: all,
    failures,
    isLocal,
    resumeWith: isJson ? undefined : "-resume",
    peak: earlyEnd?.peak,
    earlyEnd,
  };
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
      const { data, error } = earlyEndSchema.safeParse(value.run);
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
  onNotice: Notice | undefined,
): Generator<Logged, void, undefined> {
  for (const { seq, command, ok, ...logged } of entriesOf(path, bytes, onNotice).values()) {
    yield {
      record: {
        seq,
        function: command.split(" ")[0] ?? "",
        command,
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
      },
    };
  }
}

function entriesOf(
  path: string,
  bytes: Uint8Array,
  onNotice: Notice | undefined,
): Map<number, JobLogEntry> {
  const parser = new JobLogParser(path);
  const wholeBytes = bytes.lastIndexOf(10) + 1;
  const entries = new Map<number, JobLogEntry>();
  try {
    for (const entry of parser.parse(bytes.subarray(0, wholeBytes))) entries.set(entry.seq, entry);
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
