/**
 * A run from the log that it left.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { LlamaError, reasonOf } from "../errors.ts";
import { type EarlyEnd, earlyEndSchema } from "../jobs/early_end.ts";
import { parseJobLog } from "../jobs/joblog.ts";
import { type JobRecord, jobRecordSchema } from "../jobs/record.ts";
import { type Run, RunJobs } from "./run.ts";

/**
 * Reads the log of a run: the lines of `-json`, or the columns of GNU parallel's `--joblog`.
 *
 * @param path The file.
 * @returns The run, as far as the log tells.
 * @throws {LlamaError} `input` if it cannot be read or is something else.
 */
export async function readRun(path: string): Promise<Run> {
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
  for (const logged of isJson ? fromJson(path, bytes) : fromJobLog(path, bytes)) {
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

function* fromJobLog(path: string, bytes: Uint8Array): Generator<Logged, void, undefined> {
  const { jobs } = parsed(path, bytes);
  for (const [seq, { command, ok, ...logged }] of jobs) {
    const started = new Date(logged.startedSeconds * 1000);
    if (Number.isNaN(started.getTime()) || Number.isNaN(logged.runtimeSeconds)) {
      const what = `${JSON.stringify(path)}: job ${seq} has no time that makes sense`;
      throw new LlamaError("input", what, { hint });
    }
    yield {
      record: {
        seq,
        function: command.split(" ")[0] ?? "",
        command,
        line: "",
        ok,
        status: logged.exitValue || logged.signal && 128 + logged.signal,
        attempts: 1,
        started: started.toISOString(),
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

function parsed(path: string, bytes: Uint8Array): ReturnType<typeof parseJobLog> {
  try {
    return parseJobLog(bytes, path);
  } catch (cause) {
    throw cause instanceof LlamaError
      ? new LlamaError("input", cause.message, { cause, hint })
      : cause;
  }
}

const hint = "name a file of -joblog, or one of the lines of -json";

function notOurs(path: string, index: number, why: string, cause?: unknown): LlamaError {
  return new LlamaError("input", `${JSON.stringify(path)} line ${index + 1}: ${why}`, {
    cause,
    hint,
  });
}
