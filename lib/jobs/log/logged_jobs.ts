/**
 * What a resumed run knows of the run before it.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { LlamaError, reasonOf } from "../../errors.ts";
import { readSize } from "../../files/hash.ts";
import { printableLine } from "../../text/printable.ts";
import type { Identity } from "../job.ts";
import { hashCommand } from "./identity.ts";
import {
  isBeginOfJobLog,
  type JobLogEntry,
  JobLogParser,
  type JobLogTarget,
  notAJobLog,
} from "./job_log_line.ts";
import { shellQuote } from "../../text/shell_quote.ts";
import { literalWords } from "../../text/shell_unquote.ts";

/** Gets what a person should know: what happened, and what to do. */
export type Notice = (message: string, hint?: string) => void;

/** How a job log is read. */
export interface ReadLogOptions {
  /** Gets warnings. @default {undefined} */
  readonly onNotice?: Notice | undefined;
  /** Ends the reading. @default {undefined} */
  readonly signal?: AbortSignal | undefined;
}

/** A job that may have run before. */
export interface ResumedJob {
  /** Its number, from 1. */
  readonly seq: number;
  /** The function and its arguments. */
  readonly words: readonly string[];
  /** What it is made of. */
  readonly identity: Identity;
  /** Whether the command says all that the job is made of. */
  readonly isAllInCommand: () => boolean;
}

/**
 * The jobs of a log: of several lines of one job the last counts. A job takes some 60 bytes, since
 * a log may have millions.
 */
export class LoggedJobs {
  readonly #path: string;
  readonly #onNotice: Notice | undefined;
  /**
   * Rows of the columns below, by the jobs' numbers: pages of them, since neighbors are looked up one
   * after the other, and a page is found sooner in a small map than a number in a large one.
   */
  readonly #pages = new Map<number, number[]>();
  readonly #ok: boolean[] = [];
  /** That of the identity, or the command's hash; NaN for a command that is not literal. */
  readonly #own: number[] = [];
  /** That of the identity; NaN if the log has none. */
  readonly #shared: number[] = [];
  #bytes = 0;
  #wholeBytes = 0;
  #hasWarned = false;

  /**
   * @param path The log.
   * @param onNotice Gets warnings.
   */
  private constructor(path: string, onNotice: Notice | undefined) {
    this.#path = path;
    this.#onNotice = onNotice;
  }

  /**
   * Reads a job log, ours or GNU parallel's. Lines that are damaged are reported and left out; a last
   * line that is cut off counts as not written.
   *
   * @param target Where the log is. A file that does not exist is an empty log; so is what is not a
   * regular file, and keeps nothing.
   * @param options Warnings and signal.
   * @returns Its jobs.
   * @throws {LlamaError} `input` if it cannot be read or is not a job log.
   */
  static async read(target: JobLogTarget, options: ReadLogOptions = {}): Promise<LoggedJobs> {
    const { onNotice, signal } = options;
    const path = typeof target === "string" ? target : "-";
    const logged = new LoggedJobs(path, onNotice);
    if (typeof target !== "string") {
      logged.#warnOfNothingKept();
      return logged;
    }
    try {
      const { isFile, isDirectory } = await Deno.stat(path);
      if (isDirectory) throw new Deno.errors.IsADirectory();
      if (isFile) await logged.#read(signal);
      else logged.#warnOfNothingKept();
    } catch (cause) {
      signal?.throwIfAborted();
      if (cause instanceof LlamaError) throw cause;
      if (!(cause instanceof Deno.errors.NotFound)) {
        throw new LlamaError(
          "input",
          `cannot read the job log ${JSON.stringify(path)}: ${reasonOf(cause)}`,
          { cause, hint: "name another file with -joblog" },
        );
      }
    }
    return logged;
  }

  /** How many jobs there are. */
  get size(): number {
    return this.#ok.length;
  }

  /** How many bytes the file has. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many bytes of the file are whole lines. */
  get wholeBytes(): number {
    return this.#wholeBytes;
  }

