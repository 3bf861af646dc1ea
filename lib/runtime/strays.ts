/**
 * Processes that leave their command's group, and would outlive it.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { killMarked } from "../system/processes.ts";
import { sendSignal } from "../system/signals.ts";
import { libc, prctlOptions } from "../system/libc.ts";

/** Between two looks at processes that are being killed, in milliseconds. */
const lookMs = 1;

/** How often that is looked at. A process that waits for a device may not end for long. */
const maxLooks = 1000;

/**
 * Adopts orphans: with the runtime as their reaper, what a command started is below the runtime,
 * wherever it has moved, so that nothing has to be searched for where there is nothing.
 */
export class Strays {
  /** Children from before the runtime: an image's entry point may have started them. */
  readonly #known: Set<number>;
  /** False where the kernel does not list a process's children. */
  readonly #isListed: boolean;

  /**
   * Makes this process the reaper of all orphans below it.
   *
   * @returns The orphans; undefined where this cannot be known: elsewhere than on Linux, or where
   * /proc shows the process ids of another namespace.
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
      // The marks in the environments still tell.
    }
    return new Strays(known, isListed);
  }

  private constructor(known: readonly number[], isListed: boolean) {
    this.#known = new Set(known);
    this.#isListed = isListed;
  }

  /**
   * Returns the orphans that there are, and reaps those that have ended: as zombies they would use
   * up the number of processes that there may be.
   *
   * @param command The process id of the command that runs; Deno reaps it.
   * @returns Their process ids.
   */
  reap(command: number): number[] {
    if (!this.#isListed) return [];
    try {
      return this.#orphans().filter((pid) => pid !== command && !isReaped(pid));
    } catch {
      // There are no more open files: those who end them when the command has ended will say so.
      return [];
    }
  }

  /**
   * Kills all of them with everything that they started, and waits until they have ended. Call it
   * when no command runs.
   *
   * @param mark An entry of their environment, `NAME=value`: the way where children are not listed.
   */
  async end(mark: string): Promise<void> {
    if (!this.#isListed) return killMarked(mark, [Deno.pid]);
    for (let look = 0; look < maxLooks; look++) {
      const orphans = this.#orphans().filter((pid) => !isReaped(pid));
      if (orphans.length === 0) return;
      for (const orphan of orphans) {
        for (const pid of withDescendants(orphan)) {
          // Another user's: it stays, and nothing waits for it again.
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

/** The main thread adopts orphans and starts commands, so that its children are all there are. */
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
      // It has ended meanwhile, and its children are orphans now.
    }
  }
  return found;
}
