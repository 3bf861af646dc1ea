/**
 * Renders the outcome of a job as the pieces to print.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { signalOf, timedOutStatus } from "../../functions/command_status.ts";
import type { LlamaError } from "../../errors.ts";
import { logOf } from "../../jobs/attempts.ts";
import { piecesOfFile } from "../../files/pieces.ts";
import type { JobResult } from "../../jobs/job.ts";
import type { JobOutcome } from "../../jobs/map_options.ts";
import { shellQuote } from "../../text/shell_quote.ts";
import type { JobRecord } from "../../jobs/record.ts";
import { encodeString } from "../../template/text.ts";
import { printableLines } from "../../terminal/output.ts";
import { printable } from "../../text/printable.ts";
import { printableBytes } from "../../text/printable_bytes.ts";
import { printableJson } from "../../text/printable_json.ts";
import { errorLines } from "../messages.ts";
import { message, type Piece } from "./piece.ts";

/** The maximum number of characters of a command or a line in a message. */
const longestShown = 1000;

/** Options for {@linkcode render}. */
export interface RenderOptions {
  /** Whether output is printed unchanged, in complete lines, or not at all. */
  readonly form: "group" | "line" | "none";
  /** Whether each line of output is prefixed with the input line. */
  readonly tag: boolean;
  /** Whether the record is printed as JSON, including the output. */
  readonly json: boolean;
  /** Whether the function's log is shown. */
  readonly logs: boolean;
}

/** Messages about earlier jobs, which are not repeated. */
export interface SaidBefore {
  /** Whether a failure of the same kind has been reported. */
  readonly failure: boolean;
  /** The hints so far; those of this job are added. */
  readonly hints: Set<string>;
}

/**
 * Renders the outcome of a job.
 *
 * @param outcome The outcome.
 * @param options Options for rendering.
 * @param said Messages about earlier jobs.
 * @returns The pieces in order: the log, the output, and the errors.
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
  if (logs && log) pieces.push({ to: "talk", bytes: encoder.encode(printableLines(log)) });
  if (result === undefined || form === "none") return pieces;
  const prefix = tag ? tagOf(line) : form === "line" ? nothing : undefined;
  for (const [to, name] of [["data", "stdout"], ["talk", "stderr"]] as const) {
    const bytes = result[name];
    const file = result[`${name}File`];
    if (file !== undefined) pieces.push({ to, stream: () => linesOfFile(file, prefix) });
    else pieces.push({ to, bytes: prefix === undefined ? bytes : inLines(bytes, prefix) });
  }
  return pieces.filter((piece) => "stream" in piece || piece.bytes.length > 0);
}

function linesOfFile(
  path: string,
  prefix: Uint8Array | undefined,
): AsyncIterable<Uint8Array> {
  const pieces = piecesOfFile(path);
  return prefix === undefined ? pieces : linesOfPieces(pieces, prefix);
}

function jsonPieces({ record, result }: JobOutcome, { form }: RenderOptions): Piece[] {
  const isBig = result?.stdoutFile !== undefined || result?.stderrFile !== undefined;
  if (isBig && form !== "none") {
    return [{ to: "data", stream: () => jsonOfBig(record, result) }];
  }
  const whole: JobRecord = form === "none" || result === undefined ? record : {
    ...record,
    ...inJson("stdout", result.stdout),
    ...inJson("stderr", result.stderr),
  };
  return [{ to: "data", bytes: encoder.encode(printableJson(JSON.stringify(whole)) + "\n") }];
}

/** Renders a record with output that is too large for memory, or for a string. */
async function* jsonOfBig(
  record: JobRecord,
  result: JobResult,
): AsyncGenerator<Uint8Array, void, undefined> {
  const fields = (value: Partial<JobRecord>) => printableJson(JSON.stringify(value)).slice(1, -1);
  yield encoder.encode(`{${fields(record)}`);
  for (const name of ["stdout", "stderr"] as const) {
    const file = result[`${name}File`];
    if (file === undefined) yield encoder.encode(`,${fields(inJson(name, result[name]))}`);
    else if (await isUtf8(file)) yield* quoted(name, textsOf(file));
    else yield* quoted(`${name}Base64`, base64Of(file));
  }
  yield encoder.encode("}\n");
}

