/**
 * The signals that end a program.
 *
 * @module
 */

import { constants } from "node:os";
import { signalStatus } from "../command_status.ts";

/**
 * Signals that a program can catch and that end one which does not. Without SIGPROF, by which V8's
 * profiler works, and the real-time signals, for which Deno has no names.
 */
const portable = [
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "SIGQUIT",
  "SIGABRT",
  "SIGALRM",
  "SIGUSR1",
  "SIGUSR2",
  "SIGXCPU",
  "SIGXFSZ",
  "SIGVTALRM",
  "SIGSYS",
  "SIGTRAP",
] as const;

/** Those that other systems lack, or do not end a program by. */
const linuxOnly = ["SIGIO", "SIGPWR", "SIGSTKFLT"] as const;

type EndingSignal = (typeof portable | typeof linuxOnly)[number];

const endingSignals: readonly EndingSignal[] = Deno.build.os === "linux"
  ? [...portable, ...linuxOnly]
  : portable;

/** A signal came. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  /** The exit status that says so: 128 + the signal's number. */
  readonly exitCode: number;

  /** @param signal The signal's name. */
  constructor(signal: EndingSignal) {
    super(signal === "SIGINT" ? "interrupted" : `ended by ${signal}`);
    this.exitCode = signalStatus(constants.signals[signal]);
  }
}

/** Equal signals that are closer together are one signal, in milliseconds. */
const echoMilliseconds = 300;

/**
 * Takes equal signals that follow closely as one: a terminal signals a whole group of processes, and
 * `deno task`, `timeout` and others in it pass the signal on, so that it arrives twice.
 *
 * @param handle Called for each signal, but not for its echoes.
 * @param now The time in milliseconds.
 * @returns What to call for each signal that arrives.
 */
export function withoutEchoes(
  handle: (interrupted: Interrupted) => void,
  now: () => number = () => performance.now(),
): (signal: EndingSignal) => void {
  const last = new Map<EndingSignal, number>();
  return (signal) => {
    const time = now();
    if (time - (last.get(signal) ?? -Infinity) < echoMilliseconds) return;
    last.set(signal, time);
    handle(new Interrupted(signal));
  };
}

/**
 * Listens for the signals that end a program, but for those that whoever started it has had ignored,
 * as `nohup` does with SIGHUP.
 *
 * @param handle Called for each that comes; equal ones within 0.3 seconds are one.
 * @returns Dispose of it to stop listening.
 */
export function onInterrupt(handle: (interrupted: Interrupted) => void): Disposable {
  const ignored = ignoredSignals();
  const take = withoutEchoes(handle);
  const listeners = endingSignals.map((signal) => {
    // One that is ignored is listened to all the same: beside any listener, Deno itself takes SIGINT,
    // SIGTERM and SIGHUP, and ends by them.
    const listener = isIgnored(signal, ignored) ? () => {} : () => take(signal);
    Deno.addSignalListener(signal, listener);
    return { signal, listener };
  });
  return {
    [Symbol.dispose]() {
      for (const { signal, listener } of listeners) Deno.removeSignalListener(signal, listener);
    },
  };
}

/**
 * Whether whoever started the process has had a signal ignored; not for one that is listened to.
 *
 * @param signal The signal.
 * @param ignored All that are. @default {as the system says}
 * @returns False where that is not known.
 */
export function isIgnored(
  signal: EndingSignal | "SIGTSTP",
  ignored: bigint = ignoredSignals(),
): boolean {
  return (ignored >> BigInt(constants.signals[signal] - 1) & 1n) === 1n;
}

/** A bit for each signal that is ignored, from 1 on. Only Linux tells. */
function ignoredSignals(): bigint {
  try {
    const [, mask = "0"] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(
      Deno.readTextFileSync("/proc/self/status"),
    ) ?? [];
    return BigInt(`0x${mask}`);
  } catch {
    // No /proc: all are heeded.
    return 0n;
  }
}
