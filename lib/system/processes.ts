/**
 * Ends processes that are not our children: what escaped from a command's group.
 *
 * @module
 */

import { sendSignal } from "./signals.ts";

/** How often the processes are looked through, for one that starts others while it is killed. */
const maxPasses = 100;

/**
 * Kills every process whose environment has an entry. A process may leave its group and its
 * session, and outlive its parent, but it keeps the environment that it was started with. Does
 * nothing where there is no Linux `/proc`.
 *
 * @param entry The whole entry, `NAME=value`.
 * @param except The ids of processes that are left alone, such as the caller's own.
 */
export function killMarked(entry: string, except: readonly number[]): void {
  if (Deno.build.os !== "linux") return;
  const marker = `\0${entry}\0`;
  for (let pass = 0; pass < maxPasses; pass++) {
    // One that was killed has its environment until it has ended, and may start others until then.
    const found = processIds().filter((pid) =>
      !except.includes(pid) && environmentOf(pid).includes(marker)
    );
    if (found.length === 0) return;
    for (const pid of found) sendSignal(pid, "SIGKILL");
  }
}

/**
 * The processes that there are. Linux only.
 *
 * @returns Their ids.
 */
export function processIds(): number[] {
  return Array.from(Deno.readDirSync("/proc"), ({ name }) => Number(name)).filter(Number.isInteger);
}

/** How long a program may take to get its environment, in milliseconds. */
const execMilliseconds = 20;

/** NUL-delimited on both sides; empty if it cannot be read. */
function environmentOf(pid: number): string {
  try {
    const end = performance.now() + execMilliseconds;
    for (let isStarted = false;;) {
      const bytes = Deno.readFileSync(`/proc/${pid}/environ`);
      if (bytes.length > 0) return `\0${decoder.decode(bytes)}\0`;
      // Within an exec there is none for a moment, and no arguments, after which it would run on
      // unseen. The kernel's threads and processes that have ended have none either, but those have
      // no program, so that the link to it cannot be read.
      Deno.readLinkSync(`/proc/${pid}/exe`);
      if (isStarted || performance.now() > end) return "";
      isStarted = Deno.readFileSync(`/proc/${pid}/cmdline`).length > 0;
    }
  } catch {
    // It has ended meanwhile, or belongs to another user and so is no process of ours.
    return "";
  }
}

const decoder = new TextDecoder();
