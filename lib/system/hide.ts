/**
 * Hides this process's memory from the user's other processes.
 *
 * @module
 */

import { libc, prctlOptions } from "./libc.ts";

/**
 * Denies other processes of the same user access to this process's environment and memory, and
 * disables core dumps. Does not affect child processes, and does not restrict root.
 *
 * Linux only. Elsewhere this does nothing, and jobs of the emulator can read the variables that llama
 * was started with.
 */
export function hideProcess(): void {
  libc()?.prctl(prctlOptions.setDumpable, 0);
}
