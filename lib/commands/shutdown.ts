/**
 * The end of the process: after the command, or by a signal.
 *
 * @module
 */

import { exitCodes } from "../cli/exit_status.ts";
import type { Interrupted } from "../terminal/interrupt.ts";
import type { Output } from "../terminal/output.ts";
import type { Closable } from "./context.ts";

/** The time that an interrupted command has to clean up before the process exits anyway. */
const cleanUpMilliseconds = 3000;

/** Closes what a command has opened, and exits the process. */
export class Shutdown {
  readonly #output: Output;
  readonly #opened: Closable[] = [];
  readonly #stop = new AbortController();
  readonly #drain = new AbortController();
  #canDrain = false;
  /** The first ctrl-C, until its message has been printed. */
  #unreported: Interrupted | undefined;

  /** @param output Where messages about signals are printed. */
  constructor(output: Output) {
    this.#output = output;
  }

  /** Aborted with an `Interrupted` when the command has to stop. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** See `CommandContext.drain`. */
  drain(): AbortSignal {
    this.#canDrain = true;
    return this.#drain.signal;
  }

  /** See `CommandContext.closeAtExit`. */
  closeAtExit<T extends Closable>(opened: T): T {
    this.#opened.push(opened);
    return opened;
  }

  /**
   * Handles a signal. The first ctrl-C lets a command that can drain wait for its jobs in flight. Any
   * other signal stops the command, and one after that exits at once.
   */
  interrupt(reason: Interrupted): void {
    if (this.signal.aborted) this.exit(reason.exitCode);
    const count = this.#countJobs();
    const isCtrlC = reason.exitCode === exitCodes.interrupted;
    if (isCtrlC && this.#canDrain && count > 0 && !this.#drain.signal.aborted) {
      this.#drain.abort(reason);
      this.#unreported = reason;
      // Jobs that were not sent yet end in the meantime, and are not counted.
      setTimeout(() => this.#reportDrain());
      return;
    }
    const jobs = count === 1 ? "1 job was" : `${count} jobs were`;
    void this.#output.message(count > 0 ? `${reason.message}: ${jobs} in flight` : reason.message);
    this.#stop.abort(reason);
    Deno.unrefTimer(setTimeout(() => this.exit(reason.exitCode), cleanUpMilliseconds));
  }

  /** Closes everything after a command that succeeded; throws the first error. */
  async close(): Promise<void> {
    await Promise.all(this.#opened.map((closable) => closable.close()));
    this.#reportDrain();
    await this.#output.flush();
  }

  /** Closes everything after a command that failed; further errors are dropped. */
  async closeAfterFailure(): Promise<void> {
    await Promise.allSettled(this.#opened.map((closable) => closable.close()));
    // Nobody waited for the remaining messages, and statusOf has reported why writing them fails.
    await this.#output.flush().catch(() => {});
  }

  /** Closes everything at once, and exits. */
  exit(status: number): never {
    for (const closable of this.#opened) closable.closeSync();
    Deno.exit(status);
  }

  #countJobs(): number {
    return this.#opened.reduce((sum, { inFlight = 0 }) => sum + inFlight, 0);
  }

  #reportDrain(): void {
    if (this.#unreported === undefined) return;
    const { message } = this.#unreported;
    this.#unreported = undefined;
    const count = this.#countJobs();
    const jobs = count === 1 ? "1 job" : `${count} jobs`;
    const waiting = `no new jobs, waiting for ${jobs} in flight; ctrl-C again drops them`;
    void this.#output.message(count > 0 ? `${message}: ${waiting}` : message);
  }
}
