/**
 * Options for kept results.
 *
 * @module
 */

import type { FunctionIdentity } from "../aws/api/lambda_identity.ts";
import type { CostMeter } from "../cost/cost.ts";
import type { JobRunner } from "../jobs/run_options.ts";
import type { Blob } from "../protocol.ts";
import type { KeptResults, ObjectStore } from "../store/store.ts";
import type { IdentifyObject } from "./contents.ts";
import type { History } from "./history.ts";

/**
 * What to do with kept results: use and write them (`on`); never run a job that has none (`only`);
 * run all jobs and replace what is kept (`refresh`); run all jobs and compare (`verify`).
 */
export type CacheMode = "on" | "only" | "refresh" | "verify";

/** Where results are kept. */
export interface MemoPlace {
  /** The results. */
  readonly results: KeptResults;
  /** Copies an object that would not outlive the run; absent if the store keeps its objects. */
  readonly keepObject?: ((blob: Blob, signal?: AbortSignal) => Promise<void>) | undefined;
  /** The store of the results' objects. */
  readonly objects: ObjectStore;
}

/** Options for the kept results of one function. */
export interface MemoOptions {
  /** The function, as the user names it. */
  readonly functionName: string;
  /** What to do. */
  readonly mode: CacheMode;
  /** Whether this client may only read. */
  readonly isReadOnly: boolean;
  /** The connection that runs the jobs. */
  readonly runner: Pick<JobRunner, "features" | "outputFiles">;
  /** Where results are kept. */
  readonly place: MemoPlace;
  /** The history, to write; read only if misses are explained. */
  readonly history: History | undefined;
  /** Whether to say what has changed where there is no kept result. */
  readonly explains: boolean;
  /** The function as it was when the run began. */
  readonly first: FunctionIdentity;
  /** Looks up objects in S3. */
  readonly identifyObject: IdentifyObject;
  /** Reads the function as it is now. */
  readonly identify: (signal: AbortSignal | undefined) => Promise<FunctionIdentity>;
  /** Returns a cost meter for what was saved. */
  readonly meter: () => Promise<CostMeter>;
  /** Tells the user what happened. */
  readonly notice: (message: string, hint?: string) => void;
  /** Drops what is to be written. */
  readonly signal: AbortSignal | undefined;
  /** Returns the time in milliseconds since 1970. @default {Date.now} */
  readonly now?: (() => number) | undefined;
}
