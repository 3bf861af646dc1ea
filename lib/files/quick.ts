/**
 * File operations that are synchronous if the file system is fast.
 *
 * Deno runs each asynchronous file operation on another thread. That costs 30 to 50 microseconds of
 * CPU, several times the operation itself on a local file system, and a job with files makes eight
 * such calls. On slow file systems, as over a network, operations are asynchronous and concurrent.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { setImmediate } from "node:timers/promises";

/** The average duration from which calls run on other threads, in milliseconds. */
const slowMilliseconds = 0.15;

/** The number of calls that the moving average covers. */
const lookBack = 64;

/** The number of calls on other threads before synchronous ones are tried again. */
const pause = 256;

/** How long synchronous calls may block everything else, in milliseconds. */
const turnMilliseconds = 10;

/** The maximum size of synchronous reads and writes, in bytes. */
const smallBytes = 64 * 1024;

/** Chooses between synchronous and asynchronous calls by their duration so far. */
export class Pace {
  readonly #now: () => number;
  #average = 0;
  /** The number of calls for which files still count as slow. */
  #left = 0;
  /** The time spent in synchronous calls since the last turn of everything else, in milliseconds. */
  #spent = 0;
  /** The next turn of everything else, if calls wait for it. */
  #turn: Promise<void> | undefined;

  /** @param now Returns the time in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * Makes a call.
   *
   * @param atOnce The synchronous call.
   * @param elsewhere The same call, asynchronous.
   * @returns The result of either.
   * @throws The error of either.
   */
  async call<T>(atOnce: () => T, elsewhere: () => Promise<T>): Promise<T> {
    // Timers, signals and the network run only when nothing blocks.
    while (this.#spent > turnMilliseconds) await (this.#turn ??= this.#giveTurn());
    if (this.#left > 0) {
      this.#left--;
      return await withDescriptor(elsewhere);
    }
    const start = this.#now();
    try {
      return atOnce();
    } catch (error) {
      if (!isOutOfDescriptors(error)) throw error;
    } finally {
      const milliseconds = this.#now() - start;
      this.#spent += milliseconds;
      this.#average += (milliseconds - this.#average) / lookBack;
      if (this.#average > slowMilliseconds) {
        this.#average = slowMilliseconds / 2;
        this.#left = pause;
      }
    }
    return await withDescriptor(elsewhere);
  }

  async #giveTurn(): Promise<void> {
    // The first lets the event loop wait, and so look for what has arrived; the second lets it run
    // timers. Either alone starves the other for up to a hundred turns.
    await Deno.lstat("/");
    await setImmediate();
    this.#spent = 0;
    this.#turn = undefined;
  }
}

/** The first and last pauses before retries for lack of a descriptor, in milliseconds. */
const firstPause = 5;
const longestPause = 5120;

/**
 * Retries a call for about ten seconds while it fails for lack of a file descriptor, since others
 * will be closed.
 *
 * @param call The call.
 * @param sleep Waits for a number of milliseconds. @default {a timer}
 * @returns The call's result.
 * @throws The call's error.
 */
export async function withDescriptor<T>(
  call: () => Promise<T>,
  sleep: (milliseconds: number) => Promise<unknown> = (milliseconds) =>
    new Promise((resolve) => setTimeout(resolve, milliseconds)),
): Promise<T> {
  for (let pause = firstPause;; pause *= 2) {
    try {
      return await call();
    } catch (error) {
      if (!isOutOfDescriptors(error) || pause > longestPause) throw error;
      await sleep(pause);
    }
  }
}

/**
 * Reports whether an error is a lack of file descriptors: EMFILE or ENFILE.
 */
export function isOutOfDescriptors(error: unknown): boolean {
  return error instanceof Error && "code" in error &&
    (error.code === "EMFILE" || error.code === "ENFILE");
}

const pace = new Pace();

/** As `Deno.stat`. */
export function stat(path: string): Promise<Deno.FileInfo> {
  return pace.call(() => Deno.statSync(path), () => Deno.stat(path));
}

/** As `Deno.lstat`. */
export function lstat(path: string): Promise<Deno.FileInfo> {
  return pace.call(() => Deno.lstatSync(path), () => Deno.lstat(path));
}

/** As `Deno.open`, for a file that is certainly not a pipe. */
export function open(path: string, options?: Deno.OpenOptions): Promise<Deno.FsFile> {
  return pace.call(() => Deno.openSync(path, options), () => Deno.open(path, options));
}

/**
 * Writes all bytes to an open file; `write` alone may write only a part.
 *
 * @param file The open file; not a pipe, since a write would block without a reader.
 * @param bytes The bytes.
 */
export async function writeToFile(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) {
    const piece = rest;
    const elsewhere = () => file.write(piece);
    const isSmall = piece.length <= smallBytes;
    rest = piece.subarray(
      await (isSmall ? pace.call(() => file.writeSync(piece), elsewhere) : elsewhere()),
    );
  }
}

/**
 * As `Deno.readFile`.
 *
 * @param path The file.
 * @param size Its size, if it is known to be a regular file.
 */
export async function readFile(path: string, size?: number): Promise<Uint8Array<ArrayBuffer>> {
  const elsewhere = () => Deno.readFile(path);
  let known = size;
  if (known === undefined) {
    const info = await stat(path);
    // Reading from a pipe may block.
    known = info.isFile ? info.size : Infinity;
  }
  if (known > smallBytes) return await withDescriptor(elsewhere);
  return await pace.call(() => Deno.readFileSync(path), elsewhere);
}

/** The mode of an incomplete file, since its final mode may deny access to others. */
export const unfinishedMode = 0o600;

/** As `Deno.writeFile`, for a new file with {@linkcode unfinishedMode}. */
export async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const options = { createNew: true, mode: unfinishedMode };
  const elsewhere = () => Deno.writeFile(path, bytes, options);
  if (bytes.length > smallBytes) return await withDescriptor(elsewhere);
  await pace.call(() => Deno.writeFileSync(path, bytes, options), elsewhere);
}

/** As `Deno.mkdir`, including parent directories. */
export function makeDirectories(path: string): Promise<void> {
  const options = { recursive: true };
  return pace.call(() => Deno.mkdirSync(path, options), () => Deno.mkdir(path, options));
}

/** As `Deno.chmod`. */
export function chmod(path: string, mode: number): Promise<void> {
  return pace.call(() => Deno.chmodSync(path, mode), () => Deno.chmod(path, mode));
}

/** As `Deno.rename`. */
export function rename(from: string, to: string): Promise<void> {
  return pace.call(() => Deno.renameSync(from, to), () => Deno.rename(from, to));
}

/** As `Deno.link`. */
export function link(from: string, to: string): Promise<void> {
  return pace.call(() => Deno.linkSync(from, to), () => Deno.link(from, to));
}

/** As `Deno.remove`, for a file. */
export function removeFile(path: string): Promise<void> {
  return pace.call(() => Deno.removeSync(path), () => Deno.remove(path));
}

/**
 * Reports whether a path probably leads to nothing, without provoking an exception.
 *
 * @returns True also for a broken link; false also where files are slow.
 */
export function isProbablyNew(path: string): Promise<boolean> {
  return pace.call(() => !existsSync(path), () => Promise.resolve(false));
}
