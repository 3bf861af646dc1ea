/**
 * The record of a job, on which its log, results and cost are based.
 *
 * @module
 */

import { failedStatus, timedOutStatus } from "../functions/command_status.ts";
import { FunctionError, type LlamaError } from "../errors.ts";
import { isFunctionTimeout } from "../functions/timeout.ts";
import type { Times } from "../protocol.ts";
import type { Attempts } from "./attempts.ts";
import { type CacheUse, type PlannedJob, succeeded } from "./job.ts";
import type { Flight } from "./stragglers.ts";

/** An error of a job. */
export interface JobFailure {
  /** The kind of failure: that of a {@linkcode LlamaError}. */
  code: string;
  /** One line: what failed, where, and why. */
  message: string;
  /** What to do about it, if known. */
  hint?: string | undefined;
  /** The function error's type, such as `Sandbox.Timedout`. */
  type?: string | undefined;
}

/** A job's times in the runtime, in milliseconds. */
export interface JobTimes {
  /** Whether it was its execution environment's first invocation. */
  cold: boolean;
  /** From the receipt of the request until the response was ready. */
  totalMilliseconds: number;
  /** Reading the inputs. */
  fetchMilliseconds: number;
  /** The command itself. */
  commandMilliseconds: number;
  /** Storing the outputs. */
  uploadMilliseconds: number;
  /** If `cold`: the start of the runtime, before `totalMilliseconds`. */
  initMilliseconds?: number | undefined;
}

/** The cost of a job. */
export interface JobCost {
  /** The cost of all attempts in US dollars, without requests to S3. */
  dollars: number;
  /** Whether it includes estimates, since Lambda did not report what it billed. */
  isEstimate: boolean;
}

/**
 * The record of a job: one object per job, however often it was attempted. It is plain JSON;
 * {@linkcode jobRecordSchema} validates parsed records.
 */
export interface JobRecord {
  /** The job's number, from 1. */
  seq: number;
  /** The function. */
  function: string;
  /** The function and its arguments, quoted for a shell; control characters as `$'\n'`. */
  command: string;
  /** The input line, or several joined by line feeds. */
  line: string;
  /** Whether it succeeded: status 0, and every output was written. */
  ok: boolean;
  /**
   * The command's exit status, 124 if it timed out; null if it did not run or its response did not
   * arrive.
   */
  status: number | null;
  /** How often it was sent, including retries; 0 if it was not. */
  attempts: number;
  /** How many copies of its request were sent, besides `attempts`; absent if there are none. */
  copies?: number | undefined;
  /** True if a copy was answered first. */
  hasCopyWon?: boolean | undefined;
  /**
   * If a copy was answered first, how much longer its request could have taken until the job's timeout,
   * in milliseconds; absent without a timeout.
   */
  savedMilliseconds?: number | undefined;
  /** When it started, in ISO 8601 and UTC. */
  started: string;
  /** From its start to its last output on this machine, including retries, in milliseconds. */
  elapsedMilliseconds: number;
  /** The last attempt's times, if reported. */
  times?: JobTimes | undefined;
  /** The billed time of all attempts in milliseconds; an estimate if `cost` is. */
  billedMilliseconds?: number | undefined;
  /** The function's memory in MB, if known. */
  functionMemory?: number | undefined;
  /** The peak memory of all the function's processes in MB, if Lambda reports it. */
  usedMemory?: number | undefined;
  /** The command's peak memory in resident bytes, if reported. */
  memoryBytes?: number | undefined;
  /** Bytes sent, as they were sent: requests, and files through the store. */
  sentBytes: number;
  /** Bytes received, as they were received: responses, and files through the store. */
  receivedBytes: number;
  /** What these would be without compression; absent if nothing was compressed. */
  rawBytes?: { sent: number; received: number } | undefined;
  /** The cost; absent if nothing was sent, or the function's memory is unknown. */
  cost?: JobCost | undefined;
  /** The files that were written on this machine. */
  outputs: string[];
  /** Errors besides the command's own status; empty if there are none. */
  errors: JobFailure[];
  /** How it used kept results; absent if it did not. */
  cache?: CacheUse | undefined;
  /** True if it ran on this machine, at no cost. */
  isLocal?: boolean | undefined;
  /** The id of Lambda's last request. */
  requestId?: string | undefined;
  /** The tail of the function's log, if requested. */
  log?: string | undefined;
  /** What the command wrote to standard output, if it is UTF-8. */
  stdout?: string | undefined;
  /** The same in base64, if it is not. */
  stdoutBase64?: string | undefined;
  /** What the command wrote to standard error, if it is UTF-8. */
  stderr?: string | undefined;
  /** The same in base64, if it is not. */
  stderrBase64?: string | undefined;
}

