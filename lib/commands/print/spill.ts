/**
 * Bytes that are waited for, on disk.
 *
 * @module
 */

import { join } from "node:path";
import { temporaryPrefix } from "../../files/whole.ts";
import { writeToFile } from "../../files/quick.ts";

/** Where bytes lie in a {@linkcode Spill}. */
export interface Place {
  /** Where they begin. */
  readonly at: number;
  /** How many they are. */
  readonly length: number;
}

/**
 * A temporary file without a name, so that nothing is left of it however the process ends. It shrinks
 * to nothing whenever all that was put into it has been taken out again.
 */
export class Spill implements Disposable {
  readonly #file: Deno.FsFile;
  #end = 0;
  #left = 0;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /**
   * Makes one.
   *
   * @param directory Where.
   * @returns An empty one.
   * @throws What the file system throws.
   */
  static async open(directory: string): Promise<Spill> {
    const path = join(directory, temporaryPrefix + crypto.randomUUID());
    const file = await Deno.open(path, { read: true, write: true, createNew: true, mode: 0o600 });
    await Deno.remove(path);
    return new Spill(file);
  }

  /**
   * Puts bytes in. One call at a time, of this and of `take`.
   *
   * @param pieces The bytes.
   * @returns Where each piece lies.
   * @throws What the file system throws, such as for a disk that is full.
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
   * @param place Where they lie.
   * @returns The bytes.
   * @throws What the file system throws.
   */
  async take({ at, length }: Place): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    await this.#file.seek(at, Deno.SeekMode.Start);
    for (let done = 0; done < length;) {
      const count = await this.#file.read(bytes.subarray(done));
      if (count === null) {
        throw new Error("the temporary file is shorter than what was put into it");
      }
      done += count;
    }
    if (--this.#left === 0) {
      await this.#file.truncate(0);
      this.#end = 0;
    }
    return bytes;
  }

  /** Gives the disk's room back. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}
