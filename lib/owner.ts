/**
 * The process that a temporary directory belongs to, as part of the directory's name.
 *
 * A name says whose the directory is from its first moment on, so that no process that starts
 * meanwhile takes it for a stale one.
 *
 * @module
 */

import process from "node:process";

let own: string | undefined;

/**
 * Names this process by its id, its start time, and the namespace that the id belongs to.
 *
 * @returns Such as `4711-90210-4026531836`.
 */
export function ownerName(): string {
  return own ??= `${Deno.pid}-${startTime(Deno.pid) ?? 0}-${processNamespace()}`;
}

/**
 * Tells what became of the process that a directory is named after.
 *
 * @param name The directory's name from where {@linkcode ownerName} begins.
 * @returns `foreign` if it is of another namespace, as containers have that share a /tmp: its id
 * means nothing here. `none` if no process is named.
 */
export function fateOfOwner(name: string): "alive" | "dead" | "foreign" | "none" {
  const [, pid, start, namespace] = /^(\d+)-(\d+)-(\d+)-/.exec(name) ?? [];
  if (pid === undefined || start === undefined) return "none";
  if (namespace !== processNamespace()) return "foreign";
  return isRunning(Number(pid), Number(start)) ? "alive" : "dead";
}

function isRunning(pid: number, start: number): boolean {
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

/** The start time of a process that has ended. */
const never = -1;

/** When a process started, in clock ticks since the machine did; undefined if that is not told. */
function startTime(pid: number): number | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The second field is the program's name in parentheses, and may contain anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie has ended, though nobody has asked for its status yet.
    if (fields[0] === "Z" || fields[0] === "X") return never;
    const ticks = Number(fields[19]);
    return Number.isInteger(ticks) ? ticks : undefined;
  } catch {
    return undefined;
  }
}

/** A number for what process ids are relative to; 0 where there are no namespaces. */
function processNamespace(): string {
  try {
    return /\d+/.exec(Deno.readLinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
  } catch {
    return "0";
  }
}
