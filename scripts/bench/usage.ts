/**
 * Loaded before a program (`deno run --preload`), it writes what the program has used when it
 * exits: to the file that `LLAMA_BENCH_USAGE` names.
 *
 * @module
 */

import process from "node:process";

/** What a process has used. */
export interface Usage {
  /** Processor time, of the program and of the kernel on its behalf. */
  readonly cpuMilliseconds: number;
  /** The most memory that it held at once. */
  readonly peakBytes: number;
}

/** The variable that names the file. */
export const usageVariable = "LLAMA_BENCH_USAGE";

const path = Deno.env.get(usageVariable);
if (path !== undefined) {
  addEventListener("unload", () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    const usage: Usage = {
      cpuMilliseconds: (userCPUTime + systemCPUTime) / 1000,
      peakBytes: maxRSS * 1024,
    };
    Deno.writeTextFileSync(path, JSON.stringify(usage));
  });
}
