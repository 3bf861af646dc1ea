/**
 * Writes kept results, in batches.
 *
 * @module
 */

import { mapConcurrently } from "../async/concurrency.ts";
import { isAbort, LlamaError, messageOf } from "../errors.ts";
import { readAnswer } from "../jobs/foreign_answer.ts";
import type { JobResult } from "../jobs/job.ts";
import type { Blob } from "../protocol.ts";
import { countText } from "../text/amounts.ts";
import { formatEntry, maxEntryBytes, objectsOf } from "./entry.ts";
import type { KeyParts } from "./key.ts";
import type { MemoOptions } from "./options.ts";

/** A result to be written. */
interface Pending {
  readonly key: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly objects: readonly Blob[];
  readonly line: string | undefined;
}

/** A batch is written when it has this many results, */
const batchResults = 64;

/** or this many bytes, */
const batchBytes = 4 * 1024 * 1024;

/** or when its first result is this old. A client that is killed loses no more. */
const batchMilliseconds = 1000;

/** The number of batches that are written or wait; jobs that end meanwhile wait for them. */
const mostBatches = 4;

/** The concurrency of writing a batch. */
const writeConcurrency = 16;

/** Writes the results of one function for one run, as long as the function does not change. */
export class ResultWriter {
  readonly #options: MemoOptions;
  readonly #now: () => number;
  #pending: Pending[] = [];
  #pendingBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();
  /** The number of batches that are being written, or wait for it. */
  #batches = 0;
  /** Why no more results are written. */
  #unwritable: string | undefined;
  /** Why the first result was not kept. */
  #reason: { readonly why: string; readonly hint: string | undefined } | undefined;
  #hasChanged = false;
  #unkept = 0;

  /** @param options The function, and where its results are kept. */
  constructor(options: MemoOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Whether the function has changed since the run began. */
  get hasChanged(): boolean {
    return this.#hasChanged;
  }

  /** The number of results that should have been kept and were not. */
  get unkept(): number {
    return this.#unkept;
  }

  /** Writes what is pending, and tells the user what could not be kept. */
  async close(): Promise<void> {
    this.#flush();
    await this.#writing;
    if (this.#reason === undefined || this.#options.signal?.aborted) return;
    const { why, hint } = this.#reason;
    this.#options.notice(`${countText(this.#unkept, "result")} could not be kept: ${why}`, hint);
  }

  /**
   * Keeps a result. It is written later, with others.
   *
   * @param kept The result, its payload, and the job's key with its parts.
   */
  async keep({ key, parts, payload, result }: {
    readonly key: string;
    readonly parts: KeyParts;
    readonly payload: string;
    readonly result: JobResult;
  }): Promise<void> {
    const { isReadOnly, functionName, runner, place, history } = this.#options;
    if (isReadOnly) return;
    if (this.#unwritable !== undefined) return this.cannotKeep(1, this.#unwritable);
    const { billedMilliseconds, memory } = (await this.#options.meter()).costOf(result);
    const arch = result.environment?.arch;
    const cost = { billedMilliseconds, memory, arch };
    const bytes = formatEntry(key, payload, cost, this.#now());
    if (bytes.length > maxEntryBytes) return this.cannotKeep(1, "its output is too large");
    const objects = place.keepObject === undefined
      ? []
      : objectsOf(readAnswer(functionName, payload, runner.features));
    const line = history?.line(key, parts, this.#options.first.lastModified);
    this.#pending.push({ key, bytes, objects, line });
    this.#pendingBytes += bytes.length;
    if (this.#pending.length >= batchResults || this.#pendingBytes >= batchBytes) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), batchMilliseconds);
    if (this.#batches >= mostBatches) await this.#writing;
  }

  /** Starts to write what is pending, after what is being written. */
  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    if (batch.length === 0) return;
    this.#batches++;
    this.#writing = this.#writing.then(() => this.#write(batch)).then(() => void this.#batches--);
  }

  /** Writes a batch, unless the function is no longer the one that the keys name. Never rejects. */
  async #write(batch: readonly Pending[]): Promise<void> {
    const { place, history, functionName, signal } = this.#options;
    if (signal?.aborted) return;
    if (this.#unwritable !== undefined) return this.cannotKeep(batch.length, this.#unwritable);
    let written = 0;
    try {
      // A numbered version never changes; `NAME:$LATEST` names its version, too, and does.
      const { version } = this.#options.first;
      const isFixed = version !== "$LATEST" && functionName.endsWith(`:${version}`);
      const { revision } = isFixed ? this.#options.first : await this.#options.identify(signal);
      if (revision !== this.#options.first.revision) {
        this.#hasChanged = true;
        throw new LlamaError("config", `${functionName} changed during the run`, {
          hint: "run it again: the jobs that ran before the change may run once more",
        });
      }
      await mapConcurrently(batch, writeConcurrency, async ({ key, bytes, objects }) => {
        for (const blob of objects) await place.keepObject?.(blob, signal);
        await place.results.write(key, bytes, signal);
        written++;
      }, signal);
      history?.append(batch.flatMap(({ line }) => line ?? []));
    } catch (error) {
      if (isAbort(error, signal)) return;
      const hint = error instanceof LlamaError ? error.hint : undefined;
      this.cannotKeep(batch.length - written, messageOf(error), hint);
      // The next ones would fail as well, each after its own retries.
      this.#unwritable ??= messageOf(error);
    }
  }

  /**
   * Notes that results are not kept.
   *
   * @param count How many.
   * @param why The reason; the first one is shown.
   * @param hint What to do about it.
   */
  cannotKeep(count: number, why: string, hint?: string): void {
    this.#reason ??= { why, hint };
    this.#unkept += count;
  }
}
