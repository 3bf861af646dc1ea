import assert from "node:assert/strict";
import * as z from "../lib/zod.ts";

/** The words for the first thing that is wrong. */
function words(schema: z.ZodMiniType, value: unknown): string | undefined {
  return schema.safeParse(value).error?.issues[0]?.message;
}

Deno.test("each check that llama uses has words for what is wrong", () => {
  const cases: [z.ZodMiniType, unknown, string][] = [
    [z.string(), 1, "Invalid input: expected string, received number"],
    [z.string(), undefined, "Invalid input: expected string, received undefined"],
    [z.array(z.string()), null, "Invalid input: expected array, received null"],
    [z.object({}), [], "Invalid input: expected object, received array"],
    [z.record(z.string(), z.string()), "", "Invalid input: expected record, received string"],
    [z.number().check(z.int()), 1.5, "Invalid input: expected int, received number"],
    [z.enum(["x86_64", "arm64"]), "mips", "Invalid option: expected one of x86_64|arm64"],
    [z.number().check(z.minimum(2)), 1, "Too small: expected number to be >=2"],
    [z.number().check(z.positive()), 0, "Too small: expected number to be >0"],
    [z.number().check(z.maximum(2)), 3, "Too big: expected number to be <=2"],
    [
      z.string().check(z.minLength(1)),
      "",
      "Too small: expected the length of the string to be >=1",
    ],
    [z.strictObject({}), { a: 1, b: 1 }, 'Unrecognized key: "a", "b"'],
    [z.string().check(z.regex(/^a$/, "is not an a")), "b", "is not an a"],
  ];
  for (const [schema, value, expected] of cases) assert.equal(words(schema, value), expected);
});
