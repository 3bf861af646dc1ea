/**
 * Output that is kept while it arrives: in memory, or in a file if large.
 *
 * @module
 */

import { joinBytes } from "../files/bytes.ts";
import { writeToFile } from "../files/quick.ts";
import {
  maxOutputInMemory,
  type OutputFiles,
  type ReceivedOutput,
  removeOutput,
} from "./big_output.ts";

/** Keeps output. Dispose of it when done, which removes the file of output that was not finished. */
export class KeptOutput implements Disposable {
  readonly #files: OutputFiles;
  #pieces: Uint8Array[] = [];
  #size = 0;
  #path: string | undefined;
  #file: Deno.FsFile | undefined;

  /** @param files Names the file of an output that exceeds 4 MiB. */
  constructor(files: OutputFiles) {
    this.#files = files;
  }

  /**
   * Adds bytes.
   *
   * @param bytes The bytes, which must not change.
   * @throws What the file system throws.
   */
  async add(bytes: Uint8Array): Promise<void> {
    this.#size += bytes.length;
    if (this.#file === undefined) {
      this.#pieces.push(bytes);
      if (this.#size <= maxOutputInMemory) return;
      this.#path = await this.#files.newPath();
      this.#file = await Deno.open(this.#path, { write: true, createNew: true, mode: 0o600 });
      for (const piece of this.#pieces.splice(0)) await writeToFile(this.#file, piece);
    } else {
      await writeToFile(this.#file, bytes);
    }
  }

  /** Returns the output, whose file is the caller's to remove. */
  finish(): ReceivedOutput {
    const file = this.#path;
    this.#file?.close();
    this.#file = undefined;
    this.#path = undefined;
    return { bytes: joinBytes(this.#pieces.splice(0)), file, size: this.#size };
  }

  /** Removes the file of output that was not finished. */
  [Symbol.dispose](): void {
    this.#file?.close();
    if (this.#path !== undefined) removeOutput(this.#path);
  }
}
