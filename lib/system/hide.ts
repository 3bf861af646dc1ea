/**
 * Keeps other processes of the user from reading this one.
 *
 * @module
 */

import { libc, prctlOptions } from "./libc.ts";

/**
 * Has the kernel refuse other processes of the same user this process's environment and memory, and
 * write no core dump of it. Processes that it starts are not concerned, and neither is root.
 *
 * Only Linux can do that. Elsewhere this does nothing, and jobs of the emulator can read the
 * variables that llama was started with.
 */
export function hideProcess(): void {
  libc()?.prctl(prctlOptions.setDumpable, 0);
}
