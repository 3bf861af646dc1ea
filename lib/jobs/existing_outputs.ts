/**
 * Finds out which jobs have all of their outputs already.
 *
 * @module
 */

import type { ListedObject } from "../store/s3_files.ts";
import { isS3Url } from "../store/s3_url.ts";
import { isThere } from "./no_clobber.ts";
import type { OutputFile } from "./job.ts";

/** Outputs on this machine and in S3, where each prefix is listed once. */
export class ExistingOutputs {
  readonly #list: (url: string) => AsyncIterable<readonly ListedObject[]>;
  readonly #prefixes = new Map<string, Promise<ReadonlySet<string>>>();

  /** @param list Lists the objects whose URLs begin with one. */
  constructor(list: (url: string) => AsyncIterable<readonly ListedObject[]>) {
    this.#list = list;
  }

  /**
   * Reports whether all outputs of a job exist.
   *
   * @returns False for a job without outputs.
   * @throws {LlamaError} `input` if a prefix may not be listed, and others.
   */
  async haveAll(outputs: readonly Pick<OutputFile, "local">[]): Promise<boolean> {
    for (const { local } of outputs) {
      if (!(isS3Url(local) ? await this.#hasObject(local) : await isThere(local))) return false;
    }
    return outputs.length > 0;
  }

  async #hasObject(url: string): Promise<boolean> {
    const prefix = url.slice(0, url.lastIndexOf("/") + 1);
    const listed = this.#prefixes.get(prefix) ?? this.#read(prefix);
    this.#prefixes.set(prefix, listed);
    return (await listed).has(url);
  }

  async #read(prefix: string): Promise<ReadonlySet<string>> {
    const urls = new Set<string>();
    for await (const page of this.#list(prefix)) for (const { url } of page) urls.add(url);
    return urls;
  }
}
