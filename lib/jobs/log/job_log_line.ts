/**
 * The lines of a job log, in the columns of GNU parallel's `--joblog`.
 *
 * https://www.gnu.org/software/parallel/man.html, --joblog
 *
 * @module
 */

import { type ErrorCode, LlamaError } from "../../errors.ts";
import { decodeBytes } from "../../template/mod.ts";
import type { Identity } from "../job.ts";
import { formatIdentity, identityDigits, parseIdentity } from "./identity.ts";
import { exitValueOf, type JobRecord } from "../record.ts";

/** Where a job log goes: a file, a device or a pipe by its path, or what writes its text. */
export type JobLogTarget = string | ((text: string) => Promise<void>);

/** The first line of a job log. */
export const jobLogHeader =
  "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand";

/** Stands between the command and the identity. A shell takes both for a comment. */
const identityMark = " #llama:";

/**
 * Formats the line of a job, in the widths that GNU parallel writes.
 *
 * @param record The job's record.
 * @param host Where it ran.
 * @param identity What it was made of.
 * @returns The line, with its end.
 */
export function formatJobLogLine(
  record: JobRecord,
  host: string,
  identity: Identity | undefined,
): string {
  const { seq, started, elapsedMilliseconds, sentBytes, receivedBytes, command } = record;
  const exitValue = exitValueOf(record);
  return [
    seq,
    host,
    (Date.parse(started) / 1000).toFixed(3),
    (elapsedMilliseconds / 1000).toFixed(3).padStart(10),
    sentBytes,
    receivedBytes,
    exitValue,
    signalOf(exitValue),
    identity === undefined ? command : command + identityMark + formatIdentity(identity),
  ].join("\t") + "\n";
}

/** A shell's status of a command that a signal ended is 128 + its number; Linux has 64 of them. */
function signalOf(exitValue: number): number {
  return exitValue > 128 && exitValue <= 128 + 64 ? exitValue - 128 : 0;
}

/** What a line of a job log says of a job. */
export class JobLogEntry {
  /** The job's number, from 1. */
  readonly seq: number;
  /** When it began, in seconds since 1970. */
  readonly startedSeconds: number;
  /** How long it took, in seconds. */
  readonly runtimeSeconds: number;
  /** Bytes that were sent. */
  readonly sentBytes: number;
  /** Bytes that were received. */
  readonly receivedBytes: number;
  /** The exit status; GNU parallel has 0 where a signal ended the command. */
  readonly exitValue: number;
  /** The signal that ended it, or 0. */
  readonly signal: number;
  /** What the job was made of; undefined in the logs of GNU parallel and of older versions. */
  readonly identity: Identity | undefined;
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #end: number;

  private constructor(bytes: Uint8Array, start: number, end: number) {
    const reader = new ColumnReader(bytes, start, end);
    this.seq = reader.number();
    reader.skip();
    this.startedSeconds = reader.number();
    this.runtimeSeconds = reader.number();
    this.sentBytes = reader.number();
    this.receivedBytes = reader.number();
    this.exitValue = reader.number();
    this.signal = reader.number();
    const mark = end - identityDigits - identityMark.length;
    this.identity = mark >= reader.at && isAt(bytes, mark)
      ? parseIdentity(bytes, end - identityDigits)
      : undefined;
    this.#bytes = bytes;
    this.#start = reader.at;
    this.#end = this.identity === undefined ? end : mark;
  }

  /**
   * Parses a line.
   *
   * @param bytes Where it stands.
   * @param start Its first byte there.
   * @param end The byte after its last one, which is the line feed.
   * @returns What it says; undefined if it is damaged, or something else.
   */
  static parse(bytes: Uint8Array, start: number, end: number): JobLogEntry | undefined {
    const entry = new JobLogEntry(bytes, start, end);
    return entry.#isSound() ? entry : undefined;
  }

  /** Whether it did what it was asked for. */
  get ok(): boolean {
    return this.exitValue === 0 && this.signal === 0;
  }

  /** The function and its arguments, as a shell reads them. */
  get command(): string {
    return decodeBytes(this.#bytes.subarray(this.#start, this.#end));
  }

  #isSound(): boolean {
    // What is not a number is NaN, and so is their sum.
    const sum = this.runtimeSeconds + this.sentBytes + this.receivedBytes + this.exitValue +
      this.signal;
    if (Number.isNaN(sum) || !Number.isSafeInteger(this.seq) || this.seq < 1) return false;
    // A Date can hold no later time.
    if (!(Math.abs(this.startedSeconds) < 8.64e12)) return false;
    const hasTab = this.#has(tabByte);
    if (this.identity !== undefined) return !hasTab;
    return !(hasTab && secondLine.test(this.command)) &&
      !(this.#has(hashByte) && damagedIdentity.test(this.command));
  }

  /** Whether a byte is in the command. */
  #has(byte: number): boolean {
    // `indexOf` would search all that follows.
    for (let at = this.#start; at < this.#end; at++) if (this.#bytes[at] === byte) return true;
    return false;
  }
}

/** The columns of a second line within a command: the end of the first one was lost. */
const secondLine = /\d\t[^\t]*\t[ \d.-]+\t[ \d.-]+\t\d+\t\d+\t-?\d+\t\d+\t/;

/** A comment of ours that is not whole. It has no quotes, so this is not the end of an argument. */
const damagedIdentity = / #llama:[^"' ]*$/;

const markBytes = new TextEncoder().encode(identityMark);

function isAt(bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < markBytes.length; i++) if (bytes[start + i] !== markBytes[i]) return false;
  return true;
}

