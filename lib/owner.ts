/**
 * The process that a temporary directory belongs to, as part of the directory's name.
 *
 * A name says whose the directory is from its first moment on, so that no process that starts
 * meanwhile takes it for a stale one.
 *
 * @module
 */

let own: string | undefined;

/**
 * Names this process by its id, its start time, and the namespace that the id belongs to.
 *
 * @returns Such as `4711-90210-4026531836`.
 */
export function ownerName(): string {
  return own ??= `${Deno.pid}-${statOf(Deno.pid)?.start ?? 0}-${processNamespace()}`;
}

/**
 * Reads what the kernel tells of a process.
 *
 * @param pid The process id.
 * @returns Its state, and when it started in clock ticks since the machine did; undefined if there
 * is no such process, or no Linux `/proc`.
 */
export function statOf(pid: number): { state: string | undefined; start: number } | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The second field is the program's name in parentheses, and may contain anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const start = Number(fields[19]);
    return Number.isInteger(start) ? { state: fields[0], start } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns a number for what process ids are relative to.
 *
 * @returns Its digits; 0 where there are no namespaces.
 */
export function processNamespace(): string {
  try {
    return /\d+/.exec(Deno.readLinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
  } catch {
    return "0";
  }
}
