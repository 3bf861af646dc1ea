/**
 * What became of the process that a temporary directory is named after.
 *
 * @module
 */

import process from "node:process";
import { processNamespace, statOf } from "./owner.ts";

/**
 * Tells what became of the process that a directory is named after.
 *
 * @param name The directory's name, from where `ownerName` begins in it.
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
  const now = statOf(pid);
  // A zombie has ended, though nobody has asked for its status yet.
  if (now?.state === "Z" || now?.state === "X") return false;
  // A process that got the id of one that is gone has started later.
  if (now !== undefined && start !== 0) return now.start === start;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}
