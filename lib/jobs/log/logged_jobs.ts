/**
 * The jobs in the log of the run that is resumed.
 *
 * @module
 */

import { LlamaError, reasonOf } from "../../errors.ts";
import { readSize } from "../../files/buffers.ts";
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
import { joinBytes } from "../../files/bytes.ts";

/** Tells the user what happened, and what to do. */
export type Notice = (message: string, hint?: string) => void;

/** Options for {@linkcode LoggedJobs.read}. */
export interface ReadLogOptions {
  /** Called with warnings. @default {undefined} */
  readonly onNotice?: Notice | undefined;
  /** Called with each job's line. @default {undefined} */
  readonly onEntry?: ((entry: JobLogEntry) => void) | undefined;
  /** Called with each line that begins with `#`; only journals have such lines. @default {undefined} */
  readonly onComment?: ((line: string) => void) | undefined;
  /** Cancels the reading. @default {undefined} */
  readonly signal?: AbortSignal | undefined;
}

/** A job that may be in the log. */
export interface ResumedJob {
  /** Its number, from 1. */
  readonly seq: number;
  /** The function and its arguments. */
  readonly words: readonly string[];
  /** Its identity. */
  readonly identity: Identity;
  /** Reports whether the command alone defines the job. */
  readonly isAllInCommand: () => boolean;
}

/**
 * The jobs of a log; the last line of each job counts. Compact, at about 60 bytes per job, since a log
 * may have millions.
 */
export class LoggedJobs {
  readonly #path: string;
  readonly #onNotice: Notice | undefined;
  /**
   * Rows in the columns below by job number, in pages: jobs are looked up in order, and a small map of
   * pages is faster than a large map of numbers.
   */
  readonly #pages = new Map<number, number[]>();
  readonly #ok: boolean[] = [];
  /** `own` of the identity, or the command's hash; NaN for a command that is not literal. */
  readonly #own: number[] = [];
  /** `shared` of the identity; NaN if there is none. */
  readonly #shared: number[] = [];
  #bytes = 0;
  #wholeBytes = 0;
  #failed = 0;
  #hasWarned = false;
  /** Whether it is a journal, which does not have the jobs' commands. */
  #isJournal = false;

  /**
   * @param path The log.
   * @param onNotice Gets warnings.
   */
  private constructor(path: string, onNotice: Notice | undefined) {
    this.#path = path;
    this.#onNotice = onNotice;
  }

  /**
   * Reads a job log, llama's or GNU parallel's. Damaged lines are reported and skipped; a truncated
   * last line is ignored.
   *
   * @param target The log. A missing file counts as an empty log, and so does anything that is not a
   * regular file.
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
      if (isFile) await logged.#read(options);
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

  /** The number of jobs. */
  get size(): number {
    return this.#ok.length;
  }

  /** The number of jobs that failed. */
  get failed(): number {
    return this.#failed;
  }

  /** The size of the file in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The size of the complete lines in bytes. */
  get wholeBytes(): number {
    return this.#wholeBytes;
  }

  /**
   * Reports whether the log has a job that does not run again, provided that it is the same job.
   *
   * @param seq The job's number, from 1.
   * @param repeatFailed Whether failed jobs run again.
   */
  isKept(seq: number, repeatFailed: boolean): boolean {
    const row = this.#rowOf(seq);
    return row >= 0 && (this.#ok[row] === true || !repeatFailed);
  }

  /**
   * Reports whether a job need not run again.
   *
   * @param repeatFailed Whether failed jobs run again.
   * @throws {LlamaError} `usage` if the log has another job with this number.
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

  async #read({ onEntry, onComment, signal }: ReadLogOptions): Promise<void> {
    using file = await Deno.open(this.#path);
    const parser = new JobLogParser(this.#path, (line) => {
      this.#isJournal = true;
      onComment?.(line);
    });
    const buffer = new Uint8Array(readSize);
    /** The pieces of an incomplete line. */
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
        const lines = joinBytes([...begun, piece.subarray(0, end)]);
        for (const entry of parser.parse(lines)) {
          this.#add(entry);
          onEntry?.(entry);
        }
        this.#wholeBytes += lines.length;
        begun = [];
      }
      begun.push(piece.slice(end));
    }
    const damage = parser.end(joinBytes(begun));
    if (damage !== undefined) this.#onNotice?.(damage, "the jobs of these lines run again");
  }

  #add(entry: JobLogEntry): void {
    const { seq, ok, identity } = entry;
    const known = this.#rowOf(seq);
    const row = known < 0 ? this.#ok.length : known;
    if (known < 0) this.#setRow(seq, row);
    else if (this.#ok[row] === false) this.#failed--;
    if (!ok) this.#failed++;
    this.#ok[row] = ok;
    const words = identity === undefined ? literalWords(entry.command) : undefined;
    this.#own[row] = identity?.own ?? (words === undefined ? NaN : hashCommand(words));
    this.#shared[row] = identity?.shared ?? NaN;
  }

  /** Returns the row of a job; -1 if there is none. */
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
    if (this.#isJournal) {
      const what = isSharedOnly ? "the shared files (-f)" : "its line, files or outputs";
      return new LlamaError(
        "usage",
        `job ${job.seq} is not that of the last run: ${what} have changed`,
        { hint: "resume with the same input, or start a new run without -resume-last" },
      );
    }
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

  /** Reads a command from the log again, since keeping all of them would take much memory. */
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
