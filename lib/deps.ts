/**
 * What llama takes from outside, with its version, beside zod (`zod.ts`).
 *
 * The sources also run straight from a URL, where no deno.json is read, so these imports are
 * spelled out here instead of in an import map.
 *
 * @module
 */

export { AwsV4Signer } from "npm:aws4fetch@1.0.20";
