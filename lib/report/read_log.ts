/**
 * A run from the log that it left.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { LlamaError, reasonOf } from "../errors.ts";
import { type EarlyEnd, earlyEndSchema } from "../jobs/early_end.ts";
import { type JobLogEntry, JobLogParser } from "../jobs/joblog_line.ts";
import type { Notice } from "../jobs/logged_jobs.ts";
import { type JobRecord, jobRecordSchema } from "../jobs/record.ts";
import { type Run, RunJobs } from "./run.ts";

/**
 * Reads the log of a run: the lines of `-json`, or the columns of GNU parallel's `--joblog`.
 *
 * @param path The file.
 * @param onNotice Gets warnings.
 * @returns The run, as far as the log tells.
 * @throws {LlamaError} `input` if it cannot be read or is something else.
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
    hasJobLog: !isJson,
    peak: earlyEnd?.peak,
    earlyEnd,
  };
}

type Logged =
  | { readonly record: JobRecord; readonly stderr?: Uint8Array | undefined }
  | { readonly earlyEnd: EarlyEnd };

/** A last line that was cut off in the writing counts as not written. */
function* fromJson(path: string, bytes: Uint8Array): Generator<Logged, void, undefined> {
  const lines = new TextDecoder().decode(bytes).split("\n");
  const rest = lines.pop() ?? "";
  // A status.json, or several of them, may lack the last line's end.
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
      if (data === undefined) throw notOurs(path, index, "it is not the end of a run", error);
      yield { earlyEnd: data };
      continue;
    }
    const parsed = jobRecordSchema.safeParse(value);
    if (!parsed.success) throw notOurs(path, index, "it is no job's record", parsed.error);
    if (Number.isNaN(Date.parse(parsed.data.started))) {
      throw notOurs(path, index, "its job did not start at a time that there is");
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

/** Of several lines of one job the last counts; one that is damaged tells nothing. */
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
        status: logged.exitValue || logged.signal && 128 + logged.signal,
        attempts: 1,
        started: new Date(logged.startedSeconds * 1000).toISOString(),
        // GNU parallel writes less than nothing where the clock was put back.
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
    if (damage !== undefined) onNotice?.(damage, "the jobs of such lines are not in the page");
  } catch (cause) {
    throw cause instanceof LlamaError
      ? new LlamaError("input", cause.message, { cause, hint })
      : cause;
  }
  return entries;
}

const hint = "name a file of -joblog, or one of the lines of -json";

function notOurs(path: string, index: number, why: string, cause?: unknown): LlamaError {
  return new LlamaError("input", `${JSON.stringify(path)} line ${index + 1}: ${why}`, {
    cause,
    hint,
  });
}
