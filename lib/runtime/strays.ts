/**
 * Processes that leave their command's process group and would outlive the command.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { killMarked } from "../system/processes.ts";
import { sendSignal } from "../system/signals.ts";
import { libc, prctlOptions } from "../system/libc.ts";

/** The interval for polling processes that are being killed, in milliseconds. */
const lookMs = 1;

/** The maximum number of polls: a process that waits for a device may take long to end. */
const maxLooks = 1000;

/**
 * Adopts orphans. With the runtime as subreaper, everything a command started stays below the
 * runtime, so that no search of all processes is needed.
 */
export class Strays {
  /** Children older than the runtime, which an image's entry point may have started. */
  readonly #known: Set<number>;
  /** Whether the kernel lists a process's children. */
  readonly #isListed: boolean;

  /**
   * Makes this process the subreaper of its descendants.
   *
   * @returns The orphans; undefined on systems other than Linux, or where /proc shows another PID
   * namespace.
   */
  static adopt(): Strays | undefined {
    if (Deno.build.os !== "linux") return undefined;
    try {
      if (Deno.readLinkSync("/proc/self") !== String(Deno.pid)) return undefined;
    } catch {
      return undefined;
    }
    let isListed = false;
    let known: number[] = [];
    try {
      libc()?.prctl(prctlOptions.setChildSubreaper, 1);
      known = childrenOf(Deno.pid);
      isListed = true;
    } catch {
      // They can still be found by the mark in their environment.
    }
    return new Strays(known, isListed);
  }

  private constructor(known: readonly number[], isListed: boolean) {
    this.#known = new Set(known);
    this.#isListed = isListed;
  }

  /**
   * Returns the process ids of running orphans, and reaps those that have ended: zombies count
   * towards the limit on processes.
   *
   * @param command The process id of the running command, which Deno reaps.
   */
  reap(command: number): number[] {
    if (!this.#isListed) return [];
    try {
      return this.#orphans().filter((pid) => pid !== command && !isReaped(pid));
    } catch {
      // Out of file descriptors. If that persists, `end` reports it.
      return [];
    }
  }

  /**
   * Kills all orphans and their descendants, and waits until they have ended. To be called when no
   * command runs.
   *
   * @param mark An entry of their environment, `NAME=value`, used where children are not listed.
   */
  async end(mark: string): Promise<void> {
    if (!this.#isListed) return killMarked(mark, [Deno.pid]);
    for (let look = 0; look < maxLooks; look++) {
      const orphans = this.#orphans().filter((pid) => !isReaped(pid));
      if (orphans.length === 0) return;
      for (const orphan of orphans) {
        for (const pid of withDescendants(orphan)) {
          // Belongs to another user: leave it, and do not wait for it again.
          if (!sendSignal(pid, "SIGKILL") && pid === orphan) this.#known.add(pid);
        }
      }
      await delay(lookMs);
    }
  }

  #orphans(): number[] {
    return childrenOf(Deno.pid).filter((pid) => !this.#known.has(pid));
  }
}

/** The children of the main thread, which are all: it adopts orphans and starts commands. */
function childrenOf(pid: number): number[] {
  const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`);
  return children === "" ? [] : children.trimEnd().split(" ").map(Number);
}

function isReaped(pid: number): boolean {
  return libc()?.reap(pid) === true;
}

function withDescendants(root: number): number[] {
  const found = [root];
  for (const pid of found) {
    try {
      for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
        const children = Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`);
        for (const child of children.split(" ")) if (child) found.push(Number(child));
      }
    } catch {
      // The process has ended, and its children are orphans now.
    }
  }
  return found;
}
