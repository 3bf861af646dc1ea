/**
 * Checks the remote paths of a request.
 *
 * @module
 */

import { posix } from "node:path";
import { JobError } from "./job_error.ts";

/**
 * Checks a remote path. The client checks it too, but any client may invoke a function.
 *
 * @param field The request's field, for the message.
 * @param path The path as received.
 * @param options Whether it may end in `/`, as an output directory does.
 * @returns The path without `.` components and repeated slashes; a directory keeps its final `/`,
 * and the job's own directory is `./`.
 * @throws {JobError} `Llama.BadRequest` if the path is empty or could lead out of the job's
 * directory.
 */
export function checkPath(
  field: string,
  path: string,
  options: { directory: boolean } = { directory: false },
): string {
  const refuse = (why: string) =>
    new JobError("Llama.BadRequest", `${field}: ${JSON.stringify(path)} ${why}`);
  if (path === "") throw refuse("is an empty path");
  if (path.includes("\0")) throw refuse("contains a NUL byte");
  // UTF-8 cannot encode an unpaired surrogate; the file would silently get another name.
  if (!path.isWellFormed()) throw refuse("is not Unicode text");
  if (path.startsWith("/")) throw refuse("is an absolute path");
  if (path.split("/").includes("..")) throw refuse('contains ".."');
  const clean = posix.normalize(path);
  if (options.directory) return clean === "." ? "./" : clean;
  if (clean.endsWith("/") || clean === ".") throw refuse("names a directory, not a file");
  return clean;
}

/**
 * Returns the directories to create for a request's files and outputs, without their parents.
 *
 * @param files Checked paths of input files.
 * @param outputs Checked paths of outputs.
 * @throws {JobError} `Llama.BadRequest` if two files have the same path, or a file is the directory
 * of another path.
 */
export function planDirectories(files: readonly string[], outputs: readonly string[]): string[] {
  const names = new Set<string>();
  for (const file of files) {
    if (names.has(file)) {
      throw new JobError("Llama.BadRequest", `files: ${JSON.stringify(file)} is named twice`);
    }
    names.add(file);
  }
  const seen = new Set<string>();
  const leaves = new Set<string>();
  for (const path of [...files, ...outputs]) {
    let slash = path.lastIndexOf("/");
    if (slash > 0) leaves.add(path.slice(0, slash));
    for (; slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
      const directory = path.slice(0, slash);
      if (seen.has(directory)) break;
      if (names.has(directory)) {
        throw new JobError(
          "Llama.BadRequest",
          `files: ${JSON.stringify(directory)} is a file, but ${JSON.stringify(path)} needs a ` +
            "directory of that name",
        );
      }
      seen.add(directory);
    }
  }
  leaves.delete(".");
  return [...leaves];
}
