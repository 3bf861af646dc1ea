/**
 * Writes the JSON schema of `function.json`, which editors use for completion and validation.
 *
 * @module
 */

import { toJSONSchema } from "npm:zod@4.6.7/mini";
import { functionSchema } from "../lib/functions/definition.ts";

/** The file of the schema. */
export const schemaFile = new URL("../docs/function.schema.json", import.meta.url);

/**
 * Generates the JSON schema from the schema that llama itself uses.
 *
 * @returns The text of the file.
 */
export function functionJsonSchema(): string {
  const schema = {
    title: "A llama function",
    // Editors support draft 7 best.
    ...toJSONSchema(functionSchema, { target: "draft-7" }),
    oneOf: [
      { required: ["handler"] },
      { anyOf: [{ required: ["command"] }, { required: ["programs"] }] },
    ],
  };
  return JSON.stringify(schema, undefined, 2) + "\n";
}

if (import.meta.main) await Deno.writeTextFile(schemaFile, functionJsonSchema());
