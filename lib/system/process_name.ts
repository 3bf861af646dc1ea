/**
 * Unique names of processes, by which others can tell whether the process has ended.
 *
 * @module
 */

import process from "node:process";

/** A process's unique name, which differs even if its id is reused. */
export interface ProcessName {
  /** Its id in its PID namespace. */
  readonly pid: number;
  /** Its start time, in clock ticks since boot; 0 if unknown. */
  readonly start: number;
  /** Its PID namespace; 0 if unknown. */
  readonly namespace: string;
}

let own: ProcessName | undefined;

/**
 * Returns the name of this process.
 */
export function ownProcess(): ProcessName {
  return own ??= {
    pid: Deno.pid,
    start: startTime(Deno.pid) ?? 0,
    namespace: processNamespace(),
  };
}

/**
 * Reports whether a process of this PID namespace is running; false only if it has ended.
 */
export function isRunning({ pid, start }: Pick<ProcessName, "pid" | "start">): boolean {
  const now = startTime(pid);
  // A process with a reused id has a later start time.
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
    // The process has ended, or there is no /proc.
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
