/**
 * Detects whether the process runs in the foreground of its terminal.
 *
 * @module
 */

/**
 * Reports whether the process runs in the foreground of its terminal.
 *
 * @returns False if it is known to run in the background, which can be found out only on Linux.
 */
export function isInForeground(): boolean {
  let stat;
  try {
    stat = Deno.readTextFileSync("/proc/self/stat");
  } catch {
    return true;
  }
  // https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the fields after the name, which may
  // contain any characters, are state, ppid, pgrp, session, tty_nr, tpgid. tpgid is -1 if the process
  // has no terminal.
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return foreground === group || foreground === "-1";
}
