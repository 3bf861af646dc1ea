/**
 * The journal of a run: a small log that llama keeps of each run, whether or not it was asked to.
 *
 * @module
 */

import { join } from "node:path";
import { LlamaError, reasonOf } from "../../errors.ts";
import { Appender } from "../../files/appender.ts";
import { writeToFile } from "../../files/quick.ts";
import { lockFile, openLocked } from "../../system/lock.ts";
import { bytesText } from "../../text/amounts.ts";
import { jobLogHeader } from "../log/job_log_line.ts";
import type { Notice } from "../log/logged_jobs.ts";
import type { JobRecord } from "../record.ts";
import { formatBegin, formatEnd, formatJob, type RunBegin, type RunEnd } from "./lines.ts";
import { isGoingOn, readBegin } from "./past_run.ts";
import { type JournalLimits, journalLimits, outdatedFiles, runFiles } from "./place.ts";

/** Options for {@linkcode Journal.open}. */
export interface OpenJournalOptions {
  /** The beginning of the run. */
  readonly begin: RunBegin;
  /** The number of the run to go on with. @default {a new run} */
  readonly resumed?: number | undefined;
  /** Called once if the journal cannot be written, or is incomplete. */
  readonly onNotice: Notice;
  /** @default {journalLimits} */
  readonly limits?: JournalLimits | undefined;
  /** Returns the time in milliseconds since 1970. @default {Date.now} */
  readonly now?: (() => number) | undefined;
}

/** Appends to the journal. Once a write has failed, it says so, and does nothing more. */
export class Journal {
  /** The number of the run. */
  readonly run: number;
  /** The run's file. */
  readonly path: string;
  readonly #file: Deno.FsFile;
  readonly #isNew: boolean;
  readonly #lines: Appender;
  readonly #onNotice: Notice;
  #isBroken = false;
  #isClosed = false;
  #bytes: number;

