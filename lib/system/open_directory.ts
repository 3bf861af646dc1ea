/**
 * Directories that are held open while files are made in them.
 *
 * @module
 */

import { join } from "node:path";
import { type Libc, libc, workingDirectory } from "./libc.ts";

/**
 * A directory that stays the same one, whatever becomes of the path that led to it: it is held by a
 * descriptor, and what is in it is named by way of that. Elsewhere than on Linux it is known by its
 * path alone, and whoever puts a link into that path at the right moment can divert what is written.
 */
export class OpenDirectory implements Disposable {
  readonly #calls: Libc | null;
  readonly #path: string;
  readonly #descriptor: number;

  private constructor(calls: Libc | null, path: string, descriptor: number) {
    this.#calls = calls;
    this.#path = path;
    this.#descriptor = descriptor;
  }

  /**
   * Opens a directory that the user has named; links are followed.
   *
   * @param path The directory, which must be there.
   * @param calls The C library; with null the directory is known by its path alone.
   * @returns The directory.
   * @throws The class of `Deno.errors` that an ordinary open would throw.
   */
  static open(path: string, calls: Libc | null = libc() ?? null): OpenDirectory {
    // Of a path that ends in "/." no link at the end of what was named is refused.
    const descriptor = calls?.openAt(workingDirectory, `${path}/.`, {
      directory: true,
      place: true,
    });
    return new OpenDirectory(calls, path, descriptor ?? -1);
  }

  /**
   * Opens a directory in this one, and makes it where it is missing. Links are refused.
   *
   * @param name Its name, one component.
   * @returns The directory.
   * @throws {Deno.errors.NotADirectory} If `name` is a link or a file.
   * @throws What else the file system throws.
   */
  enter(name: string): OpenDirectory {
    const path = join(this.#path, name);
    try {
      return new OpenDirectory(this.#calls, path, this.#openAt(name));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    try {
      Deno.mkdirSync(this.at(name));
    } catch (error) {
      // Another job may have made it meanwhile.
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
    return new OpenDirectory(this.#calls, path, this.#openAt(name));
  }

  /**
   * Returns a path for what is in this directory, good until this is disposed of.
   *
   * @param name Its name, one component.
   * @returns The path, for Deno's own calls. A link that has the name is not part of the promise.
   */
  at(name: string): string {
    return this.#calls ? `/proc/self/fd/${this.#descriptor}/${name}` : join(this.#path, name);
  }

  /**
   * Changes the mode of a regular file in this directory.
   *
   * @param name Its name, one component.
   * @param mode Its new permission bits.
   * @throws {Deno.errors.FilesystemLoop} If `name` is a link.
   * @throws What else the file system throws.
   */
  chmod(name: string, mode: number): void {
    if (!this.#calls) return Deno.chmodSync(this.at(name), mode);
    const descriptor = this.#calls.openAt(this.#descriptor, name);
    try {
      Deno.chmodSync(`/proc/self/fd/${descriptor}`, mode);
    } finally {
      this.#calls.close(descriptor);
    }
  }

  /**
   * Makes sure that a regular file in this directory may be written to; nothing is written.
   *
   * @param name Its name, one component.
   * @throws {Deno.errors.PermissionDenied} If it may not.
   * @throws What else the file system throws.
   */
  checkWritable(name: string): void {
    if (this.#calls) {
      this.#calls.close(this.#calls.openAt(this.#descriptor, name, { write: true }));
    } else {
      Deno.openSync(this.at(name), { write: true }).close();
    }
  }

  [Symbol.dispose](): void {
    this.#calls?.close(this.#descriptor);
  }

  #openAt(name: string): number {
    if (this.#calls) {
      return this.#calls.openAt(this.#descriptor, name, { directory: true, place: true });
    }
    if (!Deno.lstatSync(this.at(name)).isDirectory) throw new Deno.errors.NotADirectory(name);
    return -1;
  }
}
