/**
 * Calls on small files, made at once where files are quick.
 *
 * Deno hands each asynchronous call on a file to another thread. That takes 30 to 50 microseconds of
 * CPU, several times as much as the call itself where files are local, and a job with files makes
 * seven such calls. Where files are slow, as over a network, calls go on side by side instead.
 *
 * @module
 */

/** Calls that take longer on average, in milliseconds, are handed to other threads. */
const slowMilliseconds = 0.5;

/** How many calls the average looks back. */
const lookBack = 16;

/** After how many calls on other threads it is tried again. */
const pause = 256;

/** A write of more bytes than these is worth another thread. */
const smallBytes = 64 * 1024;

/** Tells where files are slow, from how long calls have taken. */
export class Pace {
  readonly #now: () => number;
  #average = 0;
  #left = 0;

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
    if (this.#left > 0) {
      this.#left--;
      return await elsewhere();
    }
    const start = this.#now();
    try {
      return atOnce();
    } finally {
      this.#average += (this.#now() - start - this.#average) / lookBack;
      if (this.#average > slowMilliseconds) {
        this.#average = slowMilliseconds / 2;
        this.#left = pause;
      }
    }
  }
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

/** As `Deno.open`. */
export function open(path: string, options?: Deno.OpenOptions): Promise<Deno.FsFile> {
  return pace.call(() => Deno.openSync(path, options), () => Deno.open(path, options));
}

/**
 * Writes all of some bytes to an open file, which `write` alone does not promise.
 *
 * @param file The open file; no pipe or terminal, where a write may wait for a reader.
 * @param bytes What to write.
 */
export async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) {
    const piece = rest;
    const elsewhere = () => file.write(piece);
    const isSmall = piece.length <= smallBytes;
    rest = piece.subarray(
      await (isSmall ? pace.call(() => file.writeSync(piece), elsewhere) : elsewhere()),
    );
  }
}

/** As `Deno.readFile`, for what is small. */
export function readFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return pace.call(() => Deno.readFileSync(path), () => Deno.readFile(path));
}

/** As `Deno.writeFile`, for a small file that is not there yet. */
export function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const options = { createNew: true };
  return pace.call(
    () => Deno.writeFileSync(path, bytes, options),
    () => Deno.writeFile(path, bytes, options),
  );
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
