/**
 * How much memory a command takes.
 *
 * @module
 */

import type { Strays } from "./strays.ts";

/** The first look, in milliseconds after the start. */
const firstLook = 2;
/** The longest time between two looks, in milliseconds. */
const longestPause = 250;
/**
 * A look takes 0.1 ms, and longer where there are many processes; all looks get one part in so many of
 * the time.
 */
const costFactor = 200;

/** Watches the memory of a process and its descendants until it is stopped. */
export class MemoryWatch implements Disposable {
  readonly #pid: number;
  readonly #strays: Pick<Strays, "reap"> | undefined;
  readonly #start = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #peak = 0;
  #isStopped = false;

  /**
   * Begins to watch. Does nothing where there is no Linux `/proc`.
   *
   * @param pid The process.
   * @param strays What left its group: it counts too, and is reaped while the process runs.
   */
  constructor(pid: number, strays?: Pick<Strays, "reap">) {
    this.#pid = pid;
    this.#strays = strays;
    if (Deno.build.os === "linux") this.#timer = setTimeout(() => this.#look(), firstLook);
  }

  /**
   * The most that was seen at once: each process counts with its own peak, which the kernel keeps.
   *
   * @returns Bytes, or undefined if nothing was seen, because the command was too quick.
   */
  get peakBytes(): number | undefined {
    return this.#peak || undefined;
  }

  /** Ends the watch. */
  [Symbol.dispose](): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #look(): void {
    // Deno 2.6 may still run a timer that was cleared when it was due; it would go on forever.
    if (this.#isStopped) return;
    const start = performance.now();
    this.#peak = Math.max(
      this.#peak,
      treeBytes([this.#pid, ...this.#strays?.reap(this.#pid) ?? []]),
    );
    const end = performance.now();
    // The kernel keeps each peak, so a look that comes late misses little but the last stretch.
    // With pauses in proportion to the run, that is a fifth of it.
    const pause = Math.min(Math.max(firstLook, (end - this.#start) / 4), longestPause);
    this.#timer = setTimeout(() => this.#look(), Math.max(pause, (end - start) * costFactor));
  }
}

function treeBytes(roots: readonly number[]): number {
  let total = 0;
  const pids = [...roots];
  for (let pid = pids.pop(); pid !== undefined; pid = pids.pop()) {
    try {
      const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(
        Deno.readTextFileSync(`/proc/${pid}/status`),
      ) ?? [];
      total += Number(kilobytes ?? 0) * 1024;
      for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
        const children = Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`);
        for (const child of children.split(" ")) if (child) pids.push(Number(child));
      }
    } catch {
      // It has ended meanwhile, or this kernel does not list children: then what was seen counts.
    }
  }
  return total;
}
