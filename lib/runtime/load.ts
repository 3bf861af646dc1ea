/**
 * How much a job will have to send. Loaded only for jobs that use up half of their time.
 *
 * @module
 */

import { join } from "node:path";

/** So many files are looked at: sending them takes longer than there is time. */
const mostFiles = 2000;

/** What there is to send. */
export interface Load {
  /** How many files. */
  files: number;
  /** How many bytes. */
  bytes: number;
}

/**
 * Tells what there is of a job's outputs so far.
 *
 * @param top The job's directory.
 * @param outputs The remote paths, which were checked.
 * @returns Their number and size; a part of that if there are very many.
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
      // Not there yet, or not any more.
    }
  }
  return load;
}
