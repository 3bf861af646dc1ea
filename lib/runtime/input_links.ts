/**
 * The symbolic links of a request. Loaded only for requests with one.
 *
 * @module
 */

import { staysInside } from "../files/links.ts";
import type { File } from "../protocol.ts";
import { JobError } from "./job_error.ts";

/** A file of a request. */
export interface InputFile {
  /** The field that names it. */
  readonly field: string;
  /** Its checked path. */
  readonly path: string;
  /** The file. */
  readonly file: File;
}

/** A link to create. */
export interface InputLink {
  /** Its checked path. */
  readonly path: string;
  /** Its target. */
  readonly target: string;
}

/**
 * Returns the links among the files of a request.
 *
 * @param files The files.
 * @throws {JobError} `Llama.BadRequest` if one leads out of the job's directory.
 */
export function linksOf(files: readonly InputFile[]): InputLink[] {
  return files.flatMap(({ field, path, file: { l: target } }) => {
    if (target === undefined) return [];
    if (staysInside(path, target)) return [{ path, target }];
    throw new JobError(
      "Llama.BadRequest",
      `${field}: a link to ${JSON.stringify(target)} leads out of the job's directory`,
    );
  });
}
