/**
 * The flags for kept results.
 *
 * @module
 */

import type { UsageProblem } from "../../cli/command.ts";
import { boolFlag, type FlagValues } from "../../cli/flags.ts";
import type { CacheMode } from "../../memo/options.ts";

/** The flags of `invoke` and `xargs` for kept results. */
export const cacheFlags = {
  cache: boolFlag({ help: "use kept results of identical jobs, and keep new ones" }),
  "no-cache": boolFlag({ help: "run all jobs and keep nothing, even of a pure function" }),
  "cache-only": boolFlag({ help: "like -cache, but fail instead of running a job" }),
  "cache-refresh": boolFlag({ help: "run all jobs, and replace what was kept" }),
  "cache-verify": boolFlag({ help: "run all jobs, and compare them with what was kept" }),
  "cache-explain": boolFlag({ help: "like -cache, and say why a job had to run" }),
} as const;

/** The values of the flags. */
export type CacheValues = FlagValues<typeof cacheFlags>;

/** The flags that choose what to do; at most one of them makes sense. */
const choices = ["no-cache", "cache-only", "cache-refresh", "cache-verify"] as const;

/**
 * Checks the flags.
 *
 * @param values Their values.
 * @returns The problem, or undefined.
 */
export function validateCache(values: CacheValues): UsageProblem | undefined {
  const [first, second] = [
    ...choices,
    // Both imply nothing else than -cache.
    ...values["no-cache"] ? ["cache", "cache-explain"] as const : [],
  ].filter((name) => values[name]);
  if (second === undefined) return undefined;
  return {
    message: `-${first} and -${second} cannot be combined`,
    hint: "omit one of them",
  };
}

/**
 * Returns what the flags say about kept results.
 *
 * @param values Their values.
 * @returns The mode; undefined to use them if the function is pure.
 */
export function cacheModeOf(values: CacheValues): CacheMode | "off" | undefined {
  if (values["no-cache"]) return "off";
  if (values["cache-only"]) return "only";
  if (values["cache-refresh"]) return "refresh";
  if (values["cache-verify"]) return "verify";
  return values.cache || values["cache-explain"] ? "on" : undefined;
}
