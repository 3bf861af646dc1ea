/**
 * Refuses to replace outputs on this machine.
 *
 * @module
 */

import { isMissing, LlamaError } from "../errors.ts";
import { lstat } from "../files/quick.ts";
import { isS3Url } from "../store/s3_url.ts";
import type { OutputFile } from "./job.ts";

/** Reports whether there is a file, a directory or a link of a name. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (!isMissing(error)) throw error;
    return false;
  }
}

/**
 * Checks that a job replaces nothing on this machine. S3 checks objects when they are written.
 *
 * @throws {LlamaError} `output` if one of the outputs exists.
 */
export async function checkReplacesNothing(outputs: readonly OutputFile[]): Promise<void> {
  for (const { local } of outputs) {
    if (isS3Url(local) || !await isThere(local)) continue;
    throw new LlamaError("output", `output ${JSON.stringify(local)} exists`, {
      hint: "remove it, or run without -no-clobber",
    });
  }
}
