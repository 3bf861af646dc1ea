/**
 * The outputs of jobs in S3.
 *
 * @module
 */

import { mapConcurrently } from "../async/concurrency.ts";
import { LlamaError } from "../errors.ts";
import type { IdentifiedObject } from "../store/s3_files.ts";
import type { IdentifyObject } from "./contents.ts";
import type { Entry } from "./entry.ts";
import type { KeyParts } from "./key.ts";

/** An output in S3. */
export interface S3Output extends IdentifiedObject {
  readonly url: string;
}

/** The concurrency of looking up one job's outputs in S3. */
const lookConcurrency = 4;

/** Compares the outputs of kept results with what is in S3. */
export class S3Outputs {
  readonly #identify: IdentifyObject;

  /** @param identify Looks up an object. */
  constructor(identify: IdentifyObject) {
    this.#identify = identify;
  }

  /**
   * Looks up the outputs of a kept result.
   *
   * @param parts The job.
   * @param entry Its kept result.
   * @param signal Ends the look-up.
   * @returns The outputs; or why one of them is no longer what the job has written.
   */
  async find(
    { uploads = new Map() }: KeyParts,
    { response: { outputs } }: Entry,
    signal: AbortSignal | undefined,
  ): Promise<readonly S3Output[] | string> {
    const found = await mapConcurrently([...uploads], lookConcurrency, async ([remote, url]) => {
      const { u, t, n } = (Object.hasOwn(outputs, remote) ? outputs[remote] : undefined) ?? {};
      if (u !== url || t === undefined) return `it does not say what the job wrote to ${url}`;
      const object = await this.#look(url);
      if (typeof object === "string") return object;
      return object.etag === t && object.size === n
        ? object
        : `output ${url} has changed since it was kept`;
    }, signal);
    const why = found.find((each) => typeof each === "string");
    return why ?? found.filter((each) => typeof each !== "string");
  }

  /** Returns an object, or why it cannot be found. */
  async #look(url: string): Promise<S3Output | string> {
    try {
      return { ...await this.#identify(url), url };
    } catch (error) {
      if (!(error instanceof LlamaError)) throw error;
      return `output ${url}: ${error.message}`;
    }
  }

  /**
   * Finds the outputs that a job has replaced by others.
   *
   * @param objects The outputs as they were.
   * @returns What has changed, in words.
   */
  async replaced(objects: readonly S3Output[]): Promise<string[]> {
    const changed = await mapConcurrently(objects, lookConcurrency, async (before) => {
      const after = await this.#look(before.url);
      if (typeof after === "string") return [after];
      const isSame = before.sha256 !== undefined && after.sha256 !== undefined
        ? before.sha256 === after.sha256
        : before.etag === after.etag && before.size === after.size;
      return isSame ? [] : [`output ${JSON.stringify(before.url)}`];
    });
    return changed.flat();
  }
}
