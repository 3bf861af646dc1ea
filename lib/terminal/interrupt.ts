/**
 * The signals that end a program.
 *
 * @module
 */

import { constants } from "node:os";

/** Signals that a program can catch and that end one which does not. */
const endingSignals = [
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "SIGQUIT",
  "SIGABRT",
  "SIGALRM",
  "SIGUSR1",
  "SIGUSR2",
  "SIGXCPU",
] as const;

/** A signal came. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  /** The exit status that says so: 128 + the signal's number. */
  readonly exitCode: number;

  /** @param signal The signal's name. */
  constructor(signal: (typeof endingSignals)[number]) {
    super(signal === "SIGINT" ? "interrupted" : `ended by ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/**
 * Listens for the signals that end a program.
 *
 * @param handle Called for each that comes.
 * @returns Dispose of it to stop listening.
 */
export function onInterrupt(handle: (interrupted: Interrupted) => void): Disposable {
  const listeners = endingSignals.map((signal) => {
    const listener = () => handle(new Interrupted(signal));
    Deno.addSignalListener(signal, listener);
    return { signal, listener };
  });
  return {
    [Symbol.dispose]() {
      for (const { signal, listener } of listeners) Deno.removeSignalListener(signal, listener);
    },
  };
}
