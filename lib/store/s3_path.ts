/**
 * The paths of objects in the job's directory.
 *
 * @module
 */

import { posix } from "node:path";
import { sha256 } from "../files/hash.ts";
import { nameOfObject } from "./s3_url.ts";

/**
 * Returns the path of an object in the job's directory. Keys are not paths: they may hold `//` or the
 * name of another input.
 *
 * @param url The object's URL.
 * @returns `s3/HASH/NAME`, with 16 hexadecimal digits and the last part of the key.
 * @throws {LlamaError} As `parseObjectUrl`.
 */
export function pathOfObject(url: string): string {
  return `s3/${sha256(url).slice(0, 16)}/${nameOfObject(url)}`;
}

/**
 * Returns the directory of an object's path, which requests with outputs in S3 may name as a guard:
 * older runtimes refuse it.
 *
 * @param url The object's URL.
 */
export function guardOfObject(url: string): string {
  return posix.dirname(pathOfObject(url));
}
