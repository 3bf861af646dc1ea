/**
 * Options and results of the library.
 *
 * @module
 */

import type { OutputSink } from "../aws/api/live_output.ts";
import type { Environment } from "../environment.ts";
import type { OutwardLinks } from "../jobs/input_directory.ts";
import type { LiveSinks } from "../jobs/live_job.ts";
import type { MapJobsOptions } from "../jobs/map_options.ts";
import type { Transfer } from "../jobs/transfer.ts";
import type { CompressMode } from "../limits.ts";
import type { LocalOptions } from "../local/start.ts";
import type { CacheMode } from "../memo/options.ts";
import type { Spans } from "../spans.ts";
import type { BlobSource } from "../store/blob.ts";
import type { ObjectStore } from "../store/store.ts";

/** Maps a path on this machine to a path in the job's directory. */
export interface FileMapping {
  /** The path on this machine. */
  readonly local: string;
  /** The relative path in the job's directory. */
  readonly remote: string;
}

/** Options for {@linkcode Llama}. */
export interface LlamaOptions {
  /** Runs the functions on this machine instead of in AWS. @default {undefined} */
  readonly local?: LocalOptions | undefined;
  /**
   * The object store's URL, or a store. With `local`, functions open the store by its URL.
   * @default {LLAMA_OBJECT_STORE}
   */
  readonly store?: string | ObjectStore | undefined;
  /** The AWS region. @default {AWS_REGION, AWS_DEFAULT_REGION, or the profile's} */
  readonly region?: string | undefined;
  /** The profile of the AWS CLI's files. @default {the environment's credentials, AWS_PROFILE} */
  readonly profile?: string | undefined;
  /** The maximum number of concurrent requests to S3. @default {32} */
  readonly s3Concurrency?: number | undefined;
  /**
   * How long the store's bucket keeps an object, in days; 0 if objects never expire.
   * @default {LLAMA_OBJECT_LIFETIME_DAYS, or 31}
   */
  readonly objectLifetimeDays?: number | undefined;
  /**
   * The account that must own the store's bucket; S3 refuses requests to any other bucket.
   * `LLAMA_BUCKET_OWNER` takes precedence. @default {any}
   */
  readonly bucketOwner?: string | undefined;
  /**
   * Whether files, standard input and output are compressed: `auto` does not on loopback and inside
   * AWS, where the network is fast. @default {LLAMA_COMPRESS, or auto}
   */
  readonly compress?: CompressMode | undefined;
  /**
   * How often an invocation that may have run is retried, since its response was lost or Lambda
   * failed. With 0, no job runs twice. @default {8}
   */
  readonly invokeRetries?: number | undefined;
  /** Asks the user for the code of the MFA device with this serial number. @default {undefined} */
  readonly mfaCode?: ((serial: string) => Promise<string>) | undefined;
  /** Called with messages for the user while a run goes on. @default {undefined} */
  readonly onNotice?: ((message: string, hint?: string) => void) | undefined;
  /** Called with one line per request to AWS and per response. @default {undefined} */
  readonly debug?: ((line: string) => void) | undefined;
  /** The environment variables. @default {those of the process} */
  readonly environment?: Environment | undefined;
}

/** The number of requests sent, not counting those that functions send. */
export interface RequestTotals {
  /** Invocations. */
  readonly lambda: number;
  /** GET and HEAD requests to S3. */
  readonly s3Reads: number;
  /** PUT and POST requests to S3. */
  readonly s3Writes: number;
  /** The bytes of objects that those sent so far. */
  readonly s3WrittenBytes: number;
}

/** Options for {@linkcode Llama.invoke}. */
export interface InvokeOptions {
  /** Files and directories to send along. @default {[]} */
  readonly files?: readonly FileMapping[] | undefined;
  /** What becomes of links in a directory of `files` that lead out of it. @default {"refuse"} */
  readonly fileLinks?: OutwardLinks | undefined;
  /** Files to bring back; a `remote` that ends in `/` is a directory. @default {[]} */
  readonly outputs?: readonly FileMapping[] | undefined;
  /** The command's standard input: bytes, or a file. @default {empty} */
  readonly stdin?: BlobSource | undefined;
  /** Whether to ask for the function's log. @default {false} */
  readonly logs?: boolean | undefined;
  /** Whether the job fails rather than replace an output. @default {false} */
  readonly noClobber?: boolean | undefined;
  /** Seconds after which the runtime ends the command. @default {the function's own timeout} */
  readonly timeoutSeconds?: number | undefined;
  /** What to do with kept results. @default {"on" for a pure function, otherwise "off"} */
  readonly cache?: CacheMode | "off" | undefined;
  /** Whether a result's `cache` says why there was no kept result. @default {false} */
  readonly explainCache?: boolean | undefined;
  /** Counts the bytes sent and received; updated while the job runs. @default {undefined} */
  readonly transfer?: Transfer | undefined;
  /** Receives the job's spans. @default {undefined} */
  readonly spans?: Spans | undefined;
  /**
   * Called with the bytes of standard output, in order and as the command writes them, where the
   * function can stream; at its end otherwise. It is awaited. The result's `stdout` is then empty.
   * @default {undefined}
   */
  readonly onStdout?: OutputSink | undefined;
  /** Like `onStdout`, for standard error. @default {undefined} */
  readonly onStderr?: OutputSink | undefined;
  /** Cancels the wait. @default {undefined} */
  readonly signal?: AbortSignal | undefined;
}

/** Options for {@linkcode Llama.run}. */
export type RunOptions =
  & Pick<
    InvokeOptions,
    | "logs"
    | "noClobber"
    | "timeoutSeconds"
    | "cache"
    | "explainCache"
    | "transfer"
    | "spans"
    | "onStdout"
    | "onStderr"
    | "signal"
  >
  & {
    /** Where the output goes while the command runs, instead of `onStdout` and `onStderr`. */
    readonly live?: LiveSinks | undefined;
  };

/** Options for {@linkcode Llama.map}. */
export interface MapOptions extends MapJobsOptions {
  /** Files and directories to send along with every job. @default {[]} */
  readonly files?: readonly FileMapping[] | undefined;
  /** What becomes of links in a directory of `files` that lead out of it. @default {"refuse"} */
  readonly fileLinks?: OutwardLinks | undefined;
  /**
   * What to do with kept results: use them (`"on"`), never run a job that has none (`"only"`), run
   * all jobs and replace what is kept (`"refresh"`), run all jobs and compare (`"verify"`), or nothing
   * (`"off"`). @default {"on" for a pure function, otherwise "off"}
   */
  readonly cache?: CacheMode | "off" | undefined;
  /** Whether records say why there was no kept result. @default {false} */
  readonly explainCache?: boolean | undefined;
}
