/**
 * Checks the objects in S3 that a job reads, before anything is paid for.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";
import type { S3Object } from "../store/s3_files.ts";
import { parseS3Url } from "../store/s3_url.ts";
import { bytesText } from "../text/amounts.ts";

/** Options for {@linkcode ObjectChecks}. */
export interface ObjectChecksOptions {
  /** Returns the size of a function's `/tmp` in MB; undefined if it cannot be found out. */
  readonly storageOf: (functionName: string) => Promise<number | undefined>;
  /** Returns the region of the functions. */
  readonly region: () => Promise<string>;
  /** Tells the user what happened, and what to do. */
  readonly notice: (message: string, hint: string) => void;
}

/** The size of `/tmp` that every function has, in MB. */
const leastStorage = 512;

const megabyte = 1024 * 1024;

/** Checks sizes and regions. Functions are asked about once, and only for large objects. */
export class ObjectChecks {
  readonly #options: ObjectChecksOptions;
  readonly #storage = new Map<string, Promise<number | undefined>>();
  /** The buckets whose region was looked at. */
  readonly #buckets = new Set<string>();

  /** @param options What is known of functions. */
  constructor(options: ObjectChecksOptions) {
    this.#options = options;
  }

  /**
   * Checks the objects of a job.
   *
   * @param functionName The job's function.
   * @param objects The objects.
   * @throws {LlamaError} `too-large` if they do not fit into the function's `/tmp`.
   */
  async check(
    functionName: string,
    objects: readonly (S3Object & { readonly url: string })[],
  ): Promise<void> {
    for (const object of objects) await this.#checkRegion(object);
    const bytes = objects.reduce((sum, { size }) => sum + size, 0);
    if (bytes <= leastStorage * megabyte) return;
    const found = this.#storage.get(functionName) ?? this.#options.storageOf(functionName);
    this.#storage.set(functionName, found);
    const storage = await found;
    if (storage === undefined || bytes <= storage * megabyte) return;
    const [{ url = "" } = {}] = objects;
    const what = objects.length === 1 ? `${url} has` : `the job's objects in S3 have`;
    throw new LlamaError(
      "too-large",
      `${what} ${bytesText(bytes)}, and /tmp of ${functionName} has ${
        bytesText(storage * megabyte)
      }`,
      { hint: `llama update-function -storage MB ${functionName} makes it larger, up to 10240` },
    );
  }

  async #checkRegion({ url, region }: S3Object & { readonly url: string }): Promise<void> {
    const { bucket } = parseS3Url(url);
    if (region === undefined || this.#buckets.has(bucket)) return;
    this.#buckets.add(bucket);
    const here = await this.#options.region();
    if (region === here) return;
    this.#options.notice(
      `bucket ${bucket} is in ${region}, and the functions are in ${here}: AWS bills the data ` +
        "between regions, mostly $0.02 per GB",
      `run functions in the bucket's region, with -region ${region}`,
    );
  }
}
