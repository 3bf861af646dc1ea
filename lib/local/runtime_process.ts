/**
 * A runtime's process, its log, and its descendants.
 *
 * @module
 */

import type { Environment } from "../environment.ts";
import { killMarked } from "../system/processes.ts";
import { killGroup } from "../system/signals.ts";
import { EnvironmentLog } from "./log.ts";

/** The time for the log to end after the processes have ended, in milliseconds. */
const logEndMilliseconds = 100;

/** Options for {@linkcode RuntimeProcess}. */
export interface RuntimeProcessOptions {
  /** The id of its environment, passed to all its processes as `LLAMA_ENVIRONMENT`. */
  readonly id: string;
  /** Its program and arguments. */
  readonly command: readonly string[];
  /** All its environment variables. */
  readonly variables: Readonly<Record<string, string>>;
  /** Variables that it reads from standard input, so that no other process can see them. */
  readonly keys?: Environment | undefined;
  /** Its working directory. */
  readonly cwd: string;
  /** Receives each line of the log. */
  readonly onLog: ((line: string) => void) | undefined;
}

/** A runtime process. */
export class RuntimeProcess {
  /** Its log. */
  readonly log: EnvironmentLog;
  /** Its exit status. */
  readonly status: Promise<Deno.CommandStatus>;
  readonly #id: string;
  readonly #process: Deno.ChildProcess;
  #hasEnded = false;
  #usedMemory = 0;

  /**
   * Starts a runtime.
   *
   * @throws The system's error if the program cannot be started.
   */
  constructor(options: RuntimeProcessOptions) {
    const [program = "", ...args] = options.command;
    this.#id = options.id;
    this.#process = new Deno.Command(program, {
      args,
      cwd: options.cwd,
      clearEnv: true,
      env: options.variables,
      // Carries only the keys, and is held open: its end tells the runtime that llama is gone.
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      // In its own session, so that ctrl-C reaches only llama, which then ends the runtime.
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
      // The process has already ended, which is reported elsewhere.
      .catch(() => {})
      .finally(() => writer.releaseLock());
  }

  /** Kills it and all its descendants, synchronously. */
  kill(): void {
    killGroup(this.#process.pid);
    // Commands have their own sessions, and may have left other processes behind.
    killMarked(`LLAMA_ENVIRONMENT=${this.#id}`, [Deno.pid]);
  }

  /**
   * Returns the runtime's peak memory in MB, or the last known value if the process has ended; 0 if
   * unknown.
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

  /** Waits for its end and for the complete log, and closes its streams. */
  async close(): Promise<void> {
    await this.status;
    await this.#process.stdin.close().catch(() => {});
    // The last output of a crashed runtime gives the reason, and is part of the invocation's log.
    await this.log.close(logEndMilliseconds);
  }
}
