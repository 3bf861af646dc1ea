/**
 * Controls and detects what the kernel kills when memory runs out.
 *
 * @module
 */

/** The highest score: processes that have it are killed first (proc(5)). */
const highest = new TextEncoder().encode("1000");

/** The kernel's out-of-memory killer. */
export class OutOfMemory {
  readonly #score: { file: Deno.FsFile; own: Uint8Array } | undefined;
  readonly #vmstat: Deno.FsFile | undefined;
  readonly #buffer = new Uint8Array(32 * 1024);
  #seen: number | undefined;

  /** @param proc The path of the proc file system. @default {"/proc"} */
  constructor(proc = "/proc") {
    this.#score = opened(() => {
      const path = `${proc}/self/oom_score_adj`;
      return { own: Deno.readFileSync(path), file: Deno.openSync(path, { write: true }) };
    });
    this.#vmstat = opened(() => Deno.openSync(`${proc}/vmstat`));
    this.#seen = this.#count();
  }

  /**
   * Starts a program that the kernel kills before the runtime, as well as all its descendants: they
   * inherit the score that the runtime has during the call.
   *
   * @param start Starts the program synchronously.
   * @returns The result of `start`.
   */
  atRisk<T>(start: () => T): T {
    if (!this.#score) return start();
    const { file, own } = this.#score;
    set(file, highest);
    try {
      return start();
    } finally {
      set(file, own);
    }
  }

  /**
   * Returns the number of processes killed for lack of memory since the last call; undefined if the
   * kernel does not count them (before Linux 4.13).
   */
  kills(): number | undefined {
    const count = this.#count();
    const before = this.#seen;
    this.#seen = count;
    return count === undefined || before === undefined ? undefined : count - before;
  }

  /** Closes the open files. */
  [Symbol.dispose](): void {
    this.#score?.file.close();
    this.#vmstat?.close();
  }

  #count(): number | undefined {
    const file = this.#vmstat;
    if (!file) return undefined;
    file.seekSync(0, Deno.SeekMode.Start);
    let length = 0;
    for (let count: number | null; (count = file.readSync(this.#buffer.subarray(length)));) {
      length += count;
    }
    const text = decoder.decode(this.#buffer.subarray(0, length));
    const [, kills] = /^oom_kill (\d+)$/m.exec(text) ?? [];
    return kills === undefined ? undefined : Number(kills);
  }
}

const decoder = new TextDecoder();

function opened<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch {
    // Not Linux, or /proc is missing or read-only.
    return undefined;
  }
}

function set(file: Deno.FsFile, score: Uint8Array): void {
  try {
    file.writeSync(score);
  } catch {
    // If refused, the kernel chooses by size alone.
  }
}
