/**
 * The machine that the runtime runs on.
 *
 * @module
 */

import { killMarked } from "../system/processes.ts";
import { ownProcess } from "../system/process_name.ts";
import type { Log } from "./log.ts";
import { OutOfMemory } from "./out_of_memory.ts";
import { Strays } from "./strays.ts";

/** The parts of the machine that jobs use; created once, at start. */
export interface Host {
  /** The runtime's process name, a part of the names of its directories. */
  readonly owner: string;
  /** Kills processes that leave a command's process group; absent where they cannot be found. */
  readonly strays: Strays | undefined;
  /** Chooses what is killed when memory runs out; absent locally, where memory is shared. */
  readonly outOfMemory: OutOfMemory | undefined;
  /** Kills all processes that jobs started, by an entry of their environment. */
  readonly endAll: (mark: string) => void;
}

/** Options for {@linkcode prepareHost}. */
export interface HostOptions {
  /** Whether this is the user's machine, under the emulator. */
  isLocal: boolean;
  /** The directory for temporary files. */
  temporary: string;
  /** The runtime's log. */
  log: Log;
}

/**
 * Prepares the machine for jobs.
 */
export async function prepareHost({ isLocal, temporary, log }: HostOptions): Promise<Host> {
  const strays = Strays.adopt();
  const { pid, start, namespace } = ownProcess();
  const owner = `${pid}-${start}-${namespace}`;
  const endAll = (mark: string) => killMarked(mark, [Deno.pid]);
  // Under the emulator each environment has its own directory, and memory is shared.
  if (isLocal) return { owner, strays, outOfMemory: undefined, endAll };
  const { removeLeftovers } = await import("./leftovers.ts");
  await removeLeftovers(temporary, (line) => log("WARN", line));
  return { owner, strays, outOfMemory: new OutOfMemory(), endAll };
}
