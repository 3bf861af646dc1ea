/**
 * The parts of zod that llama uses, to be imported as `z`. The version is pinned here.
 *
 * zod/mini has the same schemas as zod, and once bundled starts in half the time. Its members are
 * re-exported one by one, since bundlers keep all of a namespace that is re-exported as a value.
 *
 * @module
 */

import { config, type core } from "npm:zod@4.6.7/mini";

// zod/mini has no error messages, and those of zod are larger than all of llama's.
config({ localeError: describeIssue });

/** Returns zod's English message for the checks that llama uses. */
function describeIssue(issue: core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `Invalid input: expected ${issue.expected}, received ${typeOf(issue.input)}`;
    case "invalid_value":
      return `Invalid option: expected one of ${issue.values.map(String).join("|")}`;
    case "too_small":
      return `Too small: expected ${sizeOf(issue)} ${issue.inclusive ? ">=" : ">"}${issue.minimum}`;
    case "too_big":
      return `Too big: expected ${sizeOf(issue)} ${issue.inclusive ? "<=" : "<"}${issue.maximum}`;
    case "unrecognized_keys":
      return `Unrecognized key: ${issue.keys.map((key) => JSON.stringify(key)).join(", ")}`;
    default:
      return "Invalid input";
  }
}

/**
 * Defers creating a schema until it is used. It takes up to 1.5 ms, and most runs of llama use few.
 *
 * @param make Creates the schema.
 * @returns Returns the schema, the same one each time.
 */
export function onFirstUse<Schema>(make: () => Schema): () => Schema {
  let made: Schema | undefined;
  return () => made ??= make();
}

function typeOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
}

function sizeOf({ origin }: { readonly origin: string }): string {
  return origin === "number" ? "number to be" : `the length of the ${origin} to be`;
}

export {
  array,
  boolean,
  catchall,
  describe,
  enum,
  int,
  maximum,
  minimum,
  minLength,
  nullable,
  number,
  object,
  optional,
  positive,
  record,
  refine,
  regex,
  strictObject,
  string,
  union,
  unknown,
} from "npm:zod@4.6.7/mini";
export type { core, infer, output, ZodMiniType } from "npm:zod@4.6.7/mini";
