/**
 * The directories of one invocation.
 *
 * @module
 */

import { join } from "node:path";
import { reasonOf } from "../errors.ts";
import { isDiskFull, JobError } from "./job_error.ts";

/** The beginning of the name of every job's directory. */
export const jobPrefix = "llama-job-";

/** The beginning of the name of the directories that hold what the command must not see. */
export const dataPrefix = "llama-data-";

/** The directories of one invocation, made when they are asked for and removed at its end. */
export class Workspace {
  readonly #parent: string;
  readonly #owner: string;
  #job: string | undefined;
  #data: string | undefined;

  /**
   * @param parent Where directories for temporary files are made.
   * @param owner Names this process, such as `4711-90210-4026531836`.
   */
  constructor(parent: string, owner: string) {
    this.#parent = parent;
    this.#owner = owner;
  }

  /**
   * The command's own directory.
   *
   * @returns Its path, free of links.
   */
  job(): string {
    return this.#job ??= this.#make(jobPrefix);
  }

  /**
   * A place for data that is too big for memory, out of the command's way.
   *
   * @param name The file's name.
   * @returns A path in a private directory.
   */
  dataFile(name: string): string {
    this.#data ??= this.#make(dataPrefix);
    return join(this.#data, name);
  }

  /** Removes what was made. */
  async remove(): Promise<void> {
    for (const path of this.#made()) {
      try {
        await Deno.remove(path, { recursive: true });
      } catch {
        const { openTree } = await import("../system/open_tree.ts");
        removeAnyway(path, openTree);
      }
    }
  }

  /**
   * Removes what was made, at once: for when the process is about to end. A read-only directory whose
   * name is not UTF-8 may stay.
   */
  removeSync(): void {
    for (const path of this.#made()) removeAnyway(path);
  }

  #made(): string[] {
    return [this.#job, this.#data].filter((path) => path !== undefined);
  }

  #make(prefix: string): string {
    const dir = this.#parent;
    try {
      return Deno.realPathSync(Deno.makeTempDirSync({ dir, prefix: `${prefix}${this.#owner}-` }));
    } catch (cause) {
      if (isDiskFull(cause)) throw cause;
      throw new JobError(
        "Llama.Internal",
        `cannot create the job's directory in ${JSON.stringify(dir)}: ${reasonOf(cause)}; set ` +
          "TMPDIR to an existing, writable directory, or unset it",
        { cause },
      );
    }
  }
}

/** How often a tree is removed to which some process that is being killed still adds. */
const attempts = 5;

/**
 * Removes a tree, even one with directories that the command made read-only. Never follows a link.
 *
 * @param path The top; if it is not there, nothing is done.
 * @param makeRemovable Gives the owner all rights to all directories.
 * @throws What the file system throws.
 */
export function removeAnyway(path: string, makeRemovable = openDirectories): void {
  for (let attempt = 1;; attempt++) {
    try {
      makeRemovable(path);
      Deno.removeSync(path, { recursive: true });
      return;
    } catch (error) {
      if (!isThere(path)) return;
      if (attempt === attempts) throw error;
    }
  }
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    const { NotFound, NotADirectory } = Deno.errors;
    if (error instanceof NotFound || error instanceof NotADirectory) return false;
    throw error;
  }
}

/** What a directory holds can be removed only if its owner may write to it. */
function openDirectories(directory: string): void {
  Deno.chmodSync(directory, 0o700);
  for (const entry of Deno.readDirSync(directory)) {
    if (entry.isDirectory) openDirectories(join(directory, entry.name));
  }
}
