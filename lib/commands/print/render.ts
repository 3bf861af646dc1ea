/**
 * From what came of a job to what is printed of it.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { LlamaError } from "../../errors.ts";
import { logOf } from "../../jobs/attempts.ts";
import type { JobOutcome } from "../../jobs/map.ts";
import { shellQuote } from "../../jobs/quote.ts";
import type { JobRecord } from "../../jobs/record.ts";
import { encodeString } from "../../template/mod.ts";
import { errorLines } from "../report.ts";
import { message, type Piece } from "./piece.ts";

/** How much of a command or a line a message shows, in characters. */
const longestShown = 1000;

/** What is printed of a job. */
export interface RenderOptions {
  /** Its output as it is, in whole lines, or not at all. */
  readonly form: "group" | "line" | "none";
  /** Whether each line of its output begins with the input line. */
  readonly tag: boolean;
  /** Whether its record is printed as JSON, with its output inside. */
  readonly json: boolean;
  /** Whether the function's log is shown. */
  readonly logs: boolean;
}

/** What was said before, of other jobs, and is not said again. */
export interface SaidBefore {
  /** Whether a job has failed in the same way. */
  readonly failure: boolean;
  /** The hints; those of this job are added. */
  readonly hints: Set<string>;
}

/**
 * Renders a job.
 *
 * @param outcome What came of it.
 * @param options What is printed.
 * @param said What was said before.
 * @returns The pieces, in order: the log, the output, and what went wrong.
 */
export function render(
  outcome: JobOutcome,
  options: RenderOptions,
  said: SaidBefore = { failure: false, hints: new Set() },
): Piece[] {
  return [
    ...(options.json ? jsonPieces(outcome, options) : outputPieces(outcome, options)),
    ...(said.failure ? [] : failurePieces(outcome, said.hints)),
  ];
}

function outputPieces({ line, result, error }: JobOutcome, options: RenderOptions): Piece[] {
  const { form, tag, logs } = options;
  const log = logOf({ result, error });
  const pieces: Piece[] = [];
  if (logs && log) pieces.push({ to: "talk", bytes: encoder.encode(endedLine(log)) });
  if (result === undefined || form === "none") return pieces;
  const shape = tag || form === "line"
    ? (bytes: Uint8Array) => inLines(bytes, tag ? tagOf(line) : new Uint8Array())
    : (bytes: Uint8Array) => bytes;
  pieces.push({ to: "data", bytes: shape(result.stdout) });
  pieces.push({ to: "talk", bytes: shape(result.stderr) });
  return pieces.filter(({ bytes }) => bytes.length > 0);
}

function jsonPieces({ record, result }: JobOutcome, { form }: RenderOptions): Piece[] {
  const whole: JobRecord = form === "none" || result === undefined ? record : {
    ...record,
    ...inJson("stdout", result.stdout),
    ...inJson("stderr", result.stderr),
  };
  return [{ to: "data", bytes: encoder.encode(JSON.stringify(whole) + "\n") }];
}

/** JSON is text: what is not UTF-8 goes into it as base64. */
function inJson(name: "stdout" | "stderr", bytes: Uint8Array): Partial<JobRecord> {
  try {
    return { [name]: decoder.decode(bytes) };
  } catch {
    return { [`${name}Base64`]: Buffer.from(bytes).toString("base64") };
  }
}

function failurePieces(
  { record, result, error, job, line }: JobOutcome,
  saidHints: Set<string>,
): Piece[] {
  const { seq, command } = record;
  const what = job ? command : `line ${shellQuote([line])}`;
  const about = `job ${seq}: ${shortened(what)}: `;
  const errors: readonly LlamaError[] = error ? [error] : result?.outputErrors ?? [];
  const lines = errors.flatMap((each) => {
    const [message = "", hint] = errorLines(each, about);
    if (hint === undefined || saidHints.has(hint)) return [message];
    saidHints.add(hint);
    return [message, hint];
  });
  if (result !== undefined && result.status !== 0) {
    lines.unshift(`${about}${endedHow(result.status)}`);
  }
  return lines.map(message);
}

/** A line of a megabyte in a message is of no use; the job log has it whole. */
function shortened(text: string): string {
  return text.length <= longestShown ? text : `${text.slice(0, longestShown).toWellFormed()}...`;
}

function endedHow(status: number): string {
  if (status === 124) return "exit status 124 (timed out)";
  // The original's runtime says -1 where ours says 128 + the signal's number.
  if (status < 0) return "ended by a signal";
  const signal = status - 128;
  return signal > 0 && signal < 65
    ? `exit status ${status} (ended by signal ${signal})`
    : `exit status ${status}`;
}

/** As GNU parallel's: the input, and a tab. */
function tagOf(line: string): Uint8Array {
  return encodeString(line.replaceAll("\n", " ") + "\t");
}

/** Whole lines, each with the same beginning; the last one gets the end that it lacks. */
function inLines(bytes: Uint8Array, prefix: Uint8Array): Uint8Array {
  const isEnded = bytes.length === 0 || bytes.at(-1) === newline;
  let lines = isEnded ? 0 : 1;
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) lines++;
  const all = new Uint8Array(bytes.length + lines * prefix.length + (isEnded ? 0 : 1));
  let filled = 0;
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(newline, start) + 1 || bytes.length;
    all.set(prefix, filled);
    all.set(bytes.subarray(start, end), filled + prefix.length);
    filled += prefix.length + end - start;
    start = end;
  }
  if (!isEnded) all[filled] = newline;
  return all;
}

function endedLine(text: string): string {
  return text.endsWith("\n") ? text : text + "\n";
}

const newline = 10;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
