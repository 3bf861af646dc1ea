/**
 * Warms up the runtime with a job of its own, so that code is compiled before the first real job.
 *
 * @module
 */

import type { Environment } from "../environment.ts";
import type { Host } from "./host.ts";
import { runInvocation } from "./invocation.ts";
import { wholeProcessorMb } from "./time_limit.ts";
import { Workspace } from "./workspace.ts";

/** A program that does nothing and that nearly every image has. */
const program = "true";

const request = JSON.stringify({
  args: [],
  stdin: { s: "text" },
  files: { "in/file": { s: "text" } },
  outputs: ["in/file", "none"],
  timeout: 10,
});

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
  if (Number(environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) >= wholeProcessorMb) return;
  const workspace = new Workspace(temporary, host.owner);
  try {
    await runInvocation(request, {
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
