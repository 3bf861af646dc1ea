/**
 * What the runtime has of the machine that it runs on, made once at its start.
 *
 * @module
 */

import { killMarked } from "../system/processes.ts";
import { ownProcess } from "../system/process_name.ts";
import type { Log } from "./log.ts";
import { OutOfMemory } from "./out_of_memory.ts";
import { Strays } from "./strays.ts";

/** What jobs need of the machine. */
export interface Host {
  /** Names the runtime, as part of the names of its directories. */
  readonly owner: string;
  /** Ends what leaves a command's process group; absent where that cannot be known. */
  readonly strays: Strays | undefined;
  /** What is killed when memory runs out; absent on the user's machine, which others use too. */
  readonly outOfMemory: OutOfMemory | undefined;
  /** Kills all that jobs have started, by an entry of its environment. */
  readonly endAll: (mark: string) => void;
}

/** What the runtime is told of the machine. */
export interface HostOptions {
  /** Whether it is the user's machine. */
  isLocal: boolean;
  /** The directory for temporary files. */
  temporary: string;
  /** The runtime's log. */
  log: Log;
}

/**
 * Prepares the machine for jobs.
 *
 * @param options What is known of it.
 * @returns What jobs need of it.
 */
export async function prepareHost({ isLocal, temporary, log }: HostOptions): Promise<Host> {
  const strays = Strays.adopt();
  const { pid, start, namespace } = ownProcess();
  const owner = `${pid}-${start}-${namespace}`;
  const endAll = (mark: string) => killMarked(mark, [Deno.pid]);
  // There, each environment has a directory of its own, and memory is not the function's alone.
  if (isLocal) return { owner, strays, outOfMemory: undefined, endAll };
  const { removeLeftovers } = await import("./leftovers.ts");
  await removeLeftovers(temporary, (line) => log("WARN", line));
  return { owner, strays, outOfMemory: new OutOfMemory(), endAll };
}
