/**
 * Environment variables as a value: read once, at the top, and passed on.
 *
 * @module
 */

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The process's environment as it is now.
 *
 * @returns All variables.
 */
export function readEnvironment(): Environment {
  return Deno.env.toObject();
}

/**
 * Whether a variable switches something on.
 *
 * @param value The variable's value.
 * @returns False if it is unset, empty, `0`, `false` or `no`.
 */
export function isOn(value: string | undefined): boolean {
  return value !== undefined && !["", "0", "false", "no"].includes(value.toLowerCase());
}

/**
 * Whether one of the AWS CLI's variables or settings is on.
 *
 * @param value Its value.
 * @returns True for `true` in any case, and for nothing else.
 */
export function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === "true";
}