/** The parts of a record besides the job and its attempts. */
export interface RecordDetails {
  /** When the job started, in ISO 8601 and UTC. */
  readonly started: string;
  /** How long it took, in milliseconds. */
  readonly elapsedMilliseconds: number;
  /** The tail of the function's log. */
  readonly log: string | undefined;
  /** Whether it ran on this machine. */
  readonly isLocal: boolean;
  /** The job as the run's stragglers know it. */
  readonly flight?: Flight | undefined;
  /** How the job used kept results. */
  readonly cache?: CacheUse | undefined;
}

/** Creates a job's record, without the command's output. */
export function recordOf(
  { index, functionName, line, command }: PlannedJob,
  { count, result, error, transfer, cost }: Attempts,
  { started, elapsedMilliseconds, log, isLocal, flight, cache }: RecordDetails,
): JobRecord {
  // Parts that most records lack are added one by one: a spread of nothing costs as much as a key.
  const record: JobRecord = {
    seq: index + 1,
    function: functionName,
    command,
    line,
    ok: result !== undefined && succeeded(result),
    status: result?.status ??
      (error instanceof FunctionError && isFunctionTimeout(error) ? timedOutStatus : null),
    attempts: count,
    started,
    elapsedMilliseconds: rounded(elapsedMilliseconds),
    times: result?.times && timesOf(result.times),
    billedMilliseconds: cost?.billedMilliseconds,
    functionMemory: cost?.memory,
    usedMemory: cost?.usedMemory,
    memoryBytes: result?.memory,
    sentBytes: transfer.sentBytes,
    receivedBytes: transfer.receivedBytes,
    cost: cache?.state === "hit"
      ? { dollars: 0, isEstimate: false }
      : cost?.memory === undefined
      ? undefined
      : { dollars: Number(cost.dollars.toPrecision(9)), isEstimate: cost.isEstimate },
    outputs: [...result?.written ?? []],
    errors: (error ? [error] : result?.outputErrors ?? []).map(failureOf),
    requestId: result?.requestId,
    log,
  };
  if (flight && flight.copies > 0) Object.assign(record, copiesOf(flight));
  const { sent, received } = transfer.savedBytes ?? { sent: 0, received: 0 };
  if (sent !== 0 || received !== 0) {
    record.rawBytes = {
      sent: transfer.sentBytes + sent,
      received: transfer.receivedBytes + received,
    };
  }
  if (cache !== undefined) record.cache = { ...cache };
  if (isLocal) record.isLocal = isLocal;
  return record;
}

function copiesOf({ copies, lastEnd }: Flight): Partial<JobRecord> {
  if (!lastEnd?.hasCopyWon) return { copies };
  const { savedMilliseconds: saved } = lastEnd;
  return {
    copies,
    hasCopyWon: true,
    ...(saved === undefined ? {} : { savedMilliseconds: rounded(saved) }),
  };
}

/** Converts nanoseconds, any of which the original's runtime may leave out, to milliseconds. */
function timesOf({ cold, e2e, fetch, exec, upload, init }: Times): JobTimes {
  const milliseconds = (nanoseconds = 0) => rounded(nanoseconds / 1e6);
  return {
    cold: cold ?? false,
    totalMilliseconds: milliseconds(e2e),
    fetchMilliseconds: milliseconds(fetch),
    commandMilliseconds: milliseconds(exec),
    uploadMilliseconds: milliseconds(upload),
    ...(init === undefined ? {} : { initMilliseconds: milliseconds(init) }),
  };
}

/** Rounds to a microsecond. */
function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}

/** Converts an error for a record. */
export function failureOf(error: LlamaError): JobFailure {
  const { code, message, hint } = error;
  const type = error instanceof FunctionError ? error.errorType : undefined;
  return {
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(type === undefined ? {} : { type }),
  };
}

/**
 * Returns a job's exit status, as `llama invoke` would: the command's own, or 125 if that is 0 or
 * missing although the job failed.
 */
export function exitValueOf({ ok, status }: JobRecord): number {
  return ok ? 0 : status === null || status === 0 ? failedStatus : status;
}
