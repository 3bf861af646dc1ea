/**
 * The directory of the journal, in which each run has a file of its own, named by a number.
 *
 * @module
 */

import { ownDirectory } from "../../files/own_directory.ts";
import { join } from "node:path";
import type { Environment } from "../../environment.ts";
import { LlamaError, reasonOf } from "../../errors.ts";

/**
 * Returns the directory of the journal.
 *
 * @param environment `LLAMA_DIR` names the directory above it; the default is `llama` in
 * `XDG_STATE_HOME` or `~/.local/state`.
 * @returns The directory; undefined if there is no home directory.
 */
export function journalDirectory(environment: Environment): string | undefined {
  const directory = ownDirectory(environment, "state");
  return directory && join(directory, "runs");
}

/** A run's file. */
export interface RunFile {
  /** The number of the run, from 1. */
  readonly run: number;
  /** The file. */
  readonly path: string;
  /** Its size in bytes. */
  readonly bytes: number;
  /** When it was last written, in milliseconds since 1970. */
  readonly changed: number;
}

/**
 * Lists the files of the journal.
 *
 * @param directory The directory.
 * @returns The files, latest run first; none if there is no such directory.
 * @throws What the file system throws.
 */
export function runFiles(directory: string): RunFile[] {
  const files: RunFile[] = [];
  let entries;
  try {
    entries = [...Deno.readDirSync(directory)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  for (const { name, isFile } of entries) {
    if (!isFile || !isRunName(name)) continue;
    const path = join(directory, name);
    try {
      const { size, mtime } = Deno.lstatSync(path);
      files.push({ run: Number(name), path, bytes: size, changed: mtime?.getTime() ?? 0 });
    } catch (error) {
      // Another process may have removed it.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return files.sort((a, b) => b.run - a.run);
}

/**
 * Lists the files of the journal for a command that reads it.
 *
 * @param directory The directory.
 * @returns The files, latest run first; none if there is no such directory.
 * @throws {LlamaError} `input` if it cannot be read.
 */
export function listRuns(directory: string): RunFile[] {
  try {
    return runFiles(directory);
  } catch (cause) {
    throw new LlamaError("input", `cannot read the journal ${directory}: ${reasonOf(cause)}`, {
      cause,
    });
  }
}

/** Reports whether a word is the number of a run. */
export function isRunName(word: string): boolean {
  return /^[1-9]\d{0,8}$/.test(word);
}

/** Limits of the journal. */
export interface JournalLimits {
  /** The number of runs. */
  readonly runs: number;
  /** The age of a run's last line, in milliseconds. */
  readonly milliseconds: number;
  /** The size of all files, and of one run's, in bytes. */
  readonly bytes: number;
}

/** The limits of llama's journal. */
export const journalLimits: JournalLimits = {
  runs: 200,
  milliseconds: 90 * 86_400_000,
  bytes: 256 * 1024 * 1024,
};

/**
 * Returns the files that exceed the limits: the oldest ones.
 *
 * @param files All files, latest run first. The latest one is kept.
 * @param now The time, in milliseconds since 1970.
 */
export function outdatedFiles(
  files: readonly RunFile[],
  limits: JournalLimits,
  now: number,
): RunFile[] {
  let bytes = 0;
  return files.filter((file, index) => {
    bytes += file.bytes;
    const isKept = index < limits.runs && bytes <= limits.bytes &&
      now - file.changed <= limits.milliseconds;
    return !isKept && index > 0;
  });
}
