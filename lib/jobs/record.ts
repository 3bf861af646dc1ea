/**
 * The record of a job: what a run writes down of it, and what its log, its results and its cost are
 * made of.
 *
 * @module
 */

import { failedStatus, timedOutStatus } from "../functions/command_status.ts";
import { FunctionError, type LlamaError } from "../errors.ts";
import { isFunctionTimeout } from "../functions/timeout.ts";
import type { Times } from "../protocol.ts";
import * as z from "../zod.ts";
import type { Attempts } from "./attempts.ts";
import { type PlannedJob, succeeded } from "./job.ts";

/** What went wrong with a job. */
export interface JobFailure {
  /** The kind of failure: that of a {@linkcode LlamaError}. */
  code: string;
  /** One line: what failed, where, and why. */
  message: string;
  /** What to do about it, where that is known. */
  hint?: string | undefined;
  /** The function error's type, such as `Sandbox.Timedout`. */
  type?: string | undefined;
}

/** Where a job's time went in the runtime, in milliseconds. */
export interface JobTimes {
  /** Whether it was its execution environment's first. */
  cold: boolean;
  /** All of it, from the request's receipt until the answer was ready. */
  totalMilliseconds: number;
  /** Reading the inputs. */
  fetchMilliseconds: number;
  /** The command itself. */
  commandMilliseconds: number;
  /** Storing the outputs. */
  uploadMilliseconds: number;
  /** With `cold`: the start of the runtime, before `totalMilliseconds`. */
  initMilliseconds?: number | undefined;
}

/** What a job cost. */
export interface JobCost {
  /** Of all attempts, in US dollars; S3's requests are not in it. */
  dollars: number;
  /** Whether some of it is an estimate, since Lambda did not say what it billed. */
  isEstimate: boolean;
}

/**
 * What is written down of a job, one object a job however often it was attempted. It is plain JSON;
 * {@linkcode jobRecordSchema} checks one that was read.
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
  /** Whether it did what it was asked for: status 0, and every output is there. */
  ok: boolean;
  /**
   * The command's exit status, 124 if its time was up, whoever ended it; null if it did not run or its
   * answer did not arrive.
   */
  status: number | null;
  /** How often it was sent, repeats included; 0 if it was not. */
  attempts: number;
  /** When it began, in ISO 8601 and UTC. */
  started: string;
  /** From its begin to its last output on this machine, repeats included, in milliseconds. */
  elapsedMilliseconds: number;
  /** Where the last attempt's time went, if the runtime says so. */
  times?: JobTimes | undefined;
  /** What Lambda bills of all attempts, in milliseconds; an estimate if `cost` is. */
  billedMilliseconds?: number | undefined;
  /** The function's memory in MB, if it is known. */
  functionMemory?: number | undefined;
  /** The most memory that the function's processes had together, in MB, if Lambda says so. */
  usedMemory?: number | undefined;
  /** Peak resident bytes of the command, if the runtime says so. */
  memoryBytes?: number | undefined;
  /** Bytes that were sent: requests, and files through the store. */
  sentBytes: number;
  /** Bytes that were received: answers, and files through the store. */
  receivedBytes: number;
  /** What it cost; absent if nothing was sent, or the function's memory is not known. */
  cost?: JobCost | undefined;
  /** The files that were written on this machine. */
  outputs: string[];
  /** What went wrong beside the command's own status; empty if nothing did. */
  errors: JobFailure[];
  /** True if it ran on this machine, so that nothing was paid. */
  isLocal?: boolean | undefined;
  /** Lambda's id of the last request. */
  requestId?: string | undefined;
  /** The tail of the function's log, where it was asked for. */
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

/** What checks that a value is a {@linkcode JobRecord}: a schema of zod's, of which this is a part. */
export interface JobRecordSchema {
  /**
   * Checks a value.
   *
   * @param value Such as a line of `-json` or a `status.json` that was parsed.
   * @returns The record, without what it does not have.
   * @throws {Error} zod's, if it is something else.
   */
  parse(value: unknown): JobRecord;
  /**
   * The same without a throw.
   *
   * @param value Such as a line of `-json` or a `status.json` that was parsed.
   * @returns The record, or why it is none.
   */
  safeParse(
    value: unknown,
  ):
    | { readonly success: true; readonly data: JobRecord }
    | { readonly success: false; readonly error: Error };
}

const count = z.number().check(z.int(), z.minimum(0));
const amount = z.number().check(z.minimum(0));
const text = z.optional(z.string());

/** What a {@linkcode JobRecord} is, for those who read one. */
export const jobRecordSchema: JobRecordSchema = z.object({
  seq: z.number().check(z.int(), z.minimum(1)),
  function: z.string(),
  command: z.string(),
  line: z.string(),
  ok: z.boolean(),
  status: z.nullable(z.number().check(z.int())),
  attempts: count,
  started: z.string().check(z.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)),
  elapsedMilliseconds: amount,
  times: z.optional(z.object({
    cold: z.boolean(),
    totalMilliseconds: amount,
    fetchMilliseconds: amount,
    commandMilliseconds: amount,
    uploadMilliseconds: amount,
    initMilliseconds: z.optional(amount),
  })),
  billedMilliseconds: z.optional(amount),
  functionMemory: z.optional(amount),
  usedMemory: z.optional(amount),
  memoryBytes: z.optional(count),
  sentBytes: count,
  receivedBytes: count,
  cost: z.optional(z.object({ dollars: amount, isEstimate: z.boolean() })),
  outputs: z.array(z.string()),
  errors: z.array(z.object({
    code: z.string(),
    message: z.string(),
    hint: text,
    type: text,
  })),
  isLocal: z.optional(z.boolean()),
  requestId: text,
  log: text,
  stdout: text,
  stdoutBase64: text,
  stderr: text,
  stderrBase64: text,
});

/** What a record holds beside the job and its attempts. */
export interface RecordDetails {
  /** When the job began, in ISO 8601 and UTC. */
  readonly started: string;
  /** How long it took, in milliseconds. */
  readonly elapsedMilliseconds: number;
  /** The tail of the function's log. */
  readonly log: string | undefined;
  /** Whether it ran on this machine. */
  readonly isLocal: boolean;
}

/**
 * Makes a job's record.
 *
 * @param planned The job.
 * @param attempts What came of it.
 * @param details When, how long, and the log.
 * @returns The record, without the command's output.
 */
export function recordOf(
  { index, functionName, line, command }: PlannedJob,
  { count, result, error, transfer, cost }: Attempts,
  { started, elapsedMilliseconds, log, isLocal }: RecordDetails,
): JobRecord {
  return {
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
    cost: cost?.memory === undefined
      ? undefined
      : { dollars: Number(cost.dollars.toPrecision(9)), isEstimate: cost.isEstimate },
    outputs: [...result?.written ?? []],
    errors: (error ? [error] : result?.outputErrors ?? []).map(failureOf),
    ...(isLocal ? { isLocal } : {}),
    requestId: result?.requestId,
    log,
  };
}

/** Nanoseconds, of which the original's runtime may leave any out, to milliseconds. */
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

/** To a microsecond: more digits say nothing. */
function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}

/**
 * What a record says of an error.
 *
 * @param error The error.
 * @returns Its code, message, hint and type.
 */
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
 * The exit status that stands for a job: the command's own, and 125 where that is 0 or missing
 * although something went wrong, as `llama invoke` has it.
 *
 * @param record The job's record.
 * @returns 0 only if it did what it was asked for.
 */
export function exitValueOf({ ok, status }: JobRecord): number {
  return ok ? 0 : status === null || status === 0 ? failedStatus : status;
}
