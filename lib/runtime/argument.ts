/**
 * Checks program arguments.
 *
 * @module
 */

/**
 * Reports whether a string can be a program argument: without NUL, and without unpaired surrogates,
 * which UTF-8 cannot encode.
 */
export function isArgument(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}
