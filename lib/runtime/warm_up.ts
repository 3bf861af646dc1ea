/**
 * A job of the runtime's own, before the first one: what a job needs is then compiled and at hand.
 *
 * @module
 */

import type { Environment } from "../environment.ts";
import type { Host } from "./host.ts";
import { runInvocation } from "./invocation.ts";
import { wholeProcessorMb } from "./time_limit.ts";
import { Workspace } from "./workspace.ts";

/** A program that does nothing, which nearly every image has. */
const program = "true";

const request = JSON.stringify({
  args: [],
  stdin: { s: "text" },
  files: { "in/file": { s: "text" } },
  outputs: ["in/file", "none"],
  timeout: 10,
});

/**
 * Runs a job that does nothing. With a whole processor there would be nothing to gain: the first job
 * has as much of it as the start.
 *
 * @param temporary The directory for temporary files.
 * @param environment The environment variables.
 * @param host What jobs need of the machine.
 * @param signal Ends it.
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
    // There is no such program, or no directory for it: a job that meets this too will say so.
  } finally {
    workspace.removeSync();
  }
}