  /**
   * Whether the log has a job that does not run again, provided that it is the same job.
   *
   * @param seq Its number, from 1.
   * @param repeatFailed Whether one that failed runs again.
   * @returns True if what it left is kept.
   */
  isKept(seq: number, repeatFailed: boolean): boolean {
    const row = this.#rowOf(seq);
    return row >= 0 && (this.#ok[row] === true || !repeatFailed);
  }

  /**
   * Whether a job need not run again.
   *
   * @param job The job.
   * @param repeatFailed Whether one that failed runs again.
   * @returns True if the log has it.
   * @throws {LlamaError} `usage` if the log has another job under this number.
   */
  isDone(job: ResumedJob, repeatFailed: boolean): boolean {
    const row = this.#rowOf(job.seq);
    if (row < 0) return false;
    const [own, shared = NaN] = [this.#own[row], this.#shared[row]];
    if (Number.isNaN(shared)) {
      if (own !== hashCommand(job.words)) throw this.#other(job);
    } else {
      const now = job.identity;
      if (own !== now.own || shared !== now.shared) throw this.#other(job, own === now.own);
    }
    const isDone = this.isKept(job.seq, repeatFailed);
    const isSure = !Number.isNaN(shared) || this.#hasWarned || job.isAllInCommand();
    if (isDone && !isSure) this.#warnOfCommandsOnly();
    return isDone;
  }

  async #read(signal: AbortSignal | undefined): Promise<void> {
    using file = await Deno.open(this.#path);
    const parser = new JobLogParser(this.#path);
    const buffer = new Uint8Array(readSize);
    /** What was read of a line whose end was not. */
    let begun: Uint8Array[] = [];
    for (;;) {
      signal?.throwIfAborted();
      const count = await file.read(buffer);
      if (count === null) break;
      const piece = buffer.subarray(0, count);
      if (this.#bytes === 0 && !piece.includes(newline) && !isBeginOfJobLog(piece)) {
        throw notAJobLog("input", this.#path);
      }
      this.#bytes += count;
      const end = piece.lastIndexOf(newline) + 1;
      if (end > 0) {
        const lines = joined([...begun, piece.subarray(0, end)]);
        for (const entry of parser.parse(lines)) this.#add(entry);
        this.#wholeBytes += lines.length;
        begun = [];
      }
      begun.push(piece.slice(end));
    }
    const damage = parser.end(joined(begun));
    if (damage !== undefined) this.#onNotice?.(damage, "the jobs of these lines run again");
  }

  #add(entry: JobLogEntry): void {
    const { seq, ok, identity } = entry;
    const known = this.#rowOf(seq);
    const row = known < 0 ? this.#ok.length : known;
    if (known < 0) this.#setRow(seq, row);
    this.#ok[row] = ok;
    const words = identity === undefined ? literalWords(entry.command) : undefined;
    this.#own[row] = identity?.own ?? (words === undefined ? NaN : hashCommand(words));
    this.#shared[row] = identity?.shared ?? NaN;
  }

  /** The row of a job; -1 if there is none. */
  #rowOf(seq: number): number {
    return this.#pages.get(Math.floor(seq / pageSize))?.[seq % pageSize] ?? -1;
  }

  #setRow(seq: number, row: number): void {
    const number = Math.floor(seq / pageSize);
    let page = this.#pages.get(number);
    if (page === undefined) this.#pages.set(number, page = new Array(pageSize).fill(-1));
    page[seq % pageSize] = row;
  }

  #warnOfNothingKept(): void {
    this.#onNotice?.(
      `the job log ${
        JSON.stringify(this.#path)
      } is not a regular file, so there is nothing to resume: all jobs run`,
      "to resume a run later, name a regular file with -joblog",
    );
  }

  #warnOfCommandsOnly(): void {
    this.#hasWarned = true;
    this.#onNotice?.(
      `the job log ${
        JSON.stringify(this.#path)
      } has only the commands of some jobs: whether their ` +
        "lines, generated files and shared files have changed is not known",
      "if they have, start a new job log",
    );
  }

  /** Returns the error for a job that is not the one in the log. */
  #other(job: ResumedJob, isSharedOnly = false): LlamaError {
    const before = this.#commandOf(job.seq);
    const now = shellQuote(job.words);
    const difference = isSharedOnly
      ? "the shared files (-f) have changed"
      : before === now
      ? `its command is the same, \`${now}\`, but its lines, files or outputs are not`
      : `it was \`${printableLine(before)}\` and is now \`${now}\``;
    return new LlamaError("usage", `the job log has another job ${job.seq}: ${difference}`, {
      hint: "resume with the same function, arguments and input, or start a new job log",
    });
  }

  /** The log is read again: commands would take more memory than all else. */
  #commandOf(seq: number): string {
    let command = "";
    const bytes = Deno.readFileSync(this.#path).subarray(0, this.#wholeBytes);
    for (const entry of new JobLogParser(this.#path).parse(bytes)) {
      if (entry.seq === seq) command = entry.command;
    }
    return command;
  }
}

const newline = 10;

const pageSize = 64;

/** A plain array of bytes: a search in a Buffer is slow. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const { buffer, byteOffset, byteLength } = Buffer.concat(pieces);
  return new Uint8Array(buffer, byteOffset, byteLength);
}
