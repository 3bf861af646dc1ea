/**
 * Warms up the runtime with a job of its own, so that code is compiled before the first real job.
 *
 * @module
 */

import type { Environment } from "../environment.ts";
import { zstd } from "../features.ts";
import { newerRequest } from "../protocol.ts";
import type { Host } from "./host.ts";
import { runInvocation } from "./invocation.ts";
import { wholeProcessorMb } from "./time_limit.ts";
import { Workspace } from "./workspace.ts";

/** A program that does nothing and that nearly every image has. */
const program = "true";

/**
 * The memory in MB below which the job has compressed contents. They take 6 ms of a whole processor,
 * which functions have while they start, and save 3 ms of one in the first job with such contents:
 * 40 ms with the 7 % of a processor that 128 MB get.
 */
const compressingMb = wholeProcessorMb / 4;

/** Contents that are just big enough to be compressed: 4 KiB of spaces. */
const compressed = { z: "KLUv/QRITQAAECAgAQD79wEWuyL1dA==", n: 4096, e: newerRequest() };

/**
 * Returns the request of the warm-up job.
 *
 * @param memoryMb The function's memory in MB.
 */
export function warmUpRequest(memoryMb: number): string {
  const compresses = memoryMb < compressingMb;
  const contents = compresses ? compressed : { s: "text" };
  return JSON.stringify({
    args: [],
    stdin: contents,
    files: { "in/file": contents },
    outputs: ["in/file", "none"],
    accept: compresses ? [zstd.feature] : [],
    timeout: 10,
  });
}

/**
 * Runs a job that does nothing, if the function has less than a full processor. With one there is
 * nothing to gain, since the first job is as fast as the start.
 */
export async function warmUp(
  temporary: string,
  environment: Environment,
  host: Host,
  signal: AbortSignal,
): Promise<void> {
  const memoryMb = Number(environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]);
  if (memoryMb >= wholeProcessorMb) return;
  const workspace = new Workspace(temporary, host.owner);
  try {
    await runInvocation(warmUpRequest(memoryMb), {
      ...host,
      requestId: "warm-up",
      command: { kind: "words", program, args: [], directory: "/" },
      environment: {},
      onlyThese: false,
      searchPath: environment["PATH"],
      workspace,
      store: () => undefined,
      initMs: undefined,
      received: performance.now(),
      deadline: undefined,
      memoryMb: undefined,
      signal,
    });
  } catch {
    // The program or its directory is missing. A job with the same problem reports it.
  } finally {
    workspace.removeSync();
  }
}
