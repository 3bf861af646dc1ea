/**
 * Destinations of `-joblog`, and checks of the files that a run writes.
 *
 * @module
 */

import { resolve } from "node:path";
import { LlamaError } from "../errors.ts";
import type { JobLogTarget } from "../jobs/log/job_log_line.ts";
import type { Output } from "../terminal/output.ts";

/** Names of standard output: GNU parallel's, and those of Linux. */
const standardOutput = new Set(["-", "/dev/stdout", "/dev/fd/1"]);

/** Reports whether a file's name stands for standard output. */
export function isStandardOutput(name: string): boolean {
  return standardOutput.has(name);
}

const standardError = new Set(["/dev/stderr", "/dev/fd/2"]);

/**
 * Returns the destination of a job log. A log on standard output or standard error is written
 * through `output`, so that its lines do not mix with others or with the progress bar.
 *
 * @param name The value of `-joblog`.
 * @returns The path, or a function that writes the log's text.
 */
export function jobLogTarget(name: string, output: Output): JobLogTarget {
  if (isStandardOutput(name)) return (text) => output.data(text);
  if (standardError.has(name)) return (text) => output.talk(text);
  return name;
}

/**
 * Checks that a job log would not replace the input file.
 *
 * @param name The value of `-joblog`.
 * @param inputFile The value of `-a`; empty for standard input.
 * @param lists The lists after `:::`, if there are any.
 * @throws {LlamaError} `usage` if both are the same file.
 */
export async function checkIsNotInput(
  name: string,
  inputFile: string,
  lists: readonly unknown[] | undefined,
): Promise<void> {
  if (lists !== undefined) return;
  const [log, input] = await Promise.all([name, inputFile || "/dev/stdin"].map(regularFile));
  if (!log || !input || log.ino === null || log.dev !== input.dev || log.ino !== input.ino) return;
  throw new LlamaError(
    "usage",
    `the job log ${JSON.stringify(name)} is the input file`,
    { hint: "name another file with -joblog" },
  );
}

/**
 * Checks that the job log, the report and the trace of a run are different files.
 *
 * @param files The flags with the files that they name; empty for flags that are not given.
 * @throws {LlamaError} `usage` if two flags name one file.
 */
export function checkAreDistinct(files: Readonly<Record<string, string>>): void {
  const flags = new Map<string, string>();
  for (const [flag, name] of Object.entries(files)) {
    if (name === "") continue;
    const path = resolve(name);
    const other = flags.get(path);
    if (other !== undefined && !path.startsWith("/dev/")) {
      throw new LlamaError("usage", `${other} and ${flag} both name ${JSON.stringify(name)}`, {
        hint: "name a different file for each",
      });
    }
    flags.set(path, flag);
  }
}

/** Returns undefined if it is not a regular file or not there; opening it reports the latter. */
async function regularFile(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    const info = await Deno.stat(path);
    return info.isFile ? info : undefined;
  } catch {
    return undefined;
  }
}
