/**
 * Measures a command's peak memory.
 *
 * @module
 */

import type { Strays } from "./strays.ts";

/** The time of the first sample after the start, in milliseconds. */
const firstLook = 2;
/** The maximum interval between samples, in milliseconds. */
const longestPause = 250;
/**
 * Sampling takes at most one part in this many of the time. A sample takes 0.1 ms, and longer with
 * many processes.
 */
const costFactor = 200;

/** Samples the memory of a process and its descendants until disposed of. */
export class MemoryWatch implements Disposable {
  readonly #pid: number;
  readonly #strays: Pick<Strays, "reap"> | undefined;
  readonly #start = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #peak = 0;
  #isStopped = false;

  /**
   * Starts sampling. Does nothing without Linux's `/proc`.
   *
   * @param pid The process.
   * @param strays The processes that left its group, which count too and are reaped meanwhile.
   */
  constructor(pid: number, strays?: Pick<Strays, "reap">) {
    this.#pid = pid;
    this.#strays = strays;
    if (Deno.build.os === "linux") this.#timer = setTimeout(() => this.#look(), firstLook);
  }

  /**
   * The largest sample in bytes; undefined if the command was too quick for one. A sample is the sum
   * of the processes' own peaks, which the kernel keeps.
   */
  get peakBytes(): number | undefined {
    return this.#peak || undefined;
  }

  /** Stops sampling. */
  [Symbol.dispose](): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #look(): void {
    // Deno 2.6 may still run a timer that was cleared when due, and sampling would never stop.
    if (this.#isStopped) return;
    const start = performance.now();
    this.#peak = Math.max(
      this.#peak,
      treeBytes([this.#pid, ...this.#strays?.reap(this.#pid) ?? []]),
    );
    const end = performance.now();
    // The kernel keeps each peak, so only the time since the last sample is missed: with pauses in
    // proportion to the run, at most a fifth of it.
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
      // The process has ended, or this kernel does not list children.
    }
  }
  return total;
}
