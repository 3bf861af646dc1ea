/**
 * What the runtime adds to a command's standard error about how it ended. Loaded only for commands
 * that did not simply succeed.
 *
 * @module
 */

import type { Program } from "./function_command.ts";
import { beginning, foreign, textBeginning, windowsLine } from "./program_file.ts";
import { type CommandResult, killedStatus } from "./run_command.ts";

/** What is known of an end besides the command's result. */
export interface EndingOptions {
  /** What was run. */
  program: Program;
  /** How long the job took so far, in milliseconds, if the function's own time ended it. */
  timedOutMs: number | undefined;
  /** How many processes the kernel killed meanwhile for want of memory; undefined if it is not told. */
  kills: number | undefined;
  /** There only where the function's memory is bounded; on the user's machine it is not. */
  outOfMemory?: unknown;
  /** The function's memory in MB, if it is known. */
  memoryMb: number | undefined;
}

/**
 * Explains how a command ended, where its own words are no help.
 *
 * @param result How it ended.
 * @param options What else is known.
 * @returns Lines without their ends.
 */
export function explainEnding(
  { status, timedOut }: Pick<CommandResult, "status" | "timedOut">,
  options: EndingOptions,
): string[] {
  const { program: { path }, timedOutMs } = options;
  const lines = [];
  // Other statuses are signals, or the runtime's own.
  const why = !timedOut && status > 0 && status < 128 ? whyFailed(path, status) : undefined;
  if (why !== undefined) lines.push(`${JSON.stringify(path)}: ${why}`);
  if (timedOutMs !== undefined) {
    lines.push(
      `ended after ${(timedOutMs / 1000).toFixed(2)} s, before Lambda ends the function at its ` +
        "timeout: raise it (900 seconds at most), or give the job less to do",
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
 * The kernel's count tells whether memory ran out: a command may also be killed by itself, and what
 * the kernel kills may be any of the processes that it started.
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

/** A shell's statuses for a script that it cannot make sense of. */
const shellFailures: ReadonlySet<number> = new Set([2, 126, 127]);

/** The numbers of ELF's `e_machine` that a kernel runs, by Deno's names (elf(5)). */
const ownMachines = { x86_64: [62, 3], aarch64: [183, 40] } as const;

/**
 * Since 2.9 Deno does itself what all shells do: what the kernel does not take it gives to `sh`, a
 * binary too, and the words of that are no help.
 */
function isForeign(path: string, status: number): boolean {
  if (Deno.build.os !== "linux" || !shellFailures.has(status)) return false;
  const header = beginning(path);
  if (!header.includes(0)) return false;
  const isElf = header.length >= 20 && textBeginning(path).startsWith("\x7fELF");
  const machine = (header[18] ?? 0) + 256 * (header[19] ?? 0);
  return !isElf || !ownMachines[Deno.build.arch].some((own) => own === machine);
}
