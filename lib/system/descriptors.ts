/**
 * File descriptors: how many a process may have, and how they are shared out.
 *
 * A job that has run is paid for, and its outputs are lost if there is no descriptor to write them
 * with. So what is opened at once is bounded by what the system allows.
 *
 * @module
 */

/** What Deno has open itself, with standard input and output, a log and the like. */
const ownDescriptors = 28;

/** How many of each there may be at once, at least one. */
export interface DescriptorBudget {
  /** Connections to AWS. There may be as many to S3 as to Lambda. */
  readonly connections: number;
  /** Connections to the emulator, both of whose ends are in this process. */
  readonly localConnections: number;
  /** Runtimes of the emulator: three pipes and a connection each. */
  readonly environments: number;
  /** Files that are read or written: two descriptors each, where one is copied. */
  readonly files: number;
}

/**
 * Shares out the descriptors that a process may have.
 *
 * @param limit How many. @default {what the system allows this process}
 * @returns The shares.
 */
export function descriptorBudget(limit: number = descriptorLimit()): DescriptorBudget {
  const share = (part: number) => Math.max(1, Math.floor((limit - ownDescriptors) / part));
  return {
    connections: share(3),
    localConnections: share(6),
    environments: share(12),
    files: share(12),
  };
}

let known: number | undefined;

/**
 * Returns how many descriptors this process may have. Deno raises the soft limit to the hard one.
 *
 * @returns The limit; infinite if there is none, or where the system does not tell, as macOS.
 */
export function descriptorLimit(): number {
  return known ??= readLimit();
}

function readLimit(): number {
  try {
    const limits = Deno.readTextFileSync("/proc/self/limits");
    return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
  } catch {
    return Infinity;
  }
}
