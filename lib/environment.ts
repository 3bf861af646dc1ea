/**
 * Environment variables as a value, which is read once at start-up and passed on.
 *
 * @module
 */

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Returns the environment variables of the process. */
export function readEnvironment(): Environment {
  return Deno.env.toObject();
}

/**
 * Reports whether a variable is switched on.
 *
 * @param value The variable's value.
 * @returns False if it is unset, empty, `0`, `false` or `no`.
 */
export function isOn(value: string | undefined): boolean {
  return value !== undefined && !["", "0", "false", "no"].includes(value.toLowerCase());
}

/**
 * Reports whether one of the AWS CLI's boolean variables or settings is true.
 *
 * @param value Its value.
 * @returns True only for `true`, in upper or lower case.
 */
export function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === "true";
}
