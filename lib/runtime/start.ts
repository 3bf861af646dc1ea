/**
 * Starts a program, and says clearly why it could not be.
 *
 * @module
 */

import { isArgument } from "./argument.ts";
import type { Program } from "./function_command.ts";
import type { OutOfMemory } from "./out_of_memory.ts";

/** How a program is started. */
export interface StartOptions {
  /** Its working directory. */
  directory: string;
  /** Variables of its environment; besides the runtime's own unless `onlyThese`. */
  environment: Record<string, string>;
  /** Whether it gets none of the runtime's own variables. */
  onlyThese: boolean;
  /** Whether its standard input is a pipe; otherwise it is empty. */
  stdin: boolean;
  /** Has it killed before the runtime when memory runs out; absent where memory is not bounded. */
  outOfMemory?: Pick<OutOfMemory, "atRisk"> | undefined;
}

/**
 * Starts a program in a process group of its own.
 *
 * @param program What to start.
 * @param options Where and how.
 * @returns The child.
 * @throws {JobError} `Llama.NoSuchCommand` if it cannot be executed, `Llama.BadRequest` if its
 * arguments cannot be passed, `Llama.Internal` if no process can be started here.
 */
export async function startProgram(
  program: Program,
  options: StartOptions,
): Promise<Deno.ChildProcess> {
  try {
    // Deno has no clear words for these.
    if (!program.args.every(isArgument)) throw new TypeError("not an argument");
    return spawn(program, options);
  } catch (error) {
    const { insteadOf } = await import("./start_failures.ts");
    return spawn(insteadOf(program, error), options);
  }
}

function spawn({ path, args }: Program, options: StartOptions): Deno.ChildProcess {
  const start = () =>
    new Deno.Command(path, {
      args,
      cwd: options.directory,
      env: options.environment,
      clearEnv: options.onlyThese,
      stdin: options.stdin ? "piped" : "null",
      stdout: "piped",
      stderr: "piped",
      detached: true,
    }).spawn();
  return options.outOfMemory ? options.outOfMemory.atRisk(start) : start();
}
