/**
 * Keeps bytes in a temporary file until they are printed.
 *
 * @module
 */

import { join } from "node:path";
import { temporaryPrefix } from "../../files/whole.ts";
import { writeToFile } from "../../files/quick.ts";

/** The position of bytes in a {@linkcode Spill}. */
export interface Place {
  /** Their offset. */
  readonly at: number;
  /** Their number. */
  readonly length: number;
}

/**
 * A temporary file without a name, so that nothing is left behind however the process ends. It is
 * truncated whenever all of its bytes have been taken out.
 */
export class Spill implements Disposable {
  readonly #file: Deno.FsFile;
  #end = 0;
  #left = 0;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /**
   * Creates the file.
   *
   * @param directory The directory for it.
   * @throws Errors from the file system.
   */
  static async open(directory: string): Promise<Spill> {
    const path = join(directory, temporaryPrefix + crypto.randomUUID());
    const file = await Deno.open(path, { read: true, write: true, createNew: true, mode: 0o600 });
    await Deno.remove(path);
    return new Spill(file);
  }

  /**
   * Adds bytes. Calls of this and of `take` must not overlap.
   *
   * @returns The place of each piece.
   * @throws Errors from the file system, such as for a full disk.
   */
  async put(pieces: readonly Uint8Array[]): Promise<Place[]> {
    const places = [];
    await this.#file.seek(this.#end, Deno.SeekMode.Start);
    for (const piece of pieces) {
      await writeToFile(this.#file, piece);
      places.push({ at: this.#end, length: piece.length });
      this.#end += piece.length;
      this.#left++;
    }
    return places;
  }

  /**
   * Takes bytes out, once.
   *
   * @throws Errors from the file system.
   */
  async take({ at, length }: Place): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    await this.#file.seek(at, Deno.SeekMode.Start);
    for (let done = 0; done < length;) {
      const count = await this.#file.read(bytes.subarray(done));
      if (count === null) {
        throw new Error("a temporary file is shorter than the bytes written to it");
      }
      done += count;
    }
    if (--this.#left === 0) {
      await this.#file.truncate(0);
      this.#end = 0;
    }
    return bytes;
  }

  /** Closes the file, which frees its space. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}
