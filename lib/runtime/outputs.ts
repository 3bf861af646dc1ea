/**
 * Finds the outputs of a job.
 *
 * @module
 */

import { join } from "node:path";
import type { FileSource } from "../store/blob.ts";
import { isMissing, reasonOf } from "../errors.ts";
import type { File } from "../protocol.ts";
import type { takeAll } from "./output_directory.ts";
import { checkPath } from "./paths.ts";

/** An output file that exists. */
export interface FoundOutput {
  /** The remote path. */
  remote: string;
  /** The file. */
  source: FileSource;
  /** Its permission bits. */
  mode: number;
}

/** The outputs of a job. */
export interface Outputs {
  /** The files to send. */
  found: FoundOutput[];
  /** The links and empty directories in output directories, by remote path. */
  entries: Map<string, Pick<File, "l" | "d">>;
  /** The reasons why other outputs are missing, by remote path. */
  refused: Map<string, string>;
  /** Entries of directories that are not regular files; leaving them out is not a failure. */
  leftOut: string[];
}

/**
 * Finds the outputs of a job. Nothing outside the job's directory is ever read.
 *
 * @param top The job's directory, free of links.
 * @param outputs The remote paths; one that ends in `/` is a directory.
 * @param links Whether the client accepts links and empty directories.
 * @returns The outputs. If a file of a directory cannot be sent, the directory is in `refused`, and
 * its other files are in `found`.
 */
export async function findOutputs(
  top: string,
  outputs: readonly string[],
  links = false,
): Promise<Outputs> {
  const takeAll = outputs.some((output) => output.endsWith("/"))
    ? (await import("./output_directory.ts")).takeAll
    : undefined;
  const search = new Search(top, { listing: takeAll, links });
  for (const output of new Set(outputs)) search.find(output);
  return search;
}

/** Why an output is missing. Clients look for "was not made" to tell this reason from others. */
const notMade = "was not made by the command";

class Search implements Outputs {
  readonly found: FoundOutput[] = [];
  readonly entries = new Map<string, Pick<File, "l" | "d">>();
  readonly refused = new Map<string, string>();
  readonly leftOut: string[] = [];
  readonly #top: string;
  readonly #seen = new Set<string>();
  readonly #listing: typeof takeAll | undefined;
  readonly #links: boolean;

  constructor(
    top: string,
    { listing, links }: { listing: typeof takeAll | undefined; links: boolean },
  ) {
    this.#top = top;
    this.#listing = listing;
    this.#links = links;
  }

  find(remote: string): void {
    // Without the final "/", with which the system would report a file as missing.
    const name = checkPath("outputs", remote, { directory: true }).replace(/\/$/, "");
    const path = join(this.#top, name);
    try {
      const real = this.#realPath(path);
      if (real === undefined) {
        this.refused.set(remote, "a symbolic link out of the job's directory");
      } else if (remote.endsWith("/")) {
        if (Deno.lstatSync(real).isDirectory) this.#takeAll(real, remote);
        else this.refused.set(remote, "not a directory");
      } else {
        const refusal = this.#take(real, remote);
        if (refusal !== undefined) this.refused.set(remote, refusal);
      }
    } catch (error) {
      this.refused.set(remote, whyNot(error, path));
    }
  }

  /** @returns The resolved path; undefined if it is outside the job's directory. */
  #realPath(path: string): string | undefined {
    const real = Deno.realPathSync(path);
    return real === this.#top || real.startsWith(`${this.#top}/`) ? real : undefined;
  }

  /** @returns The reason if the file is not taken. */
  #take(real: string, remote: string): string | undefined {
    const { isFile, isDirectory, size, mode } = Deno.lstatSync(real);
    if (isDirectory) return `is a directory (ask for ${remote}/)`;
    if (!isFile) return "not a regular file";
    // Checked here, so that an unreadable file costs one output rather than all of them.
    Deno.openSync(real).close();
    if (!this.#seen.has(remote)) {
      this.#seen.add(remote);
      this.found.push({ remote, source: { path: real, size }, mode: (mode ?? 0) & 0o777 });
    }
    return undefined;
  }

  #takeAll(real: string, remote: string): void {
    const taken = this.#listing?.(real, remote, {
      take: (path, remote) => this.#take(path, remote),
      links: this.#links,
    });
    if (taken === undefined) return;
    const { entries, leftOut, refusal, isUntouched } = taken;
    for (const [remote, entry] of entries) this.entries.set(remote, entry);
    this.leftOut.push(...leftOut);
    const reason = isUntouched ? notMade : refusal;
    if (reason !== undefined) this.refused.set(remote, reason);
  }
}

function whyNot(error: unknown, path: string): string {
  if (!isMissing(error)) return reasonOf(error);
  return isLink(path) ? "a symbolic link to nothing" : notMade;
}

function isLink(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSymlink;
  } catch {
    // It does not exist.
    return false;
  }
}
