/**
 * The version of llama.
 *
 * @module
 */

/** The version, as in deno.json. */
export const version = "0.1.0";

/**
 * Reports whether a version is older than another one, by the rules of https://semver.org.
 *
 * @param one The version.
 * @param other The other version.
 * @returns False if it is not older, or if either is not a version.
 */
export function isOlder(one: string, other: string): boolean {
  const [a, b] = [partsOf(one), partsOf(other)];
  if (a === undefined || b === undefined) return false;
  const index = a.findIndex((part, index) => part !== b[index]);
  return (a[index] ?? 0) < (b[index] ?? 0);
}

/** Returns major, minor and patch, then 1 for a release and 0 for a pre-release. */
function partsOf(text: string): number[] | undefined {
  const [, major, minor, patch, before] = /^(\d+)\.(\d+)\.(\d+)(-)?/.exec(text) ?? [];
  return major === undefined
    ? undefined
    : [Number(major), Number(minor), Number(patch), before === undefined ? 1 : 0];
}
