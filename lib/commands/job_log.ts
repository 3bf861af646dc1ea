/**
 * Where `-joblog` writes, and what it must not replace.
 *
 * @module
 */

import { resolve } from "node:path";
import { LlamaError } from "../errors.ts";
import type { JobLogTarget } from "../jobs/log/job_log_line.ts";
import type { Output } from "../terminal/output.ts";

/** Names of standard output: GNU parallel's own, and Linux's. */
const standardOutput = new Set(["-", "/dev/stdout", "/dev/fd/1"]);

const standardError = new Set(["/dev/stderr", "/dev/fd/2"]);

/**
 * Returns where a job log goes. What goes to standard output or standard error goes there together
 * with all else, so that neither a line nor the progress is torn.
 *
 * @param name The value of `-joblog`.
 * @param output Standard output and standard error.
 * @returns The path, or what writes the log's text.
 */
export function jobLogTarget(name: string, output: Output): JobLogTarget {
  if (standardOutput.has(name)) return (text) => output.data(text);
  if (standardError.has(name)) return (text) => output.talk(text);
  return name;
}

/**
 * Checks that a job log is not the file that the lines are read from, which it would replace.
 *
 * @param name The value of `-joblog`.
 * @param inputFile The value of `-a`; empty for standard input.
 * @param lines The lines of the command line, if it has them.
 * @throws {LlamaError} `usage` if it is the same file.
 */
export async function checkIsNotInput(
  name: string,
  inputFile: string,
  lines: readonly string[] | undefined,
): Promise<void> {
  if (lines !== undefined) return;
  const [log, input] = await Promise.all([name, inputFile || "/dev/stdin"].map(regularFile));
  if (!log || !input || log.ino === null || log.dev !== input.dev || log.ino !== input.ino) return;
  throw new LlamaError(
    "usage",
    `the job log ${JSON.stringify(name)} is the file that the lines are read from`,
    { hint: "name another file with -joblog" },
  );
}

/**
 * Checks that the files that a run writes about itself are different files.
 *
 * @param files The flags and the files that they name; empty names are of flags that are not given.
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
        hint: "name a file of its own for each",
      });
    }
    flags.set(path, flag);
  }
}

/** Undefined for what cannot be replaced, or is not there: that is said where it is opened. */
async function regularFile(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    const info = await Deno.stat(path);
    return info.isFile ? info : undefined;
  } catch {
    return undefined;
  }
}
