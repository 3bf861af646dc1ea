/**
 * The process of a runtime, its log, and everything that it started.
 *
 * @module
 */

import type { Environment } from "../environment.ts";
import { killMarked } from "../system/processes.ts";
import { killGroup } from "../system/signals.ts";
import { EnvironmentLog } from "./log.ts";

/** How long the log may take to end when all processes have, in milliseconds. */
const logEndMilliseconds = 100;

/** How to start a runtime. */
export interface RuntimeProcessOptions {
  /** The id of its environment, in the variables of all its processes as `LLAMA_ENVIRONMENT`. */
  readonly id: string;
  /** Its program and arguments. */
  readonly command: readonly string[];
  /** All its variables. */
  readonly variables: Readonly<Record<string, string>>;
  /** Variables that it reads from its standard input, so that no other process can see them. */
  readonly keys?: Environment | undefined;
  /** Where it starts. */
  readonly cwd: string;
  /** Gets each line of the log. */
  readonly onLog: ((line: string) => void) | undefined;
}

/** A runtime process. */
export class RuntimeProcess {
  /** What it writes. */
  readonly log: EnvironmentLog;
  /** How it ended. */
  readonly status: Promise<Deno.CommandStatus>;
  readonly #id: string;
  readonly #process: Deno.ChildProcess;
  #hasEnded = false;
  #usedMemory = 0;

  /**
   * Starts a runtime.
   *
   * @param options What to start.
   * @throws Whatever the system says of a program that cannot be started.
   */
  constructor(options: RuntimeProcessOptions) {
    const [program = "", ...args] = options.command;
    this.#id = options.id;
    this.#process = new Deno.Command(program, {
      args,
      cwd: options.cwd,
      clearEnv: true,
      env: options.variables,
      // Held open, and written to for the keys alone: its end tells the runtime that llama is gone.
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      // A session of its own: the terminal's ctrl-C is for llama, which ends this in its own way.
      detached: true,
    }).spawn();
    if (options.keys !== undefined) this.#write(options.keys);
    this.log = new EnvironmentLog([this.#process.stdout, this.#process.stderr], options.onLog);
    this.status = this.#process.status.then((status) => {
      this.#hasEnded = true;
      return status;
    });
  }

  #write(keys: Environment): void {
    const writer = this.#process.stdin.getWriter();
    writer.write(new TextEncoder().encode(JSON.stringify(keys) + "\n"))
      // It has ended already, and how is told elsewhere.
      .catch(() => {})
      .finally(() => writer.releaseLock());
  }

  /** Kills it, and every process that came of it, before the next line runs. */
  kill(): void {
    killGroup(this.#process.pid);
    // A command has a session of its own, and may have left others behind.
    killMarked(`LLAMA_ENVIRONMENT=${this.#id}`, [Deno.pid]);
  }

  /**
   * The peak of the runtime's own memory, where the system tells it.
   *
   * @returns Megabytes; the last known value if the process has ended.
   */
  usedMemory(): number {
    if (this.#hasEnded) return this.#usedMemory;
    try {
      const status = Deno.readTextFileSync(`/proc/${this.#process.pid}/status`);
      const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
      if (kilobytes !== undefined) this.#usedMemory = Math.ceil(Number(kilobytes) / 1024);
    } catch {
      // There is no /proc, or the process has just ended.
    }
    return this.#usedMemory;
  }

  /** Closes what is open when it has ended, once its log is complete. */
  async close(): Promise<void> {
    await this.status;
    await this.#process.stdin.close().catch(() => {});
    // The last words of a runtime that crashed say why, and are part of the invocation's log.
    await this.log.close(logEndMilliseconds);
  }
}