  private constructor(
    run: number,
    path: string,
    file: Deno.FsFile,
    isNew: boolean,
    bytes: number,
    { onNotice, limits = journalLimits }: OpenJournalOptions,
  ) {
    this.run = run;
    this.path = path;
    this.#file = file;
    this.#isNew = isNew;
    this.#bytes = bytes;
    this.#onNotice = onNotice;
    this.#lines = new Appender(async (text) => {
      const encoded = encoder.encode(text);
      this.#bytes += encoded.length;
      if (this.#bytes > limits.bytes) throw new Error(`it exceeds ${bytesText(limits.bytes)}`);
      await writeToFile(file, encoded);
    });
  }

  /**
   * Opens a run's file, and removes those of old runs.
   *
   * @param directory The directory of the journal, which is created if it is missing.
   * @returns The journal.
   * @throws {LlamaError} `usage` if the run to go on with is still going on.
   * @throws What the file system throws.
   */
  static async open(directory: string, options: OpenJournalOptions): Promise<Journal> {
    const { begin, resumed, limits = journalLimits, now = Date.now } = options;
    ownDirectory(directory);
    const files = runFiles(directory);
    for (const { path } of outdatedFiles(files, limits, now())) removeUnlessRunning(path);
    const journal = resumed === undefined
      ? await Journal.#create(directory, (files[0]?.run ?? 0) + 1, options)
      : await Journal.#reopen(directory, resumed, options);
    const header = journal.#isNew ? `${jobLogHeader}\n` : "";
    try {
      await journal.#lines.append(header + formatBegin(begin));
    } catch (error) {
      journal.#file.close();
      throw error;
    }
    return journal;
  }

  static async #create(
    directory: string,
    first: number,
    options: OpenJournalOptions,
  ): Promise<Journal> {
    for (let run = first;; run++) {
      const path = join(directory, String(run));
      let file;
      try {
        file = Deno.openSync(path, { createNew: true, append: true, mode: 0o600 });
      } catch (error) {
        // Another run has just taken the number.
        if (error instanceof Deno.errors.AlreadyExists) continue;
        throw error;
      }
      // A file system without locks only lacks the protection from two that go on with one run.
      await lockFile(file).catch(() => {});
      return new Journal(run, path, file, true, 0, options);
    }
  }

  static async #reopen(
    directory: string,
    run: number,
    options: OpenJournalOptions,
  ): Promise<Journal> {
    const path = join(directory, String(run));
    const file = await openLocked(path, { append: true, read: true });
    if (file === undefined) {
      throw new LlamaError("usage", `run ${run} is still going on`, {
        hint: "wait until it ends, then resume it",
      });
    }
    try {
      const bytes = await wholeBytes(file);
      await file.truncate(bytes);
      return new Journal(run, path, file, false, bytes, options);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /**
   * Adds a job that ended.
   *
   * @returns Resolves when the line is in the file, or the journal cannot be written.
   */
  append(record: JobRecord, identity: string): Promise<void> {
    return this.#append(formatJob(record, identity));
  }

  /**
   * Adds the end of the run, and closes the file. That of a new run that has sent nothing is removed.
   */
  async end(end: RunEnd): Promise<void> {
    if (this.#isClosed || this.#discards(end)) return;
    await this.#append(this.#endLine(end));
    this.#close();
  }

  /** As {@linkcode Journal.end}, at once; lines that are being written may be lost. */
  endSync(end: RunEnd): void {
    if (this.#isClosed || this.#discards(end)) return;
    try {
      if (!this.#isBroken) this.#file.writeSync(encoder.encode(this.#endLine(end)));
    } catch {
      // The file lacks its last line, like that of a run that was killed.
    }
    this.#close();
  }

  #endLine(end: RunEnd): string {
    return formatEnd(this.#isNew ? end : { ...end, isPart: true });
  }

  #discards({ jobs, early }: RunEnd): boolean {
    if (!this.#isNew || jobs + (early?.dropped ?? 0) > 0) return false;
    this.#close();
    try {
      Deno.removeSync(this.path);
    } catch {
      // It remains as the journal of a run without jobs.
    }
    return true;
  }

  async #append(text: string): Promise<void> {
    if (this.#isBroken || this.#isClosed) return;
    try {
      await this.#lines.append(text);
    } catch (error) {
      if (this.#isBroken) return;
      this.#isBroken = true;
      this.#onNotice(
        `the journal of this run is incomplete: ${reasonOf(error)}`,
        "to be able to resume the run, name a job log with -joblog",
      );
    }
  }

  #close(): void {
    this.#isClosed = true;
    this.#file.close();
  }
}

/** Creates the directory for this user alone, or makes sure that it is. */
function ownDirectory(directory: string): void {
  Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { isDirectory, uid, mode } = Deno.lstatSync(directory);
  const own = Deno.uid();
  if (!isDirectory || own !== null && uid !== own) {
    throw new Error(`${directory} is not a directory of this user`);
  }
  if (mode !== null && (mode & 0o077) !== 0) Deno.chmodSync(directory, 0o700);
}

function removeUnlessRunning(path: string): void {
  try {
    const begin = readBegin(path);
    if (begin !== undefined && isGoingOn(begin)) return;
    Deno.removeSync(path);
  } catch {
    // Another run may have removed it; otherwise the next run tries again.
  }
}

/** The size of the last bytes in which the last complete line ends. */
const tailBytes = 64 * 1024;

/** Returns the size of a file up to its last complete line. */
async function wholeBytes(file: Deno.FsFile): Promise<number> {
  const { size } = await file.stat();
  const start = Math.max(0, size - tailBytes);
  const tail = new Uint8Array(size - start);
  await file.seek(start, Deno.SeekMode.Start);
  let filled = 0;
  for (let n; filled < tail.length && (n = await file.read(tail.subarray(filled))) !== null;) {
    filled += n;
  }
  return start + tail.subarray(0, filled).lastIndexOf(10) + 1;
}

const encoder = new TextEncoder();
