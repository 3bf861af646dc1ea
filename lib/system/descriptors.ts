/**
 * The limit on file descriptors, and how it is divided.
 *
 * A job that has run is billed, and its outputs are lost if there is no descriptor to write them
 * with. Therefore connections and files are limited by the number of descriptors.
 *
 * @module
 */

/** The descriptors reserved for Deno itself, standard streams, logs and the like. */
const ownDescriptors = 28;

/** The maximum number of each, at least one. */
export interface DescriptorBudget {
  /** Connections to AWS; as many to S3 as to Lambda. */
  readonly connections: number;
  /** Connections to the emulator, with both ends in this process. */
  readonly localConnections: number;
  /** The emulator's runtimes, with three pipes and a connection each. */
  readonly environments: number;
  /** Files being read or written, with up to two descriptors each. */
  readonly files: number;
}

/**
 * Divides the descriptors of a process.
 *
 * @param limit The number of descriptors. @default {this process's limit}
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
 * Returns this process's limit on descriptors, Infinity if none or unknown, as on macOS. Deno raises
 * the soft limit to the hard limit.
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
