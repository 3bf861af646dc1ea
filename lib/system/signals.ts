/**
 * Sends signals to processes and process groups.
 *
 * @module
 */

/**
 * Kills a process group. It is not an error if it has already ended.
 *
 * @param pid The group's id: the process id of the child that was started `detached`.
 */
export function killGroup(pid: number): void {
  sendSignal(-pid, "SIGKILL");
}

/**
 * Asks a process group to end, after continuing it if it was stopped.
 *
 * @param pid The group's id, as for {@linkcode killGroup}.
 */
export function terminateGroup(pid: number): void {
  sendSignal(-pid, "SIGTERM");
  sendSignal(-pid, "SIGCONT");
}

/**
 * Sends a signal. It is not an error if the process has already ended.
 *
 * @param pid A process id, or a negated group id.
 * @param signal The signal.
 * @returns False if this user may not signal the process.
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
