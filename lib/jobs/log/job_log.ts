/**
 * The job log of a run, with the columns of GNU parallel's `--joblog`: one line per job that ended,
 * from which a run can be resumed.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { LlamaError, reasonOf } from "../../errors.ts";
import type { Identity } from "../job.ts";
import { Appender } from "../../files/appender.ts";
import { writeToFile } from "../../files/quick.ts";
import { libc, workingDirectory } from "../../system/libc.ts";
import { openLocked } from "../../system/lock.ts";
import {
  formatJobLogLine,
  isBeginOfJobLog,
  jobLogHeader,
  type JobLogTarget,
  notAJobLog,
} from "./job_log_line.ts";
import { formatIdentity } from "./identity.ts";
import type { LoggedJobs } from "./logged_jobs.ts";
import type { JobRecord } from "../record.ts";

/** Options for {@linkcode JobLog.open}. */
export interface OpenLogOptions {
  /** The jobs that {@linkcode LoggedJobs.read} found in it, which are kept. @default {undefined} */
  readonly logged?: LoggedJobs | undefined;
  /** Cancels the wait for a FIFO's reader. @default {undefined} */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Appends to a job log, in the order of the calls. Lines added during a write are batched into the
 * next one.
 */
export class JobLog implements Disposable {
  /** The file, if a run can be resumed from it. */
  readonly path: string | undefined;
  readonly #file: Deno.FsFile | undefined;
  readonly #lines: Appender;

  private constructor(
    path: string | undefined,
    file: Deno.FsFile | undefined,
    put: (text: string) => Promise<void>,
  ) {
    this.path = path;
    this.#file = file;
    this.#lines = new Appender(put);
  }

  /**
   * Opens a log and writes its header.
   *
   * A regular file is locked until the log is closed, and replaced only if it is empty or a job log.
   *
   * @param target The log's destination. A missing file is created.
   * @throws {LlamaError} `output` if it cannot be written; `usage` if it is another kind of file, or
   * another run writes to it.
   */
  static async open(target: JobLogTarget, options: OpenLogOptions = {}): Promise<JobLog> {
    if (typeof target !== "string") {
      await target(`${jobLogHeader}\n`);
      return new JobLog(undefined, undefined, target);
    }
    try {
      return await isRegular(target)
        ? await JobLog.#openFile(target, options.logged)
        : await JobLog.#openStream(target, options.signal);
    } catch (cause) {
      options.signal?.throwIfAborted();
      throw cause instanceof LlamaError ? cause : cannotWrite(target, cause);
    }
  }

  static async #openFile(path: string, logged: LoggedJobs | undefined): Promise<JobLog> {
    const file = await openLocked(path, { create: true, append: true, read: true }, logged?.bytes);
    if (file === undefined) throw inUse(path);
    try {
      if (logged === undefined && !await isReplaceable(file)) {
        throw new LlamaError(
          "usage",
          `cannot write the job log ${JSON.stringify(path)}: the file exists and is not a job log`,
          { hint: "name another file with -joblog" },
        );
      }
      const { wholeBytes = 0 } = logged ?? {};
      await file.truncate(wholeBytes);
      const put = (text: string) => writing(path, writeToFile(file, encoder.encode(text)));
      if (wholeBytes === 0) await put(`${jobLogHeader}\n`);
      return new JobLog(path, file, put);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Opens a device or a pipe, which gets the same lines. */
  static async #openStream(path: string, signal: AbortSignal | undefined): Promise<JobLog> {
    const file = await openPath(path, signal);
    const write = async (text: string) => {
      for (let rest = encoder.encode(text); rest.length > 0;) {
        rest = rest.subarray(await file.write(rest));
      }
    };
    const put = (text: string) => writing(path, write(text));
    try {
      await put(`${jobLogHeader}\n`);
    } catch (error) {
      file.close();
      throw error;
    }
    return new JobLog(undefined, file, put);
  }

  /**
   * Adds a job.
   *
   * @param record The job's record.
   * @param host The column `Host`.
   * @param identity The job's identity.
   * @returns Resolves when the line is in the file; it survives the end of this process, but not a
   * power failure.
   * @throws {LlamaError} `output` if it could not be written.
   */
  append(record: JobRecord, host: string, identity?: Identity): Promise<void> {
    return this.#lines.append(formatJobLogLine(record, host, identity && formatIdentity(identity)));
  }

  /** Closes the file; pending lines are lost. */
  [Symbol.dispose](): void {
    this.#file?.close();
  }
}

/** Reports whether a path is, or will be, a regular file; others are written as streams. */
async function isRegular(path: string): Promise<boolean> {
  try {
    const { isFile, isDirectory, isBlockDevice } = await Deno.stat(path);
    if (isDirectory) throw new Deno.errors.IsADirectory();
    // Writing to a disk would destroy its contents.
    if (isBlockDevice) throw notAJobLog("usage", path);
    return isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}

/** Opens a device or a pipe for writing; a FIFO once it has a reader. */
async function openPath(path: string, signal: AbortSignal | undefined): Promise<Deno.FsFile> {
  const open = () => Deno.open(path, { write: true });
  const system = libc();
  if (system === undefined || !(await Deno.stat(path)).isFifo) return await open();
  const real = await realPath(path);
  // An unnamed pipe, as in `-joblog >(gzip > log.gz)`, already has a reader.
  if (real === undefined) return await open();
  // Deno before 2.9 would block its main thread until there is a reader, so poll without blocking.
  for (;;) {
    signal?.throwIfAborted();
    let descriptor;
    try {
      descriptor = system.openAt(workingDirectory, real, { write: true });
    } catch (error) {
      if (!(error instanceof Error && error.message.includes(`(os error ${noReader})`))) {
        throw error;
      }
      await delay(pollMilliseconds, undefined, signal && { signal });
      continue;
    }
    try {
      return await open();
    } finally {
      system.close(descriptor);
    }
  }
}

/** ENXIO. */
const noReader = 6;

const pollMilliseconds = 50;

/** Returns the real path; undefined if there is none, as for an unnamed pipe. */
async function realPath(path: string): Promise<string | undefined> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function isReplaceable(file: Deno.FsFile): Promise<boolean> {
  const begin = new Uint8Array(jobLogHeader.length + 1);
  let length = 0;
  while (length < begin.length) {
    const count = await file.read(begin.subarray(length));
    if (count === null) break;
    length += count;
  }
  return isBeginOfJobLog(begin.subarray(0, length));
}

function inUse(path: string): LlamaError {
  return new LlamaError("usage", `another run is writing to the job log ${JSON.stringify(path)}`, {
    hint: "wait until it ends, or name another file with -joblog",
  });
}

async function writing(path: string, written: Promise<void>): Promise<void> {
  try {
    await written;
  } catch (cause) {
    throw cannotWrite(path, cause);
  }
}

function cannotWrite(name: string, cause: unknown): LlamaError {
  return new LlamaError(
    "output",
    `cannot write the job log ${JSON.stringify(name)}: ${reasonOf(cause)}`,
    { cause, hint: "name another file with -joblog" },
  );
}

const encoder = new TextEncoder();
