/**
 * Options for running a job.
 *
 * @module
 */

import type { Delivery, Invocation, Lambda } from "../aws/api/lambda_invoke.ts";
import type { Request } from "../protocol.ts";
import type { ObjectStore } from "../store/store.ts";
import type { Spans } from "../spans.ts";
import type { OutputFiles } from "./big_output.ts";
import type { FindObject } from "./inputs.ts";
import type { CacheUse } from "./job.ts";
import type { LiveSinks } from "./live_job.ts";
import type { Negotiator } from "./negotiation.ts";
import type { ObjectChecks } from "./object_checks.ts";
import type { SharedFiles } from "./shared_files.ts";
import type { Flight } from "./stragglers.ts";
import type { Transfer } from "./transfer.ts";

/** What is needed to run jobs. */
export interface JobRunner extends Negotiator {
  /** Invokes functions. */
  readonly lambda: Lambda;
  /** The store for big files, if configured. */
  readonly store: ObjectStore | undefined;
  /** Looks up objects in S3. @default {there are none} */
  readonly findObject?: FindObject | undefined;
  /** Checks the objects of a job. @default {none are checked} */
  readonly objectChecks?: ObjectChecks | undefined;
  /** Files for standard output and error of more than 4 MiB. */
  readonly outputFiles: OutputFiles;
  /** Called for a function whose runtime was replaced by an older one. */
  readonly onReplacedRuntime?: ((functionName: string) => void) | undefined;
}

/** The progress of a job. */
export interface JobDelivery extends Delivery {
  /** Whether the function has responded like llama's runtime. */
  isLlama: boolean;
  /** How the job used kept results, if at all. */
  cache?: CacheUse | undefined;
}

/** Options for {@linkcode runJob}. */
export interface RunJobOptions {
  /** Whether to ask for the log's tail. */
  logs?: boolean | undefined;
  /** Seconds after which the runtime ends the command, from the arrival of the request. */
  timeoutSeconds?: number | undefined;
  /** Counts the bytes transferred; updated even if the job fails. */
  transfer?: Transfer | undefined;
  /** The files that all jobs share. */
  sharedFiles?: SharedFiles | undefined;
  /** Whether outputs that exist are refused. @default {false} */
  noClobber?: boolean | undefined;
  /** Whether outputs on this machine may be those of an incomplete kept result. @default {false} */
  mayHaveWritten?: boolean | undefined;
  /** Cancels the job; Lambda keeps running it. */
  signal?: AbortSignal | undefined;
  /** Cancels the job while it waits for Lambda's capacity. @default {signal} */
  admission?: AbortSignal | undefined;
  /** Receives the job's spans. */
  spans?: Spans | undefined;
  /** Updated while the job runs. */
  delivery?: JobDelivery | undefined;
  /** The job as the run's stragglers know it. @default {its request is not copied} */
  flight?: Flight | undefined;
  /** Receives the command's output while it runs; called once per attempt. */
  live?: (() => LiveSinks) | undefined;
  /** Called with each request before it is sent. */
  onRequest?: ((request: Request) => Promise<void>) | undefined;
  /** Called with the invocation whose response counts. */
  onInvoked?: ((invocation: Invocation) => void) | undefined;
}
