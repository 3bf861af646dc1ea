/**
 * Starts programs.
 *
 * @module
 */

import { isArgument } from "./argument.ts";
import type { Program } from "./function_command.ts";
import type { OutOfMemory } from "./out_of_memory.ts";

/** Options for {@linkcode startProgram}. */
export interface StartOptions {
  /** Its working directory. */
  directory: string;
  /** Variables of its environment, added to the runtime's own unless `onlyThese`. */
  environment: Record<string, string>;
  /** Whether it gets none of the runtime's own variables. */
  onlyThese: boolean;
  /** Whether its standard input is a pipe rather than empty. */
  stdin: boolean;
  /** Makes the kernel kill it before the runtime; absent where memory is not limited. */
  outOfMemory?: Pick<OutOfMemory, "atRisk"> | undefined;
}

/**
 * Starts a program in a process group of its own.
 *
 * @throws {JobError} `Llama.NoSuchCommand` if it cannot be executed, `Llama.BadRequest` if its
 * arguments cannot be passed, `Llama.Internal` if no process can be started.
 */
export async function startProgram(
  program: Program,
  options: StartOptions,
): Promise<Deno.ChildProcess> {
  try {
    // Deno's own errors for these are not clear.
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