async function* quoted(
  name: string,
  texts: AsyncIterable<string>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield encoder.encode(`,"${name}":"`);
  for await (const text of texts) {
    yield encoder.encode(printableJson(JSON.stringify(text)).slice(1, -1));
  }
  yield encoder.encode('"');
}

async function isUtf8(file: string): Promise<boolean> {
  try {
    for await (const _ of textsOf(file));
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

async function* textsOf(file: string): AsyncGenerator<string, void, undefined> {
  const streaming = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for await (const piece of piecesOfFile(file)) yield streaming.decode(piece, { stream: true });
  yield streaming.decode();
}

async function* base64Of(file: string): AsyncGenerator<string, void, undefined> {
  let rest = Buffer.alloc(0);
  for await (const piece of piecesOfFile(file)) {
    const bytes = Buffer.concat([rest, piece]);
    // Three bytes are four characters; the remainder is prepended to the next piece.
    const whole = bytes.length - bytes.length % 3;
    yield bytes.subarray(0, whole).toString("base64");
    rest = bytes.subarray(whole);
  }
  yield rest.toString("base64");
}

/** Returns output as a field of JSON: as text, or as base64 if it is not UTF-8. */
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

/** Shortens a command or a line for a message; the job log has all of it. */
function shortened(text: string): string {
  return text.length <= longestShown ? text : `${text.slice(0, longestShown).toWellFormed()}...`;
}

function endedHow(status: number): string {
  if (status === timedOutStatus) return `exit status ${status} (timed out)`;
  // The original's runtime reports -1 for any signal.
  if (status < 0) return "killed by a signal";
  const signal = signalOf(status);
  return `exit status ${status}` + (signal === 0 ? "" : ` (killed by signal ${signal})`);
}

/** Returns the input line and a tab, as GNU parallel does, but with control characters escaped. */
export function tagOf(line: string): Uint8Array {
  const text = line.replaceAll("\n", " ");
  const isText = text.isWellFormed();
  return encoder.encode(`${isText ? printable(text) : printableBytes(encodeString(text))}\t`);
}

/** Prefixes each line, and adds a missing final line feed. */
export function inLines(bytes: Uint8Array, prefix: Uint8Array): Uint8Array {
  const isEnded = bytes.length === 0 || bytes.at(-1) === newline;
  return withPrefix(bytes, prefix, true, isEnded ? 0 : 1);
}

/** Does the same for pieces, which may divide a line. */
async function* linesOfPieces(
  pieces: AsyncIterable<Uint8Array>,
  prefix: Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  let isStart = true;
  for await (const piece of pieces) {
    yield withPrefix(piece, prefix, isStart, 0);
    isStart = piece.at(-1) === newline;
  }
  if (!isStart) yield new Uint8Array([newline]);
}

/** Inserts a prefix at the start of each line, and appends line feeds. */
function withPrefix(
  bytes: Uint8Array,
  prefix: Uint8Array,
  isStart: boolean,
  lineFeeds: 0 | 1,
): Uint8Array {
  let lines = isStart && bytes.length > 0 ? 1 : 0;
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) {
    if (at + 1 < bytes.length) lines++;
  }
  const all = new Uint8Array(bytes.length + lines * prefix.length + lineFeeds);
  let filled = 0;
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(newline, start) + 1 || bytes.length;
    if (start > 0 || isStart) {
      all.set(prefix, filled);
      filled += prefix.length;
    }
    all.set(bytes.subarray(start, end), filled);
    filled += end - start;
    start = end;
  }
  if (lineFeeds === 1) all[filled] = newline;
  return all;
}

const newline = 10;
const nothing = new Uint8Array();
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
