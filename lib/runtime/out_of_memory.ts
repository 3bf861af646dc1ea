/**
 * What happens when memory runs out: who is killed, and how that is known.
 *
 * @module
 */

/** The highest score: of all processes, those with it are killed first (proc(5)). */
const highest = new TextEncoder().encode("1000");

/** The kernel's choice of what to kill. */
export class OutOfMemory {
  readonly #score: { file: Deno.FsFile; own: Uint8Array } | undefined;
  readonly #vmstat: Deno.FsFile | undefined;
  readonly #buffer = new Uint8Array(32 * 1024);
  #seen: number | undefined;

  /** @param proc Where the proc file system is. @default {"/proc"} */
  constructor(proc = "/proc") {
    this.#score = opened(() => {
      const path = `${proc}/self/oom_score_adj`;
      return { own: Deno.readFileSync(path), file: Deno.openSync(path, { write: true }) };
    });
    this.#vmstat = opened(() => Deno.openSync(`${proc}/vmstat`));
    this.#seen = this.#count();
  }

  /**
   * Starts a program that is killed before the runtime is, with all that it starts: they inherit
   * the score that the runtime has for this moment.
   *
   * @param start Starts it, before it returns.
   * @returns What `start` returns.
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
   * Returns how many processes were killed since the last call, for want of memory.
   *
   * @returns The number; undefined if the kernel does not count them (before Linux 4.13).
   */
  kills(): number | undefined {
    const count = this.#count();
    const before = this.#seen;
    this.#seen = count;
    return count === undefined || before === undefined ? undefined : count - before;
  }

  /** Closes what it reads. */
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
    // Not Linux, or /proc is read only or not there: then there is nothing to set or to know.
    return undefined;
  }
}

function set(file: Deno.FsFile, score: Uint8Array): void {
  try {
    file.writeSync(score);
  } catch {
    // Refused: then the kernel chooses by size alone.
  }
}
