/**
 * The paths that a job may name.
 *
 * @module
 */

import { posix } from "node:path";
import { LlamaError } from "../errors.ts";
import { quote } from "../template/quote.ts";

/**
 * Cleans a path for the job's directory. The error messages are the original's.
 *
 * @param path The path as the user wrote it.
 * @returns The path without `.`, `..` and repeated slashes; `.` if it is empty.
 * @throws {LlamaError} `template` if it is absolute or outside the directory.
 */
export function cleanPath(path: string): string {
  if (path.startsWith("/")) {
    throw new LlamaError("template", `Cannot pass absolute path: ${quote(path)}`, {
      hint: otherName(path),
    });
  }
  const clean = trimSlash(posix.normalize(path));
  // The original accepts ".." alone.
  if (clean === ".." || clean.startsWith("../")) {
    throw new LlamaError(
      "template",
      `Cannot pass path outside working directory: ${quote(clean)}`,
      { hint: otherName(path) },
    );
  }
  if (!clean.isWellFormed()) {
    throw new LlamaError(
      "template",
      `Cannot pass a path that is not UTF-8: ${quote(clean)}`,
      { hint: "rename the file: names of files must be UTF-8" },
    );
  }
  return clean;
}

/**
 * Reports whether a path from the wire stays inside its directory: it is relative and has no `.`,
 * `..`, empty part or NUL.
 */
export function isInside(path: string): boolean {
  return !path.includes("\0") &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

function trimSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

/** Returns a hint that maps a path outside the job's directory to its last part. */
function otherName(path: string): string {
  const name = posix.basename(path);
  const remote = name === "" || name === ".." ? "NAME" : name;
  return `map it into the job's directory with -f or -o ${quote(`${path}:${remote}`)}, ` +
    `and write ${remote} in the argument`;
}
