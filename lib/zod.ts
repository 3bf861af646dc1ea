/**
 * What llama uses of zod, with its version; to be imported as `z`.
 *
 * The mini build has the same schemas as zod itself and starts in half the time once bundled. It is
 * named piece by piece, since a bundler keeps all of a namespace that is passed on as a value.
 *
 * @module
 */

import { config, type core } from "npm:zod@4.6.7/mini";

// The mini build comes without words for what is wrong, and zod's own take more room in the runtime
// than all that llama says.
config({ localeError: describeIssue });

/** The words of zod's English for the checks below. */
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

function typeOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
}

function sizeOf({ origin }: { readonly origin: string }): string {
  return origin === "number" ? "number to be" : `the length of the ${origin} to be`;
}

export {
  array,
  boolean,
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
