/**
 * The files that all jobs of a run send along.
 *
 * @module
 */

import type { File } from "../protocol.ts";
import type { InputFile } from "./job.ts";

/** Files as the wire has them, by remote path. */
export type EncodedFiles = Readonly<Record<string, File>>;

/** Encodes files once for all jobs, and again where their objects have gone from the store. */
export class SharedFiles {
  /** The files here, by remote path. */
  readonly inputs: ReadonlyMap<string, InputFile>;
  readonly #encode: () => Promise<EncodedFiles>;
  #encoded: Promise<EncodedFiles>;

  /**
   * @param inputs The files here.
   * @param encode Encodes the files, and stores those that are big.
   */
  constructor(inputs: readonly InputFile[], encode: () => Promise<EncodedFiles>) {
    this.inputs = new Map(inputs.map((input) => [input.remote, input]));
    this.#encode = encode;
    this.#encoded = encode();
    // Whoever needs them sees why they cannot be had.
    this.#encoded.catch(() => {});
  }

  /**
   * The files.
   *
   * @returns What was encoded last.
   * @throws {LlamaError} As the encoding.
   */
  get(): Promise<EncodedFiles> {
    return this.#encoded;
  }

  /**
   * Stores the files again, once for all jobs that miss them.
   *
   * @param seen What the job was sent.
   */
  async renew(seen: EncodedFiles): Promise<void> {
    const encoded = this.#encoded;
    // Another job may have begun meanwhile.
    if (await encoded !== seen || this.#encoded !== encoded) return;
    this.#encoded = this.#encode();
    this.#encoded.catch(() => {});
  }
}
