/**
 * The log of a run, in the columns of GNU parallel's `--joblog`: a line a job that has ended, with
 * which a run that was cut short goes on.
 *
 * https://www.gnu.org/software/parallel/man.html, --joblog
 *
 * @module
 */

import { LlamaError, reasonOf } from "../errors.ts";
import { writeToFile } from "../quick_files.ts";
import { exitValueOf, type JobRecord } from "./record.ts";

const header = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

/** What a log says of a job. */
interface LoggedJob {
  /** What was run, as in {@linkcode JobRecord}. */
  readonly command: string;
  /** Whether it did what it was asked for. */
  readonly ok: boolean;
}

/** All that a log says of a job. */
interface JobLogLine extends LoggedJob {
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
}

/** What a job log holds. */
export interface LoggedJobs {
  /** The jobs by their numbers, from 1; of several lines of one job the last counts. */
  readonly jobs: ReadonlyMap<number, LoggedJob>;
  /** How many bytes the file has. */
  readonly bytes: number;
  /** How many bytes of the file are whole lines. */
  readonly wholeBytes: number;
}

/**
 * Reads a job log, ours or GNU parallel's. A last line that was cut off in the writing counts as not
 * written.
 *
 * @param path The file; one that is not there is an empty log.
 * @returns What it holds.
 * @throws {LlamaError} `input` if it cannot be read or is something else.
 */
export async function readJobLog(path: string): Promise<LoggedJobs> {
  let bytes;
  try {
    bytes = await Deno.readFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return { jobs: new Map(), bytes: 0, wholeBytes: 0 };
    throw failed("read", path, cause);
  }
  return parseJobLog(bytes, path);
}

/**
 * Reads what a job log holds.
 *
 * @param bytes The log.
 * @param path What it is called in messages.
 * @returns Its jobs.
 * @throws {LlamaError} `input` if it is something else.
 */
export function parseJobLog(
  bytes: Uint8Array,
  path: string,
): LoggedJobs & { readonly jobs: ReadonlyMap<number, JobLogLine> } {
  const jobs = new Map<number, JobLogLine>();
  const wholeBytes = bytes.lastIndexOf(10) + 1;
  const lines = new TextDecoder().decode(bytes.subarray(0, wholeBytes)).split("\n").slice(0, -1);
  for (const [index, line] of lines.entries()) {
    if (index === 0 && line + "\n" === header) continue;
    const [, seq, startedSeconds, runtimeSeconds, sentBytes, receivedBytes, ...end] =
      /^(\d+)\t[^\t]*\t([\s\d.-]+)\t([\s\d.-]+)\t(\d+)\t(\d+)\t(-?\d+)\t(\d+)\t(.*)$/.exec(line) ??
        [];
    const [exitValue, signal, command] = end;
    if (command === undefined) {
      throw new LlamaError("input", `${JSON.stringify(path)} line ${index + 1} is no job log's`, {
        hint: "name another file with -joblog",
      });
    }
    jobs.set(Number(seq), {
      command,
      ok: exitValue === "0" && signal === "0",
      startedSeconds: Number(startedSeconds),
      runtimeSeconds: Number(runtimeSeconds),
      sentBytes: Number(sentBytes),
      receivedBytes: Number(receivedBytes),
      exitValue: Number(exitValue),
      signal: Number(signal),
    });
  }
  return { jobs, bytes: bytes.length, wholeBytes };
}

/**
 * Whether a job need not run again.
 *
 * @param logged What the log holds.
 * @param seq The job's number.
 * @param command What it would run.
 * @param repeatFailed Whether one that failed runs again.
 * @returns True if the log has it.
 * @throws {LlamaError} `usage` if the log has another command under this number.
 */
export function isLogged(
  { jobs }: LoggedJobs,
  seq: number,
  command: string,
  repeatFailed: boolean,
): boolean {
  const job = jobs.get(seq);
  if (job === undefined) return false;
  if (job.command === command) return job.ok || !repeatFailed;
  throw new LlamaError(
    "usage",
    `the job log has another job ${seq}: it ran \`${job.command}\`, and now it is \`${command}\``,
    { hint: "resume with the same function, arguments and input, or start a new job log" },
  );
}

