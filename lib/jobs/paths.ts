/**
 * The paths that a job may name.
 *
 * @module
 */

import { posix, resolve } from "node:path";
import { isS3Url } from "../store/s3_url.ts";
import { LlamaError } from "../errors.ts";
import { quote } from "../template/quote.ts";

/**
 * Cleans a path for the job's directory. The error messages are the original's.
 *
 * @param path The path as the user wrote it.
 * @param hintFor Returns a hint for a path that the directory cannot have.
 * @returns The path without `.`, `..` and repeated slashes.
 * @throws {LlamaError} `template` if it is empty, absolute or outside the directory.
 */
export function cleanPath(path: string, hintFor: (path: string) => string = mappingHint): string {
  if (path === "") {
    throw new LlamaError("template", "Cannot pass an empty path", { hint: hintFor(path) });
  }
  if (path.startsWith("/")) {
    throw new LlamaError("template", `Cannot pass absolute path: ${quote(path)}`, {
      hint: hintFor(path),
    });
  }
  const clean = trimSlash(posix.normalize(path));
  // The original accepts ".." alone.
  if (clean === ".." || clean.startsWith("../")) {
    throw new LlamaError(
      "template",
      `Cannot pass path outside working directory: ${quote(clean)}`,
      { hint: hintFor(path) },
    );
  }
  if (!clean.isWellFormed()) {
    throw new LlamaError(
      "template",
      `Cannot pass a path that is not UTF-8: ${quote(clean)}`,
      { hint: "rename the file: names of files must be UTF-8" },
    );
  }
  if (clean.includes("\0")) {
    throw new LlamaError("template", `Cannot pass a path with a NUL byte: ${quote(clean)}`, {
      hint: nulHint,
    });
  }
  return clean;
}

/** A hint about NUL bytes in arguments and paths. */
export const nulHint =
  "no argument or file name can contain NUL; lines that end in it, as from find -print0, need -0";

/**
 * Returns what two names of the same file or object have in common.
 *
 * @param name A path on this machine, or the URL of an object.
 * @param directory The directory that paths are relative to. @default {the current one}
 */
export function placeOf(name: string, directory = ""): string {
  return isS3Url(name) ? name : resolve(directory, name);
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

/** Returns a hint for `invoke`, which maps a path outside the job's directory to its last part. */
export function mappingHint(path: string): string {
  if (path === "") return "name a file, relative to the current directory";
  const remote = nameIn(path);
  return `map it into the job's directory with -f or -o ${quote(`${path}:${remote}`)}, ` +
    `and write ${remote} in the argument`;
}

/**
 * Returns a hint for `xargs`, whose paths vary: run it where they can be relative.
 *
 * @param isInput Whether the file is only an input, which all jobs could share.
 */
export function movingHint(path: string, isInput: boolean): string {
  if (path === "") return mappingHint(path);
  const name = nameIn(path);
  const move = `run llama in ${quote(posix.dirname(path))}, where this path is ${quote(name)}`;
  return isInput
    ? `${move}; or send one file to all jobs with -f ${
      quote(`${path}:${name}`)
    }, and write ${name} ` +
      "in the argument"
    : move;
}

function nameIn(path: string): string {
  const name = posix.basename(path);
  return name === "" || name === ".." ? "NAME" : name;
}
