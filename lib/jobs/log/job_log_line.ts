/**
 * The lines of a job log, in the columns of GNU parallel's `--joblog`.
 *
 * https://www.gnu.org/software/parallel/man.html, --joblog
 *
 * @module
 */

import { signalOf } from "../../functions/command_status.ts";
import { type ErrorCode, LlamaError } from "../../errors.ts";
import { decodeBytes } from "../../template/text.ts";
import type { Identity } from "../job.ts";
import { identityDigits, parseIdentity } from "./identity.ts";
import { exitValueOf, type JobRecord } from "../record.ts";

/** The destination of a job log: the path of a file, device or pipe, or a function that writes text. */
export type JobLogTarget = string | ((text: string) => Promise<void>);

/** The first line of a job log. */
export const jobLogHeader =
  "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand";

/** Separates the command and the identity; together with it, a comment in shells. */
const identityMark = " #llama:";

/**
 * Formats the line of a job, including its line feed, with the column widths of GNU parallel.
 *
 * @param identity The job's formatted identity.
 */
export function formatJobLogLine(
  record: JobRecord,
  host: string,
  identity: string | undefined,
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
    identity === undefined ? command : command + identityMark + identity,
  ].join("\t") + "\n";
}

/** A line of a job log. */
export class JobLogEntry {
  /** The job's number, from 1. */
  readonly seq: number;
  /** When it started, in seconds since 1970. */
  readonly startedSeconds: number;
  /** How long it took, in seconds. */
  readonly runtimeSeconds: number;
  /** Bytes sent. */
  readonly sentBytes: number;
  /** Bytes received. */
  readonly receivedBytes: number;
  /** The exit status; GNU parallel writes 0 if a signal ended the command. */
  readonly exitValue: number;
  /** The signal that ended it, or 0. */
  readonly signal: number;
  /** The job's identity; undefined in logs of GNU parallel and of older versions. */
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
   * Parses a line; undefined if it is damaged or not an entry.
   *
   * @param end The position of its line feed.
   */
  static parse(bytes: Uint8Array, start: number, end: number): JobLogEntry | undefined {
    const entry = new JobLogEntry(bytes, start, end);
    return entry.#isSound() ? entry : undefined;
  }

  /** Whether the job succeeded. */
  get ok(): boolean {
    return this.exitValue === 0 && this.signal === 0;
  }

  /** The function and its arguments, quoted for a shell. */
  get command(): string {
    return decodeBytes(this.#bytes.subarray(this.#start, this.#end));
  }

  #isSound(): boolean {
    // If any is NaN, so is the sum.
    const sum = this.runtimeSeconds + this.sentBytes + this.receivedBytes + this.exitValue +
      this.signal;
    if (Number.isNaN(sum) || !Number.isSafeInteger(this.seq) || this.seq < 1) return false;
    // The limit of a Date.
    if (!(Math.abs(this.startedSeconds) < 8.64e12)) return false;
    const hasTab = this.#has(tabByte);
    if (this.identity !== undefined) return !hasTab;
    return !(hasTab && secondLine.test(this.command)) &&
      !(this.#has(hashByte) && damagedIdentity.test(this.command));
  }

  /** Whether a byte is in the command. */
  #has(byte: number): boolean {
    // `indexOf` would search beyond the command.
    for (let at = this.#start; at < this.#end; at++) if (this.#bytes[at] === byte) return true;
    return false;
  }
}

/** Matches the columns of a second line within a command: the first line's end was lost. */
const secondLine = /\d\t[^\t]*\t[ \d.-]+\t[ \d.-]+\t\d+\t\d+\t-?\d+\t\d+\t/;

/** Matches a truncated identity. It has no quotes, so it is not the end of an argument. */
const damagedIdentity = / #llama:[^"' ]*$/;

const markBytes = new TextEncoder().encode(identityMark);

function isAt(bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < markBytes.length; i++) if (bytes[start + i] !== markBytes[i]) return false;
  return true;
}

/** Reads tab-separated columns. */
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

  /** Reads a decimal number, such as `     0.123` or `-1`; NaN if the column is not a number. */
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
 * Parses a job log, llama's or GNU parallel's, piece by piece. Damaged lines are noted and skipped.
 * Lines that begin with `#` are those of a journal that are not about a job.
 */
export class JobLogParser {
  readonly #path: string;
  readonly #onComment: ((line: string) => void) | undefined;
  /** The numbers of the damaged lines, from 1. */
  readonly #damaged: number[] = [];
  #lines = 0;
  #isJobLog = false;

  /**
   * @param path The log's name in messages.
   * @param onComment Called with each line that begins with `#`.
   */
  constructor(path: string, onComment?: (line: string) => void) {
    this.#path = path;
    this.#onComment = onComment;
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
      if (this.#isJobLog && bytes[start] === hashByte) {
        this.#onComment?.(decodeBytes(bytes.subarray(start, end)));
        start = end + 1;
        continue;
      }
      const entry = JobLogEntry.parse(bytes, start, end);
      if (entry === undefined && !(this.#lines === 1 && isHeader(bytes.subarray(start, end)))) {
        this.#damaged.push(this.#lines);
        // A log with a single damaged line has a valid one among its first two.
        if (!this.#isJobLog && this.#lines === 2) throw notAJobLog("input", this.#path);
      } else this.#isJobLog = true;
      if (entry !== undefined) yield entry;
      start = end + 1;
    }
  }

  /**
   * Ends the parsing.
   *
   * @param rest The bytes after the last complete line.
   * @returns A message about damaged lines, if there are any.
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
 * Reports whether a file is a job log, from its first bytes: at least as many as the header has, or
 * all. True also for an empty file and a truncated header.
 */
export function isBeginOfJobLog(bytes: Uint8Array): boolean {
  const text = decodeBytes(bytes.subarray(0, jobLogHeader.length + 1));
  // Fewer letters could be a file of the user.
  return text === "" || text.startsWith("Seq\t") && `${jobLogHeader}\n`.startsWith(text);
}

/** Returns the error for a file that is not a job log. */
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

/** The number of damaged lines named in a message. */
const maxLinesNamed = 10;
