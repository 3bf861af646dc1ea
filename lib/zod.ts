/**
 * What llama uses of zod, with its version; to be imported as `z`.
 *
 * The mini build has the same schemas as zod itself and starts in half the time once bundled. It is
 * named piece by piece, since a bundler keeps all of a namespace that is passed on as a value.
 *
 * @module
 */

import { config } from "npm:zod@4.6.7/mini";
import english from "npm:zod@4.6.7/v4/locales/en.js";

// The mini build comes without words for what is wrong.
config(english());

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
