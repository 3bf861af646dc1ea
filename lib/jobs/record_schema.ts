/**
 * The schema of job records, for programs that read them. A run does not load it.
 *
 * @module
 */

import * as z from "../zod.ts";
import type { JobRecord } from "./record.ts";

/** A schema for {@linkcode JobRecord}: the part of zod's interface that llama supports. */
export interface JobRecordSchema {
  /**
   * Validates a value.
   *
   * @param value Such as a line of `-json` or a `status.json` that was parsed.
   * @returns The record, without unknown keys.
   * @throws {Error} zod's error, if the value is not a record.
   */
  parse(value: unknown): JobRecord;
  /**
   * Validates a value without throwing.
   *
   * @param value Such as a line of `-json` or a `status.json` that was parsed.
   * @returns The record, or zod's error.
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

/** The schema of a {@linkcode JobRecord}, for programs that read one. */
export const jobRecordSchema: JobRecordSchema = z.object({
  seq: z.number().check(z.int(), z.minimum(1)),
  function: z.string(),
  command: z.string(),
  line: z.string(),
  ok: z.boolean(),
  status: z.nullable(z.number().check(z.int())),
  attempts: count,
  copies: z.optional(count),
  hasCopyWon: z.optional(z.boolean()),
  savedMilliseconds: z.optional(amount),
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
  rawBytes: z.optional(z.object({ sent: count, received: count })),
  cost: z.optional(z.object({ dollars: amount, isEstimate: z.boolean() })),
  outputs: z.array(z.string()),
  errors: z.array(z.object({
    code: z.string(),
    message: z.string(),
    hint: text,
    type: text,
  })),
  cache: z.optional(z.object({
    state: z.enum(["hit", "miss", "refreshed", "same", "impure"]),
    why: text,
    savedMilliseconds: z.optional(amount),
    savedDollars: z.optional(amount),
  })),
  isLocal: z.optional(z.boolean()),
  requestId: text,
  log: text,
  stdout: text,
  stdoutBase64: text,
  stderr: text,
  stderrBase64: text,
});
