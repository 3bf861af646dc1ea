/**
 * Explains in a command's standard error how it ended. Loaded only for commands that failed.
 *
 * @module
 */

import type { Program } from "./function_command.ts";
import { beginning, foreign, textBeginning, windowsLine } from "./program_file.ts";
import { type CommandResult, killedStatus } from "./run_command.ts";

/** Options for {@linkcode explainEnding}. */
export interface EndingOptions {
  /** The program that was run. */
  program: Program;
  /** The job's duration so far in milliseconds, if the function's timeout ended it. */
  timedOutMs: number | undefined;
  /** The number of processes that the kernel killed for lack of memory; undefined if unknown. */
  kills: number | undefined;
  /** Present only if the function's memory is limited; locally it is not. */
  outOfMemory?: unknown;
  /** The function's memory in MB, if known. */
  memoryMb: number | undefined;
}

/**
 * Returns lines that explain how a command ended, where its own messages do not help.
 */
export function explainEnding(
  { status, timedOut }: Pick<CommandResult, "status" | "timedOut">,
  options: EndingOptions,
): string[] {
  const { program: { path }, timedOutMs } = options;
  const lines = [];
  // Other statuses are from signals or from the runtime.
  const why = !timedOut && status > 0 && status < 128 ? whyFailed(path, status) : undefined;
  if (why !== undefined) lines.push(`${JSON.stringify(path)}: ${why}`);
  if (timedOutMs !== undefined) {
    lines.push(
      `ended after ${(timedOutMs / 1000).toFixed(2)} s, before Lambda ends the function at its ` +
        "timeout: raise the timeout (900 seconds at most), or give the job less to do",
    );
  }
  const killed = options.outOfMemory ? whyKilled(status, options) : undefined;
  if (killed !== undefined) lines.push(killed);
  return lines;
}

function whyFailed(path: string, status: number): string | undefined {
  return isForeign(path, status) ? foreign : windowsLine(path);
}

/**
 * The kernel's count shows whether memory ran out: a command may also kill itself, and the kernel
 * may kill any of the processes that the command started.
 */
function whyKilled(status: number, { kills, memoryMb }: EndingOptions): string | undefined {
  const isKilled = status === killedStatus;
  if (kills === 0 || (kills === undefined && !isKilled)) return undefined;
  const size = memoryMb === undefined ? "" : `, which is ${memoryMb} MB`;
  const advice = `raise the function's memory${size} (10,240 MB at most)`;
  if (kills === undefined) {
    return `killed, most likely because the function ran out of memory: ${advice}`;
  }
  if (isKilled) return `killed because the function ran out of memory: ${advice}`;
  const what = kills === 1 ? "a process" : `${kills} processes`;
  return `the function ran out of memory, and the kernel killed ${what} that the command had started: ${advice}`;
}

/** Exit statuses of a shell for a script that it cannot run. */
const shellFailures: ReadonlySet<number> = new Set([2, 126, 127]);

/** The values of ELF's `e_machine` that a kernel runs, by Deno's architecture names (elf(5)). */
const ownMachines = { x86_64: [62, 3], aarch64: [183, 40] } as const;

/**
 * Since 2.9, Deno passes files that the kernel refuses to `sh`, as shells do, even binaries; the
 * messages of `sh` do not help then.
 */
function isForeign(path: string, status: number): boolean {
  if (Deno.build.os !== "linux" || !shellFailures.has(status)) return false;
  const header = beginning(path);
  if (!header.includes(0)) return false;
  const isElf = header.length >= 20 && textBeginning(path).startsWith("\x7fELF");
  const machine = (header[18] ?? 0) + 256 * (header[19] ?? 0);
  return !isElf || !ownMachines[Deno.build.arch].some((own) => own === machine);
}
