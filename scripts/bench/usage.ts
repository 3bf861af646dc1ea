/**
 * Preloaded into a program (`deno run --preload`), it writes the program's resource usage at exit
 * to the file named by `LLAMA_BENCH_USAGE`.
 *
 * @module
 */

import process from "node:process";

/** The resources used by a process. */
export interface Usage {
  /** User and system CPU time. */
  readonly cpuMilliseconds: number;
  /** Peak memory. */
  readonly peakBytes: number;
}

/** The environment variable with the name of the file. */
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
