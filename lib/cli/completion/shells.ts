/**
 * The shells that complete command lines of llama.
 *
 * @module
 */

/** The shells that there is a script for. */
export const shells = ["bash", "zsh", "fish"] as const;

/** A shell that there is a script for. */
export type Shell = typeof shells[number];

/**
 * Whether there is a script for a shell.
 *
 * @param name The shell's name.
 * @returns True for one of {@linkcode shells}.
 */
export function isShell(name: string): name is Shell {
  return shells.some((shell) => shell === name);
}
