/**
 * What the system takes for an argument.
 *
 * @module
 */

/**
 * Returns whether a string can be an argument of a program: it has no NUL, and no half of a surrogate
 * pair, which has no UTF-8.
 *
 * @param text The string.
 */
export function isArgument(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}
