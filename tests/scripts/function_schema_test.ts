import assert from "node:assert/strict";
import { functionJsonSchema, schemaFile } from "../../scripts/function_schema.ts";

Deno.test("the JSON schema for editors is up to date with what llama checks", async () => {
  const message = "run: deno task schema";
  assert.equal(await Deno.readTextFile(schemaFile), functionJsonSchema(), message);
});

Deno.test("the images' own function.json name the schema", async () => {
  for (const name of ["hello-llama", "optipng"]) {
    const file = new URL(`../../images/${name}/function.json`, import.meta.url);
    const { $schema } = JSON.parse(await Deno.readTextFile(file));
    assert.equal(new URL($schema, file).href, schemaFile.href);
  }
});
