/**
 * Estimates the size of a job's outputs. Loaded only for jobs that use half of their time.
 *
 * @module
 */

import { join } from "node:path";

/** The maximum number of files counted; more could not be sent in time anyway. */
const mostFiles = 2000;

/** The amount of data to send. */
export interface Load {
  /** The number of files. */
  files: number;
  /** The number of bytes. */
  bytes: number;
}

/**
 * Returns the number and size of a job's outputs so far, at most {@linkcode mostFiles} of them.
 *
 * @param top The job's directory.
 * @param outputs The remote paths, already checked.
 */
export function weighOutputs(top: string, outputs: readonly string[]): Load {
  const load = { files: 0, bytes: 0 };
  const paths = outputs.map((output) => join(top, output));
  for (let path = paths.pop(); path !== undefined && load.files < mostFiles; path = paths.pop()) {
    try {
      const { isFile, isDirectory, size } = Deno.lstatSync(path);
      if (isFile) {
        load.files++;
        load.bytes += size;
      } else if (isDirectory) {
        for (const { name } of Deno.readDirSync(path)) paths.push(join(path, name));
      }
    } catch {
      // Not created yet, or already removed.
    }
  }
  return load;
}
