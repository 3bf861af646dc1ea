/**
 * Exit statuses of commands, by the conventions of POSIX shells and of coreutils' `timeout`.
 *
 * @module
 */

/** The status of a command that timed out. */
export const timedOutStatus = 124;

/** The status for a failure that is not the command's own. */
export const failedStatus = 125;

/**
 * Returns the status of a command that a signal ended.
 *
 * @param signal The signal's number.
 * @returns 128 + N.
 */
export function signalStatus(signal: number): number {
  return 128 + signal;
}

/**
 * Returns the signal that ended a command.
 *
 * @param status The command's exit status.
 * @returns The signal's number, of which Linux has 64; 0 if the status does not stand for a signal.
 */
export function signalOf(status: number): number {
  const signal = status - signalStatus(0);
  return signal > 0 && signal <= 64 ? signal : 0;
}
