/**
 * Starts a program, and says clearly why it could not be.
 *
 * @module
 */

import { noSuchCommand, type Program } from "./function_command.ts";
import { JobError } from "./job_error.ts";

/** How a program is started. */
export interface StartOptions {
  /** Its working directory. */
  directory: string;
  /** Variables of its environment; beside the runtime's own unless `onlyThese`. */
  environment: Record<string, string>;
  /** Whether it gets none of the runtime's own variables. */
  onlyThese: boolean;
  /** Whether its standard input is a pipe; otherwise it is empty. */
  stdin: boolean;
}

/** The most bytes that Linux takes for one argument: 32 pages (execve(2)). */
const longestArgument = 131_072;

/**
 * Starts a program in a process group of its own.
 *
 * @param program What to start.
 * @param options Where and how.
 * @returns The child.
 * @throws {JobError} `Llama.NoSuchCommand` if it cannot be executed, `Llama.BadRequest` if its
 * arguments cannot be passed.
 */
export function startProgram(program: Program, options: StartOptions): Deno.ChildProcess {
  checkArguments(program.args);
  try {
    return spawn(program, options);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    // What execvp(3) does, and so all shells: a script without "#!" is one of the shell's.
    if (code === "ENOEXEC" && !isBinary(program.path)) {
      return spawn({ path: "/bin/sh", args: [program.path, ...program.args] }, options);
    }
    throw reason(program, code, error);
  }
}

/** What is wrong with a binary that the kernel does not take. */
export const foreign = `it is not a program for this machine (${Deno.build.arch})`;

/** A shell's statuses for a script that it cannot make sense of. */
const shellFailures: ReadonlySet<number> = new Set([2, 126, 127]);

/** The numbers of ELF's `e_machine` that a kernel runs, by Deno's names (elf(5)). */
const ownMachines = { x86_64: [62, 3], aarch64: [183, 40] } as const;

/**
 * Whether a program that failed was one for another processor. Since 2.9 Deno does itself what all
 * shells do: what the kernel does not take it gives to `sh`, a binary too, and the words of that are
 * no help.
 *
 * @param program What was run.
 * @param status How it ended.
 * @returns True if it is a binary that the kernel did not take.
 */
export function wasForeign({ path }: Program, status: number): boolean {
  if (Deno.build.os !== "linux" || !shellFailures.has(status)) return false;
  const header = beginning(path);
  if (!header.includes(0)) return false;
  const isElf = header.length >= 20 && decoder.decode(header.subarray(0, 4)) === "\x7fELF";
  const machine = (header[18] ?? 0) + 256 * (header[19] ?? 0);
  return !isElf || !ownMachines[Deno.build.arch].some((own) => own === machine);
}

function spawn({ path, args }: Program, options: StartOptions): Deno.ChildProcess {
  return new Deno.Command(path, {
    args,
    cwd: options.directory,
    env: options.environment,
    clearEnv: options.onlyThese,
    stdin: options.stdin ? "piped" : "null",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();
}

function checkArguments(args: readonly string[]): void {
  for (const [index, argument] of args.entries()) {
    if (argument.includes("\0")) {
      throw new JobError("Llama.BadRequest", `argument ${index + 1} holds a NUL byte`);
    }
    if (!argument.isWellFormed()) {
      throw new JobError("Llama.BadRequest", `argument ${index + 1} is not Unicode text`);
    }
  }
}

function reason(program: Program, code: unknown, cause: unknown): unknown {
  const { path } = program;
  switch (code) {
    case "E2BIG":
      return new JobError("Llama.BadRequest", tooLong(program.args), { cause });
    case "EACCES":
    case "EPERM":
      return noSuchCommand(path, "it may not be executed here", cause);
    case "ENOEXEC":
      return noSuchCommand(path, foreign, cause);
    case "ENOENT":
      return noSuchCommand(path, missingInterpreter(path), cause);
    default:
      return cause;
  }
}

function tooLong(args: readonly string[]): string {
  const encoder = new TextEncoder();
  const sizes = args.map((argument) => encoder.encode(argument).length + 1);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const longest = sizes.reduce((most, size) => Math.max(most, size), 0);
  return longest > longestArgument
    ? `args: argument ${sizes.indexOf(longest) + 1} is too long for the kernel: ${longest - 1} ` +
      `bytes, the limit for one is ${longestArgument - 1}`
    : `args: the argument list is too long for the kernel: ${total} bytes in ${args.length} ` +
      `arguments, the limit for all and the environment is ${argumentLimit()}`;
}

/** A quarter of the stack's limit, at most 6 MiB and at least 128 KiB (execve(2)). */
function argumentLimit(): string {
  try {
    const [, soft] = /^Max stack size\s+(\S+)/m.exec(Deno.readTextFileSync("/proc/self/limits")) ??
      [];
    const stack = soft === "unlimited" ? Infinity : Number(soft);
    return `${Math.min(Math.max(stack / 4, longestArgument), 6 * 1024 * 1024)} bytes`;
  } catch {
    // Not Linux: the message does without the figure.
    return "the system's ARG_MAX";
  }
}

/** The file is there, so what the system did not find is what should run it. */
function missingInterpreter(path: string): string {
  const [, interpreter] = /^#![ \t]*(\S+)/.exec(decoder.decode(beginning(path))) ?? [];
  return interpreter === undefined
    ? "it needs a dynamic loader (a C library) that is not here"
    : `its interpreter ${JSON.stringify(interpreter)} does not exist`;
}

function isBinary(path: string): boolean {
  return beginning(path).includes(0);
}

const decoder = new TextDecoder();

function beginning(path: string): Uint8Array {
  const bytes = new Uint8Array(256);
  try {
    using file = Deno.openSync(path);
    return bytes.subarray(0, file.readSync(bytes) ?? 0);
  } catch {
    // Executable but not readable: then there is nothing to tell.
    return bytes.subarray(0, 0);
  }
}
