/**
 * Explains why a program could not be started. Loaded only when that happens.
 *
 * @module
 */

import { noSuchCommand, type Program } from "./function_command.ts";
import { JobError } from "./job_error.ts";
import { beginning, foreign, textBeginning, windowsLine } from "./program_file.ts";
import { isArgument } from "./argument.ts";

/** Linux's limit for one argument in bytes: 32 pages (execve(2)). */
const longestArgument = 131_072;

/** The standard input of a command that has none. */
const nullDevice = "/dev/null";

/**
 * Returns what to start in place of a program that could not be started: the shell, for a script
 * without `#!`.
 *
 * @throws {JobError} The reason why the program could not be started.
 * @throws The error itself, if the reason is unknown.
 */
export function insteadOf(program: Program, error: unknown): Program {
  const { path, args } = program;
  checkArguments(args);
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  // As execvp(3) and all shells do.
  if (code === "ENOEXEC" && !beginning(path).includes(0)) {
    return { path: "/bin/sh", args: [path, ...args] };
  }
  throw startFailure(program, code, error);
}

function checkArguments(args: readonly string[]): void {
  const index = args.findIndex((text) => !isArgument(text));
  const argument = args[index];
  if (argument === undefined) return;
  const what = argument.includes("\0") ? "contains a NUL byte" : "is not Unicode text";
  throw new JobError("Llama.BadRequest", `argument ${index + 1} ${what}`);
}

function startFailure(program: Program, code: unknown, cause: unknown): unknown {
  const { path } = program;
  switch (code) {
    case "E2BIG":
      return new JobError("Llama.BadRequest", tooLong(program.args), { cause });
    case "EACCES":
    case "EPERM":
      return noSuchCommand(path, "permission to execute it is denied", cause);
    case "ENOEXEC":
      return noSuchCommand(path, foreign, cause);
    case "ENOENT":
      return isMissing(nullDevice)
        ? new JobError(
          "Llama.Internal",
          `${nullDevice} is missing, and a command without standard input needs it: mount /dev`,
          { cause },
        )
        : noSuchCommand(path, missingInterpreter(path), cause);
    case "EAGAIN":
    case "ENOMEM":
    case "EMFILE":
    case "ENFILE":
      return new JobError(
        "Llama.Internal",
        `cannot start a process: ${limits[code]}; the execution environment exits, and the ` +
          "next invocation gets a new one",
        { cause, isLast: true },
      );
    default:
      return cause;
  }
}

const limits = {
  EAGAIN: "the limit on processes and threads is reached",
  ENOMEM: "there is not enough memory",
  EMFILE: "the runtime's limit on open files is reached",
  ENFILE: "the system's limit on open files is reached",
} as const;

function tooLong(args: readonly string[]): string {
  const encoder = new TextEncoder();
  const sizes = args.map((argument) => encoder.encode(argument).length + 1);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const longest = sizes.reduce((most, size) => Math.max(most, size), 0);
  return longest > longestArgument
    ? `args: argument ${sizes.indexOf(longest) + 1} is too long for the kernel: ${longest - 1} ` +
      `bytes, the limit per argument is ${longestArgument - 1}`
    : `args: the argument list is too long for the kernel: ${total} bytes in ${args.length} ` +
      `arguments, the limit including the environment is ${argumentLimit()}`;
}

/** A quarter of the stack's limit, at most 6 MiB and at least 128 KiB (execve(2)). */
function argumentLimit(): string {
  try {
    const [, soft] = /^Max stack size\s+(\S+)/m.exec(Deno.readTextFileSync("/proc/self/limits")) ??
      [];
    const stack = soft === "unlimited" ? Infinity : Number(soft);
    return `${Math.min(Math.max(stack / 4, longestArgument), 6 * 1024 * 1024)} bytes`;
  } catch {
    // Not Linux.
    return "the system's ARG_MAX";
  }
}

/** The file exists, so ENOENT is about its interpreter. */
function missingInterpreter(path: string): string {
  const windows = windowsLine(path);
  if (windows !== undefined) return windows;
  const [, interpreter] = /^#![ \t]*(\S+)/.exec(textBeginning(path)) ?? [];
  return interpreter === undefined
    ? "it needs a dynamic loader (a C library) that is missing"
    : `its interpreter ${JSON.stringify(interpreter)} does not exist`;
}

function isMissing(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return false;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}
