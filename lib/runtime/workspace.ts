/**
 * The directories of one invocation.
 *
 * @module
 */

import { join } from "node:path";
import { isMissing, reasonOf } from "../errors.ts";
import { isDiskFull, JobError } from "./job_error.ts";

/** The prefix of the names of jobs' directories. */
export const jobPrefix = "llama-job-";

/** The prefix of the names of directories for data that the command must not see. */
export const dataPrefix = "llama-data-";

/** The directories of one invocation, created on demand and removed at its end. */
export class Workspace {
  readonly #parent: string;
  readonly #owner: string;
  #job: string | undefined;
  #data: string | undefined;

  /**
   * @param parent The directory for temporary files.
   * @param owner The name of this process, such as `4711-90210-4026531836`.
   */
  constructor(parent: string, owner: string) {
    this.#parent = parent;
    this.#owner = owner;
  }

  /**
   * Returns the path of the command's directory, free of links.
   */
  job(): string {
    return this.#job ??= this.#make(jobPrefix);
  }

  /**
   * Returns a path in a private directory, for data that exceeds memory.
   */
  dataFile(name: string): string {
    this.#data ??= this.#make(dataPrefix);
    return join(this.#data, name);
  }

  /** Removes the directories. */
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
   * Removes the directories synchronously, before the process exits. A read-only directory whose name
   * is not UTF-8 may remain.
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

/** The number of attempts to remove a tree to which a process that is being killed still adds. */
const attempts = 5;

/**
 * Removes a tree, including read-only directories, without following links.
 *
 * @param path The top of the tree; a missing one is not an error.
 * @param makeRemovable Gives the owner all permissions on all directories.
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
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Entries can be removed only from a writable directory. */
function openDirectories(directory: string): void {
  Deno.chmodSync(directory, 0o700);
  for (const entry of Deno.readDirSync(directory)) {
    if (entry.isDirectory) openDirectories(join(directory, entry.name));
  }
}
