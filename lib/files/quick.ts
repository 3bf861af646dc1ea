/**
 * Calls on small files, made at once where files are quick.
 *
 * Deno hands each asynchronous call on a file to another thread. That takes 30 to 50 microseconds of
 * CPU, several times as much as the call itself where files are local, and a job with files makes
 * eight such calls. Where files are slow, as over a network, calls go on side by side instead.
 *
 * @module
 */

/** Calls that take longer on average, in milliseconds, are handed to other threads. */
const slowMilliseconds = 0.15;

/** How many calls the average looks back. */
const lookBack = 64;

/** After how many calls on other threads it is tried again. */
const pause = 256;

/** How long calls may keep everything else waiting, in milliseconds. */
const turnMilliseconds = 10;

/** More bytes than these are worth another thread. */
const smallBytes = 64 * 1024;

/** Tells where a call is made, from how long calls have taken. */
export class Pace {
  readonly #now: () => number;
  #average = 0;
  /** For how many calls files count as slow. */
  #left = 0;
  /** What was spent since something was handed over, in milliseconds. */
  #spent = 0;
  /** Whether a call was handed over, and nothing has come back since. */
  #isAway = false;

  /** @param now Reads a clock, in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * Makes a call.
   *
   * @param atOnce The call.
   * @param elsewhere The same call, on another thread.
   * @returns What either gives.
   * @throws What either throws.
   */
  async call<T>(atOnce: () => T, elsewhere: () => Promise<T>): Promise<T> {
    return await withDescriptor(() => this.#call(atOnce, elsewhere));
  }

  async #call<T>(atOnce: () => T, elsewhere: () => Promise<T>): Promise<T> {
    const isSlow = this.#left > 0;
    if (isSlow) this.#left--;
    // Timers, signals and the network come to their turn when nothing goes on here. So after a while
    // all calls are handed over, until the first of them is back.
    if (isSlow || this.#isAway || this.#spent > turnMilliseconds) {
      return await this.#hand(elsewhere);
    }
    const start = this.#now();
    try {
      return atOnce();
    } finally {
      const milliseconds = this.#now() - start;
      this.#spent += milliseconds;
      this.#average += (milliseconds - this.#average) / lookBack;
      if (this.#average > slowMilliseconds) {
        this.#average = slowMilliseconds / 2;
        this.#left = pause;
      }
    }
  }

  async #hand<T>(elsewhere: () => Promise<T>): Promise<T> {
    this.#isAway = true;
    try {
      return await elsewhere();
    } finally {
      this.#isAway = false;
      this.#spent = 0;
    }
  }
}

/** The pauses before a call is repeated for which there was no descriptor, in milliseconds. */
const firstPause = 5;
const longestPause = 5120;

/**
 * Repeats a call for about ten seconds while it fails for want of a file descriptor: others are
 * closed meanwhile.
 *
 * @param call The call.
 * @param sleep Waits for so many milliseconds. @default {a timer}
 * @returns What it gives.
 * @throws What it throws.
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
 * Returns whether something failed for want of a descriptor, so that it works once others have been
 * closed.
 *
 * @param error What was thrown.
 * @returns True for the errors EMFILE and ENFILE.
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

/** As `Deno.open`, for what is surely no pipe. */
export function open(path: string, options?: Deno.OpenOptions): Promise<Deno.FsFile> {
  return pace.call(() => Deno.openSync(path, options), () => Deno.open(path, options));
}

/**
 * Writes all of some bytes to an open file, which `write` alone does not promise.
 *
 * @param file The open file, and no pipe, where a write may wait for a reader.
 * @param bytes What to write.
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

/** As `Deno.readFile`. */
export async function readFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const { isFile, size } = await stat(path);
  const elsewhere = () => Deno.readFile(path);
  // A pipe is waited for.
  if (!isFile || size > smallBytes) return await withDescriptor(elsewhere);
  return await pace.call(() => Deno.readFileSync(path), elsewhere);
}

/** The mode of a file that is not whole yet: its final mode may be one that others cannot read. */
export const unfinishedMode = 0o600;

/** As `Deno.writeFile`, for a file that is not there yet; it gets {@linkcode unfinishedMode}. */
export async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const options = { createNew: true, mode: unfinishedMode };
  const elsewhere = () => Deno.writeFile(path, bytes, options);
  if (bytes.length > smallBytes) return await withDescriptor(elsewhere);
  await pace.call(() => Deno.writeFileSync(path, bytes, options), elsewhere);
}

/** As `Deno.mkdir`, with those above it. */
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
