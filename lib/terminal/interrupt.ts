/**
 * Signals that terminate a program.
 *
 * @module
 */

import { constants } from "node:os";
import { signalStatus } from "../functions/command_status.ts";

/**
 * Signals that terminate a program unless it catches them, except for SIGPROF, which V8's profiler
 * uses, and the real-time signals, for which Deno has no names.
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

/** Signals that do not exist, or do not terminate a program, on other systems. */
const linuxOnly = ["SIGIO", "SIGPWR", "SIGSTKFLT"] as const;

type EndingSignal = (typeof portable | typeof linuxOnly)[number];

const endingSignals: readonly EndingSignal[] = Deno.build.os === "linux"
  ? [...portable, ...linuxOnly]
  : portable;

/** The reason for stopping after a signal. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  /** The exit status: 128 + the signal's number. */
  readonly exitCode: number;

  /** @param signal The signal's name. */
  constructor(signal: EndingSignal) {
    super(signal === "SIGINT" ? "interrupted" : `ended by ${signal}`);
    this.exitCode = signalStatus(constants.signals[signal]);
  }
}

/** The time within which equal signals count as one. */
const echoMilliseconds = 300;

/**
 * Drops repeated signals: a terminal signals a whole process group, and `deno task`, `timeout` and
 * others in the group forward the signal, so that it arrives twice.
 *
 * @param handle Called once per signal.
 * @param now Returns the time in milliseconds.
 * @returns The function to call for each signal that arrives.
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
 * Listens for signals that terminate a program. Signals that are ignored, as SIGHUP is under `nohup`,
 * stay ignored.
 *
 * @param handle Called for each signal; equal signals within 0.3 seconds count as one.
 * @returns Dispose of it to stop listening.
 */
export function onInterrupt(handle: (interrupted: Interrupted) => void): Disposable {
  const ignored = ignoredSignals();
  const take = withoutEchoes(handle);
  const listeners = endingSignals.map((signal) => {
    // An ignored signal needs a listener, too: once there is any listener, Deno itself terminates on
    // SIGINT, SIGTERM and SIGHUP that have none.
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
 * Reports whether the process was started with a signal ignored. The answer is wrong for a signal
 * that has a listener.
 *
 * @param signal The signal.
 * @param ignored A bit mask of the ignored signals. @default {that of the process}
 * @returns False if it is not known.
 */
export function isIgnored(
  signal: EndingSignal | "SIGTSTP",
  ignored: bigint = ignoredSignals(),
): boolean {
  return (ignored >> BigInt(constants.signals[signal] - 1) & 1n) === 1n;
}

/** Returns a bit mask of the ignored signals, in which bit 0 is signal 1; 0 on systems besides Linux. */
function ignoredSignals(): bigint {
  try {
    const [, mask = "0"] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(
      Deno.readTextFileSync("/proc/self/status"),
    ) ?? [];
    return BigInt(`0x${mask}`);
  } catch {
    // Without /proc no signal counts as ignored.
    return 0n;
  }
}
