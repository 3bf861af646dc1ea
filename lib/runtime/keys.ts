/**
 * The user's keys for the object store, which the emulator passes through a pipe.
 *
 * A job runs as the same user as the runtime, and could otherwise read them from the runtime's
 * environment or memory, such as `/proc/PPID/environ`.
 *
 * @module
 */

import type { Environment } from "../environment.ts";
import { hideProcess } from "../system/hide.ts";

/**
 * Hides this process from the user's other processes, then reads variables from the first line of
 * standard input.
 *
 * @param stdin Standard input, to which only this line has been written.
 * @throws {Error} If there is no such line.
 */
export async function readKeys(
  stdin: { read(buffer: Uint8Array): Promise<number | null> },
): Promise<Environment> {
  hideProcess();
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  let line = "";
  while (!line.endsWith("\n")) {
    const count = await stdin.read(buffer);
    if (count === null) {
      throw new Error("standard input ended before the keys for the object store");
    }
    line += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
  return JSON.parse(line);
}
