/**
 * The shells with completion.
 *
 * @module
 */

/** The shells that have a completion script. */
export const shells = ["bash", "zsh", "fish"] as const;

/** A shell that has a completion script. */
export type Shell = typeof shells[number];

/**
 * Reports whether there is a completion script for a shell.
 *
 * @param name The shell's name.
 * @returns True for one of {@linkcode shells}.
 */
export function isShell(name: string): name is Shell {
  return shells.some((shell) => shell === name);
}
