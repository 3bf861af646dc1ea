/**
 * Everything that llama takes from outside, with its version.
 *
 * The sources also run straight from a URL, where no deno.json is read, so these imports are
 * spelled out here instead of in an import map.
 *
 * @module
 */

// The mini build has the same schemas as zod itself and starts in half the time once bundled. It
// comes without words for what is wrong; English is one small module of the same package.
import * as z from "npm:zod@4.6.7/mini";
import english from "npm:zod@4.6.7/v4/locales/en.js";

z.config(english());

export { AwsV4Signer } from "npm:aws4fetch@1.0.20";
export { z };
