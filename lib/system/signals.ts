/**
 * Signals for processes and process groups.
 *
 * @module
 */

/**
 * Kills a whole process group. One that has ended already is no error.
 *
 * @param pid The group's id, which is the process id of the child that was started `detached`.
 */
export function killGroup(pid: number): void {
  sendSignal(-pid, "SIGKILL");
}

/**
 * Asks a whole process group to end. One that was stopped goes on, so that it can.
 *
 * @param pid The group's id, as for {@linkcode killGroup}.
 */
export function terminateGroup(pid: number): void {
  sendSignal(-pid, "SIGTERM");
  sendSignal(-pid, "SIGCONT");
}

/**
 * Sends a signal. A process that has ended already is no error.
 *
 * @param pid A process id, or that of a group with a minus sign.
 * @param signal The signal.
 * @returns False if this user may not send signals there.
 */
export function sendSignal(pid: number, signal: Deno.Signal): boolean {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) return false;
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return true;
}
