/**
 * Finds and kills processes that escaped from a command's process group.
 *
 * @module
 */

import { sendSignal } from "./signals.ts";

/** The maximum number of passes, since a process may start others while being killed. */
const maxPasses = 100;

/**
 * Kills every process with an entry in its environment. A process may leave its group and session
 * and outlive its parent, but keeps its initial environment. Linux only; elsewhere this does nothing.
 *
 * @param entry The whole entry, `NAME=value`.
 * @param except The ids of processes to spare, such as the caller's own.
 */
export function killMarked(entry: string, except: readonly number[]): void {
  if (Deno.build.os !== "linux") return;
  const marker = `\0${entry}\0`;
  for (let pass = 0; pass < maxPasses; pass++) {
    // A killed process keeps its environment until it has ended, and may start others until then.
    const found = processIds().filter((pid) =>
      !except.includes(pid) && environmentOf(pid).includes(marker)
    );
    if (found.length === 0) return;
    for (const pid of found) sendSignal(pid, "SIGKILL");
  }
}

/**
 * Returns the ids of all processes. Linux only.
 */
export function processIds(): number[] {
  return Array.from(Deno.readDirSync("/proc"), ({ name }) => Number(name)).filter(Number.isInteger);
}

/** The time for an exec to set up a process's environment, in milliseconds. */
const execMilliseconds = 20;

/** Returns a process's environment, with NUL on both sides; empty if it cannot be read. */
function environmentOf(pid: number): string {
  try {
    const end = performance.now() + execMilliseconds;
    for (let isStarted = false;;) {
      const bytes = Deno.readFileSync(`/proc/${pid}/environ`);
      if (bytes.length > 0) return `\0${decoder.decode(bytes)}\0`;
      // During an exec, environment and arguments are empty for a moment, and the process must not be
      // overlooked. They are also empty for kernel threads and processes that have ended, but then the
      // link to the program cannot be read.
      Deno.readLinkSync(`/proc/${pid}/exe`);
      if (isStarted || performance.now() > end) return "";
      isStarted = Deno.readFileSync(`/proc/${pid}/cmdline`).length > 0;
    }
  } catch {
    // The process has ended, or belongs to another user.
    return "";
  }
}

const decoder = new TextDecoder();
