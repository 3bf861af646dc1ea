/**
 * The directory of one run for what is temporary, and those that dead runs left behind.
 *
 * @module
 */

import { join } from "node:path";
import process from "node:process";
import { LlamaError, reasonOf } from "./errors.ts";
import { removeIfThere } from "./files.ts";

const prefix = "llama-local-";

/**
 * Makes a directory for this run. Its name says whose it is from its first moment on, so that no
 * run that starts meanwhile takes it for a stale one: process id, start time and namespace.
 *
 * @param parent Where temporary directories go.
 * @returns Its path; only this user may enter it.
 * @throws {LlamaError} `config` if none can be made there.
 */
export function makeRunDirectory(parent: string): string {
  try {
    return makeOwnDirectory(parent);
  } catch (cause) {
    throw new LlamaError("config", `cannot make a directory in ${parent}: ${reasonOf(cause)}`, {
      cause,
      hint: "set TMPDIR to a directory that can be written to",
    });
  }
}

/**
 * The same for those who have their own words for a failure.
 *
 * @param parent Where temporary directories go.
 * @returns Its path.
 * @throws What the file system throws.
 */
export function makeOwnDirectory(parent: string): string {
  const owner = `${Deno.pid}-${startTime(Deno.pid) ?? 0}-${processNamespace()}`;
  return Deno.makeTempDirSync({ dir: parent, prefix: `${prefix}${owner}-` });
}

/**
 * Removes what runs left behind that were ended by SIGKILL, or by the machine's end. What cannot be
 * removed stays: another run may be at it, and the next one will try again.
 *
 * @param parent Where temporary directories go.
 */
export async function removeStaleDirectories(parent: string): Promise<void> {
  const namespace = processNamespace();
  try {
    for await (const entry of Deno.readDir(parent)) {
      const [, pid, start, owner] = /^llama-local-(\d+)-(\d+)-(\d+)-/.exec(entry.name) ?? [];
      // A process id means something only in its own namespace; containers may share a /tmp.
      if (pid === undefined || start === undefined || owner !== namespace) continue;
      const path = join(parent, entry.name);
      if (isRunning(Number(pid), Number(start)) || !isOwnDirectory(path)) continue;
      await removeTree(path).catch(() => {});
    }
  } catch {
    // A directory that cannot be listed shows nothing to remove.
  }
}

/**
 * Removes a directory, even where a job took the right to write away from directories in it.
 *
 * @param path The directory; one that is not there is no error.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await removeIfThere(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    openDirectories(path);
    await removeIfThere(path);
  }
}

/**
 * {@linkcode removeTree}, before the next line runs. At the end of a program there is no time for
 * another way, and nobody to tell of a failure.
 *
 * @param path The directory.
 */
export function removeTreeSync(path: string): void {
  for (const prepare of [() => {}, openDirectories]) {
    try {
      prepare(path);
      Deno.removeSync(path, { recursive: true });
      return;
    } catch (error) {
      if (!(error instanceof Deno.errors.PermissionDenied)) return;
    }
  }
}

function openDirectories(path: string): void {
  Deno.chmodSync(path, 0o700);
  for (const entry of Deno.readDirSync(path)) {
    if (entry.isDirectory) openDirectories(join(path, entry.name));
  }
}

function isOwnDirectory(path: string): boolean {
  try {
    const info = Deno.lstatSync(path);
    return info.isDirectory && info.uid === Deno.uid();
  } catch {
    return false;
  }
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

/** When a process started, in clock ticks since the machine did; undefined if that is not told. */
function startTime(pid: number): number | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The second field is the program's name in parentheses, and may contain anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
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
