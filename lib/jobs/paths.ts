/**
 * The paths that a job may name.
 *
 * @module
 */

import { posix } from "node:path";
import { LlamaError } from "../errors.ts";
import { quote } from "../template/quote.ts";

/**
 * Cleans a path for the job's directory, in the words of the original for one that leads out.
 *
 * @param path The path as the user wrote it.
 * @returns The path without `.`, `..` and doubled slashes; `.` for an empty one.
 * @throws {LlamaError} `template` if it is absolute or leads out of the directory.
 */
export function cleanPath(path: string): string {
  if (path.startsWith("/")) {
    throw new LlamaError("template", `Cannot pass absolute path: ${quote(path)}`, {
      hint: otherName(path),
    });
  }
  const clean = trimSlash(posix.normalize(path));
  // The original lets ".." alone through.
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
 * Whether a path that came over the wire stays in the directory that it is put into.
 *
 * @param path The path.
 * @returns True if it is relative, names something, and has no `..`, no empty part and no NUL.
 */
export function isInside(path: string): boolean {
  return !path.includes("\0") &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

function trimSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

/** The path has no place in the job's directory; its last part has. */
function otherName(path: string): string {
  const name = posix.basename(path);
  const remote = name === "" || name === ".." ? "NAME" : name;
  return `map it into the job's directory with -f or -o ${quote(`${path}:${remote}`)}, ` +
    `and write ${remote} in the argument`;
}
