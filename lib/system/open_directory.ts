/**
 * Directories that are held open while files are created in them.
 *
 * @module
 */

import { join } from "node:path";
import { type Libc, libc, workingDirectory } from "./libc.ts";

/**
 * An open directory, which stays the same even if its path changes: its entries are named by way of
 * a descriptor. On systems other than Linux only its path is known, so that a link put into the path
 * at the right moment can divert writes.
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
   * Opens a directory named by the user, following links.
   *
   * @param path The directory, which must exist.
   * @param calls The C library; null to use only the path.
   * @throws The class of `Deno.errors` that `Deno.open` would throw.
   */
  static open(path: string, calls: Libc | null = libc() ?? null): OpenDirectory {
    // With a final "/.", a link at the end of `path` is not refused.
    const descriptor = calls?.openAt(workingDirectory, `${path}/.`, {
      directory: true,
      place: true,
    });
    return new OpenDirectory(calls, path, descriptor ?? -1);
  }

  /**
   * Opens a subdirectory, and creates it if missing. Links are refused.
   *
   * @param name Its name, one component.
   * @throws {Deno.errors.NotADirectory} If `name` is a link or a file.
   * @throws Other errors of the file system.
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
      // Another job may have created it meanwhile.
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
    return new OpenDirectory(this.#calls, path, this.#openAt(name));
  }

  /**
   * Returns a path of an entry for Deno's own calls, valid until this is disposed of. Does not protect
   * against a link with that name.
   *
   * @param name Its name, one component.
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
   * @throws Other errors of the file system.
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
   * Checks that a regular file in this directory is writable, without writing.
   *
   * @param name Its name, one component.
   * @throws {Deno.errors.PermissionDenied} If it is not writable.
   * @throws Other errors of the file system.
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
