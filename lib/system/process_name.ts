/**
 * Names for processes, which tell later ones whether their owner has ended.
 *
 * @module
 */

import process from "node:process";

/** A process, as far as another one can tell it from those that had its id before. */
export interface ProcessName {
  /** Its id in its namespace. */
  readonly pid: number;
  /** When it started, in clock ticks since the machine did; 0 where that cannot be known. */
  readonly start: number;
  /** The namespace of its id: 0 where there are none. */
  readonly namespace: string;
}

let own: ProcessName | undefined;

/**
 * Returns the name of this process.
 *
 * @returns Its id, start time and namespace.
 */
export function ownProcess(): ProcessName {
  return own ??= {
    pid: Deno.pid,
    start: startTime(Deno.pid) ?? 0,
    namespace: processNamespace(),
  };
}

/**
 * Tells whether a process runs. Its id must be of the namespace of this process.
 *
 * @param name The process.
 * @returns False only if it has ended.
 */
export function isRunning({ pid, start }: Pick<ProcessName, "pid" | "start">): boolean {
  const now = startTime(pid);
  // A process that got the id of one that is gone has started later.
  if (now !== undefined && start !== 0) return now === start;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

function startTime(pid: number): number | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The second field is the program's name in parentheses, and may contain anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = Number(fields[19]);
    return Number.isInteger(ticks) ? ticks : undefined;
  } catch {
    // It has ended, or there is no /proc.
    return undefined;
  }
}

function processNamespace(): string {
  try {
    return /\d+/.exec(Deno.readLinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
  } catch {
    return "0";
  }
}
