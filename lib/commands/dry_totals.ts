/**
 * The totals at the end of `llama xargs -dry-run`.
 *
 * @module
 */

import { AwsClient } from "../aws/client.ts";
import { findAccount } from "../aws/account.ts";
import { LlamaError } from "../errors.ts";
import { type PastRun, readBeginWithJobs, readPastRun } from "../jobs/journal/past_run.ts";
import { journalDirectory, runFiles } from "../jobs/journal/place.ts";
import { maxMessageBytes, maxSharedInlineBytes } from "../limits.ts";
import { type BlobSource, inlineOrder, sizeOf } from "../store/blob.ts";
import { noteDirectory } from "../store/known_objects.ts";
import { openStoreWith } from "../store/open.ts";
import type { ObjectStore } from "../store/store.ts";
import { bytesText, countText, dollarsText, timeText } from "../text/amounts.ts";
import { accountOptions, type CommandContext, isLocal, settingsOf } from "./context.ts";
import { type JournalValues, keyOf } from "./journal.ts";

/** Adds up what a run would send. Nothing is sent, and no file is read, to find it out. */
export class DryTotals implements Disposable {
  readonly #store: ObjectStore | undefined;
  readonly #hasStore: boolean;
  /** The sizes of the files that would go through the store, each of them once. */
  readonly #stored = new Map<string, number>();
  #jobs = 0;
  #done = 0;
  #files = 0;
  #bytes = 0;
  #sharedInline = 0;
  #kept: number | undefined;

  /**
   * @param hasStore Whether the run has a store.
   * @param store The store, if it is known what it has.
   */
  private constructor(hasStore: boolean, store: ObjectStore | undefined) {
    this.#hasStore = hasStore;
    this.#store = store;
  }

  /** Opens the totals of a run; those of a store that it cannot open do without. */
  static async open(context: CommandContext): Promise<DryTotals> {
    const { global, environment } = context;
    try {
      const url = isLocal(context) ? global.store : (await settingsOf(context)).store;
      // An emulator has a store of its own.
      if (!url?.startsWith("s3:")) {
        return new DryTotals(Boolean(url) || isLocal(context), undefined);
      }
      const client = new AwsClient(findAccount(environment, accountOptions(global)));
      const noted = { environment, noteDirectory: noteDirectory(environment) };
      return new DryTotals(true, openStoreWith(url, client, noted));
    } catch (error) {
      if (error instanceof LlamaError) return new DryTotals(true, undefined);
      throw error;
    }
  }

  /** Adds the files that all jobs share; call it before the jobs are added. */
  addShared(sources: readonly BlobSource[]): void {
    this.#files += sources.length;
    this.#sharedInline = this.#add(sources, maxSharedInlineBytes);
  }

  /** Adds a job with its own files. */
  addJob(sources: readonly BlobSource[]): void {
    this.#jobs++;
    this.#files += sources.length;
    this.#bytes += this.#sharedInline + this.#add(sources, maxMessageBytes);
  }

  /** Counts a job that an earlier run has done. */
  addDone(): void {
    this.#done++;
  }

  /** Sets the number of jobs with kept results; undefined if it is not known. */
  setKept(count: number | undefined): void {
    this.#kept = count;
  }

  /** Notes which files go through the store; returns the size of the others. */
  #add(sources: readonly BlobSource[], budgetBytes: number): number {
    const sizes = sources.map(sizeOf);
    const hasStore = this.#hasStore;
    let inline = 0;
    for (const { index, fitsPlain } of inlineOrder(sizes, { hasStore, budgetBytes })) {
      const [size = 0, source] = [sizes[index], sources[index]];
      // Without a store, what does not fit is an error of the run.
      if (fitsPlain || !hasStore) inline += size;
      else if (source === undefined || source instanceof Uint8Array) this.#bytes += size;
      else this.#stored.set(source.path, size);
    }
    return inline;
  }

  /**
   * Returns the totals.
   *
   * @param last The run by whose rate the time and the cost are guessed.
   * @param concurrency The maximum number of concurrent jobs.
   * @returns One or two lines.
   */
  async lines(last: PastRun | undefined, concurrency: number): Promise<string[]> {
    const done = this.#done > 0 ? ` (${this.#done.toLocaleString("en")} done before)` : "";
    if (this.#jobs === 0) return [`no jobs would run${done}`];
    let bytes = this.#bytes;
    let known = 0;
    for (const [path, size] of this.#stored) {
      bytes += size;
      if (await this.#isKnown(path)) known += size;
    }
    const sent = this.#files === 0
      ? "no files"
      : `${countText(this.#files, "file")}, ${bytesText(bytes)}`;
    const has = known > 0 ? `, of which the store has ${bytesText(known)}` : "";
    const jobs = `${countText(this.#jobs, "job")} would run${done}, and send ${sent}${has}`;
    const kept = this.#kept;
    const lines = kept === undefined
      ? [jobs]
      : [jobs, `${kept.toLocaleString("en")} of these need not run: their results are kept`];
    const running = this.#jobs - (kept ?? 0);
    return last === undefined || running === 0
      ? lines
      : [...lines, guess(last, running, concurrency)];
  }

  async #isKnown(path: string): Promise<boolean> {
    try {
      return await this.#store?.knowsFile?.(path) ?? false;
    } catch (error) {
      // Such as a region that is not set, which the run itself reports.
      if (error instanceof LlamaError) return false;
      throw error;
    }
  }

  /** Closes the store. */
  [Symbol.dispose](): void {
    this.#store?.[Symbol.dispose]();
  }
}

/** Guesses what jobs take by the rate of an earlier run. */
function guess(
  { run, begin, jobs, jobSeconds, dollars, isEstimate }: PastRun,
  count: number,
  concurrency: number,
): string {
  const milliseconds = jobSeconds / jobs * 1000;
  const total = timeText(count * milliseconds / Math.min(concurrency, count));
  const hasCost = !begin.isLocal && dollars > 0;
  const cost = hasCost ? ` and ${dollarsText(dollars / jobs * count, isEstimate)}` : "";
  return `about ${total}${cost}, at the ${timeText(milliseconds)} per job of run ${run}`;
}

/**
 * Finds the run by whose rate to guess: the last one of the same command, else of the same function.
 *
 * @returns The run; undefined if there is none, or the journal cannot be read.
 */
export async function findRate(
  context: CommandContext,
  journalValues: JournalValues,
): Promise<PastRun | undefined> {
  const directory = journalDirectory(context.environment);
  if (directory === undefined) return undefined;
  const [functionName] = journalValues.command;
  try {
    const key = keyOf(context, journalValues);
    let similar;
    for (const file of runFiles(directory)) {
      const begin = readBeginWithJobs(file.path);
      if (begin?.key === key) return await readPastRun(file, context.signal);
      const isSimilar = begin?.function === functionName &&
        (begin?.isLocal ?? false) === isLocal(context);
      if (isSimilar) similar ??= file;
    }
    return similar && await readPastRun(similar, context.signal);
  } catch {
    context.signal.throwIfAborted();
    // A guess is not worth an error.
    return undefined;
  }
}