/**
 * Appends to a job log, in the order of the calls. Lines that come while others are being written
 * go together in the next write, so many jobs cost few writes.
 */
export class JobLog implements Disposable {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  #pending: { text: string; written: PromiseWithResolvers<void> }[] = [];
  #isWriting = false;
  /** After a line that may be there in part, nothing more is written. */
  #failure: LlamaError | undefined;

  private constructor(path: string, file: Deno.FsFile) {
    this.#path = path;
    this.#file = file;
  }

  /**
   * Opens a log.
   *
   * @param path The file; made if it is not there.
   * @param logged What {@linkcode readJobLog} found in it, which is kept. @default {nothing}
   * @returns The log, with its header written. It is locked until it is closed.
   * @throws {LlamaError} `output` if it cannot be written, `usage` if another run writes to it.
   */
  static async open(path: string, logged?: LoggedJobs): Promise<JobLog> {
    let file: Deno.FsFile | undefined;
    try {
      file = await Deno.open(path, { create: true, append: true });
      if (!await lock(file)) {
        file = undefined;
        throw inUse(path);
      }
      // Between the reading and the lock another run may have ended.
      if (logged !== undefined && (await file.stat()).size !== logged.bytes) throw inUse(path);
      const { wholeBytes = 0 } = logged ?? {};
      await file.truncate(wholeBytes);
      if (wholeBytes === 0) await writeToFile(file, encoder.encode(header));
      return new JobLog(path, file);
    } catch (cause) {
      file?.close();
      throw cause instanceof LlamaError ? cause : failed("write", path, cause);
    }
  }

  /**
   * Adds a job.
   *
   * @param record The job's record.
   * @param host Where it ran: what stands in the column `Host`.
   * @returns When the line is in the file; it survives the end of this process, but not a machine
   * that loses power.
   * @throws {LlamaError} `output` if it could not be written.
   */
  append(record: JobRecord, host: string): Promise<void> {
    const written = Promise.withResolvers<void>();
    this.#pending.push({ text: lineOf(record, host), written });
    if (!this.#isWriting) void this.#write();
    return written.promise;
  }

  /** Closes the file; what was not written by then is not there. */
  [Symbol.dispose](): void {
    this.#file.close();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    while (this.#pending.length > 0) {
      const lines = this.#pending;
      this.#pending = [];
      try {
        if (this.#failure) throw this.#failure;
        await writeToFile(this.#file, encoder.encode(lines.map(({ text }) => text).join("")));
        for (const { written } of lines) written.resolve();
      } catch (cause) {
        this.#failure ??= failed("write", this.#path, cause);
        for (const { written } of lines) written.reject(this.#failure);
      }
    }
    this.#isWriting = false;
  }
}

/** A lock that nobody else has is there at once. */
const lockMilliseconds = 1000;

/**
 * Locks a file for as long as it is open. Deno 2.6 can only wait for a lock, so one that does not
 * come is given up: the file is closed when it comes after all.
 */
async function lock(file: Deno.FsFile): Promise<boolean> {
  const locked = file.lock(true).then(() => true);
  const tooLate = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => tooLate.resolve(false), lockMilliseconds);
  const isLocked = await Promise.race([locked, tooLate.promise]).finally(() => clearTimeout(timer));
  if (!isLocked) locked.finally(() => file.close()).catch(() => {});
  return isLocked;
}

function inUse(path: string): LlamaError {
  return new LlamaError("usage", `another run writes to the job log ${JSON.stringify(path)}`, {
    hint: "wait until it has ended, or name another file with -joblog",
  });
}

/** In the widths that GNU parallel writes. */
function lineOf(record: JobRecord, host: string): string {
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
    command,
  ].join("\t") + "\n";
}

/** A shell's status of a command that a signal ended is 128 + its number; Linux has 64 of them. */
function signalOf(exitValue: number): number {
  return exitValue > 128 && exitValue <= 128 + 64 ? exitValue - 128 : 0;
}

function failed(what: "read" | "write", path: string, cause: unknown): LlamaError {
  return new LlamaError(
    what === "read" ? "input" : "output",
    `cannot ${what} the job log ${JSON.stringify(path)}: ${reasonOf(cause)}`,
    { cause, hint: "name another file with -joblog" },
  );
}

const encoder = new TextEncoder();
