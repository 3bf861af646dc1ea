/**
 * Finds the program that a function runs.
 *
 * @module
 */

import { isAbsolute, join } from "node:path";
import type { Environment } from "../environment.ts";
import { isMissing, reasonOf } from "../errors.ts";
import { JobError } from "./job_error.ts";

/** The command that a function runs, by how the runtime was started; a job's `args` follow it. */
export type FunctionCommand =
  /** A file of the function's package, or a program on `PATH`. */
  | { kind: "handler"; handler: string; taskRoot: string }
  /** A program and its first arguments. A relative path is relative to `directory`. */
  | { kind: "words"; program: string; args: readonly string[]; directory: string }
  /** No command: a job's `args` name it. */
  | { kind: "job" };

/** A program to start. */
export interface Program {
  /** Its absolute path. */
  path: string;
  /** All its arguments. */
  args: string[];
}

/** The shell's default for `PATH`. */
const defaultSearchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Returns the function's command.
 *
 * @param args The runtime's own arguments, with `"$@"` in a shell form.
 * @param environment The runtime's environment variables.
 * @param directory The runtime's initial working directory, such as an image's `WORKDIR`.
 * @throws {JobError} `Llama.NoSuchCommand` if the handler is a path that leads out of the package.
 */
export function findFunctionCommand(
  args: readonly string[],
  environment: Environment,
  directory: string,
): FunctionCommand {
  const [program, ...rest] = args;
  if (program !== undefined) {
    return { kind: "words", program, args: rest, directory };
  }
  const handler = environment["_HANDLER"];
  if (!handler) return { kind: "job" };
  if (isAbsolute(handler) || handler.split("/").includes("..")) {
    throw new JobError(
      "Llama.NoSuchCommand",
      `handler ${JSON.stringify(handler)}: not a path inside the function's package; name a file ` +
        "of the package, or a program on PATH",
    );
  }
  return { kind: "handler", handler, taskRoot: environment["LAMBDA_TASK_ROOT"] || directory };
}

/**
 * Finds the program that a job starts.
 *
 * @param command The function's command.
 * @param args The job's arguments.
 * @param options The value of `PATH`, and the job's directory.
 * @returns The program with all its arguments.
 * @throws {JobError} `Llama.NoSuchCommand` if the program does not exist or cannot be executed;
 * `Llama.BadRequest` if the job must name a program and does not.
 */
export function findProgram(
  command: FunctionCommand,
  args: readonly string[],
  { searchPath = defaultSearchPath, jobDirectory }: {
    searchPath?: string | undefined;
    jobDirectory: string;
  },
): Program {
  switch (command.kind) {
    case "handler": {
      const { handler, taskRoot } = command;
      const file = join(taskRoot, handler);
      const unusable = whyUnusable(file);
      if (unusable === undefined) return { path: file, args: [...args] };
      if (unusable.found) throw noSuchCommand(handler, `${file} ${unusable.why}`);
      if (handler.includes("/")) throw noSuchCommand(handler, `not found in ${taskRoot}`);
      return {
        path: search(handler, searchPath, jobDirectory, `not found in ${taskRoot}, nor`),
        args: [...args],
      };
    }
    case "words": {
      const { program, directory } = command;
      const path = program.includes("/")
        ? usable(program, absolute(directory, program))
        : search(program, searchPath, jobDirectory, "not found");
      return { path, args: [...command.args, ...args] };
    }
    case "job": {
      const [program, ...rest] = args;
      if (program === undefined || program === "") {
        throw new JobError(
          "Llama.BadRequest",
          "args: no command: this function has none of its own (no handler, no CMD), so the " +
            "first argument must name a program",
        );
      }
      const path = program.includes("/")
        ? usable(program, absolute(jobDirectory, program))
        : search(program, searchPath, jobDirectory, "not found");
      return { path, args: rest };
    }
  }
}

/**
 * Returns the error for a command that cannot be started.
 */
export function noSuchCommand(name: string, why: string, cause?: unknown): JobError {
  return new JobError("Llama.NoSuchCommand", `no such command: ${JSON.stringify(name)}: ${why}`, {
    cause,
  });
}

function absolute(directory: string, path: string): string {
  return isAbsolute(path) ? path : join(directory, path);
}

function usable(name: string, path: string): string {
  const unusable = whyUnusable(path);
  if (unusable) throw noSuchCommand(name, path === name ? unusable.why : `${path} ${unusable.why}`);
  return path;
}

/** Looks up a name like execvp(3): the first file that can be executed. */
function search(name: string, searchPath: string, directory: string, prefix: string): string {
  let refused: string | undefined;
  for (const entry of searchPath.split(":")) {
    const path = join(absolute(directory, entry), name);
    const unusable = whyUnusable(path);
    if (!unusable) return path;
    if (unusable.found) refused ??= `${path} ${unusable.why}`;
  }
  throw noSuchCommand(name, refused ?? `${prefix} on PATH (${searchPath})`);
}

function whyUnusable(path: string): { found: boolean; why: string } | undefined {
  try {
    const { isDirectory, isFile, mode } = Deno.statSync(path);
    if (isDirectory) return { found: true, why: "is a directory" };
    if (!isFile) return { found: true, why: "is not a regular file" };
    if (mode !== null && (mode & 0o111) === 0) {
      return { found: true, why: "is not executable (its mode has no x)" };
    }
    return undefined;
  } catch (error) {
    const found = !isMissing(error);
    return { found, why: found ? `cannot be accessed: ${reasonOf(error)}` : "does not exist" };
  }
}
