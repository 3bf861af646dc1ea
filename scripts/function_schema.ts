/**
 * Writes the JSON schema of `function.json`, with which editors complete and check it.
 *
 * @module
 */

import { toJSONSchema } from "npm:zod@4.6.7/mini";
import { functionSchema } from "../lib/function_json.ts";

/** Where the schema is. */
export const schemaFile = new URL("../docs/function.schema.json", import.meta.url);

/**
 * Makes the schema of what llama itself checks.
 *
 * @returns The file's text.
 */
export function functionJsonSchema(): string {
  const schema = {
    title: "A function of llama's",
    // Draft 7 is what editors know best.
    ...toJSONSchema(functionSchema, { target: "draft-7" }),
    oneOf: [
      { required: ["handler"] },
      { anyOf: [{ required: ["command"] }, { required: ["programs"] }] },
    ],
  };
  return JSON.stringify(schema, undefined, 2) + "\n";
}

if (import.meta.main) await Deno.writeTextFile(schemaFile, functionJsonSchema());
