/**
 * Whether the terminal is this process's to draw on.
 *
 * @module
 */

/**
 * Whether the process runs in the foreground of its terminal, and not behind a shell's prompt.
 *
 * @returns False if it is known to run in the background, which only Linux tells.
 */
export function isInForeground(): boolean {
  let stat;
  try {
    stat = Deno.readTextFileSync("/proc/self/stat");
  } catch {
    return true;
  }
  // https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the fields after the name, which
  // may hold anything, are state, ppid, pgrp, session, tty_nr, tpgid. The last is -1 without a
  // terminal to be in the background of.
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return foreground === group || foreground === "-1";
}
