/**
 * The key of a kept result: a hash of everything that can change the bytes that a command writes.
 *
 * A key that leaves something out would return another job's result, so in doubt a thing is in it: a
 * false miss costs a job, a false hit costs trust. Not in it are the function's name, memory, time
 * limit and /tmp, the local paths of files, the line, and the order and duplicates of files.
 *
 * @module
 */

import type { FunctionCodeIdentity } from "../aws/api/lambda_identity.ts";
import { sha256 } from "../files/hash.ts";

/**
 * The version of keys and entries. Any change of what a key means, however small, takes a new
 * version; the golden vectors in `tests/memo/key_test.ts` notice one.
 */
export const keyVersion = 1;

/** What is at a path of the job's directory. */
export interface KeyFile {
  /**
   * A file that may be executed (`x`) or not (`-`), a symbolic link, an empty directory, or an object
   * in S3 whose bytes are not known (`o`). One whose bytes are known is a file like others.
   */
  readonly kind: "x" | "-" | "l" | "d" | "o";
  /**
   * The SHA-256 of a file's bytes, in hexadecimal; that of an object's place and version; a link's
   * target; empty for a directory.
   */
  readonly value: string;
}

/** The contents of a job's inputs. */
export interface KeyInputs {
  /** The SHA-256 of standard input. An absent one is the same as an empty one. */
  readonly stdin: string;
  /** The files by remote path. */
  readonly files: ReadonlyMap<string, KeyFile>;
}

/** What a key is made of. */
export interface KeyParts extends KeyInputs {
  /** The function's code and settings. */
  readonly function: FunctionCodeIdentity;
  /** The arguments. */
  readonly args: readonly string[];
  /** The remote paths of the outputs; duplicates do not matter. */
  readonly outputs: readonly string[];
  /** The URLs of the outputs that are written to S3, by remote path. @default {none} */
  readonly uploads?: ReadonlyMap<string, string>;
}

/**
 * Returns the key of a job.
 *
 * @param parts The function, the arguments, and the contents of the inputs.
 * @returns 64 lower-case hexadecimal digits.
 */
export function keyOf(parts: KeyParts): string {
  return sha256(canonicalJson(keyDocument(parts)));
}

/**
 * Returns the document whose hash is the key.
 *
 * @param parts As for {@linkcode keyOf}.
 */
export function keyDocument(parts: KeyParts): Readonly<Record<string, unknown>> {
  const { function: { architecture, ...code }, args, stdin, files, outputs } = parts;
  const { uploads = new Map<string, string>() } = parts;
  return {
    v: keyVersion,
    ...code,
    arch: architecture,
    args,
    stdin,
    files: [...files]
      .map(([path, { kind, value }]) => [path, kind, value])
      .sort(([a = ""], [b = ""]) => (a < b ? -1 : 1)),
    outputs: [...new Set(outputs)].sort(),
    // Without them, a key is that of a version of llama that did not know them.
    ...uploads.size === 0 ? {} : { uploads: [...uploads].sort(([a], [b]) => (a < b ? -1 : 1)) },
  };
}

/**
 * Returns JSON that is the same for equal values: object keys are sorted by UTF-16 code units, and
 * there is no white space.
 *
 * @param value A JSON value.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