/** Reads columns up to the tab behind each. */
class ColumnReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  /** The next column's first byte. */
  at: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#end = end;
    this.at = start;
  }

  skip(): void {
    while (this.at < this.#end && this.#bytes[this.at] !== tabByte) this.at++;
    this.at++;
  }

  /** Reads a decimal number, such as `     0.123` or `-1`; NaN if the column is something else. */
  number(): number {
    let value = 0;
    let divisor = 0;
    let sign = 1;
    let digits = 0;
    let { at } = this;
    for (; at < this.#end; at++) {
      const byte = this.#bytes[at] ?? 0;
      if (byte >= 0x30 && byte <= 0x39) {
        value = value * 10 + byte - 0x30;
        divisor *= 10;
        digits++;
      } else if (byte === 0x2e && divisor === 0) divisor = 1;
      else if (byte === 0x2d && digits === 0 && sign === 1) sign = -1;
      else if (byte !== 0x20 || digits > 0 || sign < 0) break;
    }
    const isWhole = digits > 0 && at < this.#end && this.#bytes[at] === tabByte;
    this.at = at;
    this.skip();
    return isWhole ? sign * value / (divisor || 1) : NaN;
  }
}

/**
 * Returns the entries of a job log, ours or GNU parallel's, piece by piece. Lines that are damaged
 * are noted and left out.
 */
export class JobLogParser {
  readonly #path: string;
  /** The numbers of the lines that are damaged, from 1. */
  readonly #damaged: number[] = [];
  #lines = 0;
  #isJobLog = false;

  /** @param path The log's name in messages. */
  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Parses the next lines.
   *
   * @param bytes Whole lines.
   * @returns Their entries.
   * @throws {LlamaError} `input` if this is not a job log.
   */
  *parse(bytes: Uint8Array): Generator<JobLogEntry, void, undefined> {
    for (let start = 0; start < bytes.length;) {
      const end = bytes.indexOf(lineFeed, start);
      this.#lines++;
      const entry = JobLogEntry.parse(bytes, start, end);
      if (entry === undefined && !(this.#lines === 1 && isHeader(bytes.subarray(start, end)))) {
        this.#damaged.push(this.#lines);
        // A log of which one line is damaged has a sound one among its first two.
        if (!this.#isJobLog && this.#lines === 2) throw notAJobLog("input", this.#path);
      } else this.#isJobLog = true;
      if (entry !== undefined) yield entry;
      start = end + 1;
    }
  }

  /**
   * Ends the parsing.
   *
   * @param rest What follows the last whole line.
   * @returns Which lines are damaged, as a sentence; undefined if none are.
   * @throws {LlamaError} `input` if this is not a job log.
   */
  end(rest: Uint8Array): string | undefined {
    const isTornHeader = this.#lines === 0 && isBeginOfJobLog(rest);
    if (!this.#isJobLog && !isTornHeader) throw notAJobLog("input", this.#path);
    const damaged = this.#damaged;
    if (damaged.length === 0) return undefined;
    const more = damaged.length > maxLinesNamed
      ? ` and ${damaged.length - maxLinesNamed} more`
      : "";
    return `the job log ${JSON.stringify(this.#path)} is damaged in ` +
      `line${damaged.length === 1 ? "" : "s"} ${damaged.slice(0, maxLinesNamed).join(", ")}${more}`;
  }
}

/**
 * Whether a file that begins so is a job log, or would have become one: its header may be cut off.
 *
 * @param bytes The first bytes of the file, at least as many as the header has, or all.
 * @returns True also for an empty file.
 */
export function isBeginOfJobLog(bytes: Uint8Array): boolean {
  const text = decodeBytes(bytes.subarray(0, jobLogHeader.length + 1));
  // A few letters could be a file of the user's.
  return text === "" || text.startsWith("Seq\t") && `${jobLogHeader}\n`.startsWith(text);
}

/**
 * Returns the error for a file that is not a job log.
 *
 * @param code The kind of failure.
 * @param path The file.
 * @returns The error.
 */
export function notAJobLog(code: ErrorCode, path: string): LlamaError {
  return new LlamaError(code, `${JSON.stringify(path)} is not a job log`, {
    hint: "name another file with -joblog",
  });
}

function isHeader(line: Uint8Array): boolean {
  return line.length === jobLogHeader.length && decodeBytes(line) === jobLogHeader;
}

const tabByte = 9;
const hashByte = 0x23;
const lineFeed = 10;

/** How many damaged lines are named. */
const maxLinesNamed = 10;
