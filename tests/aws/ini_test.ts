import assert from "node:assert/strict";
import { IniError, parseIni, splitWords } from "../../lib/aws/credentials/ini.ts";

function read(text: string): Record<string, Record<string, unknown>> {
  return Object.fromEntries(
    [...parseIni(text)].map(([name, values]) => [
      name,
      Object.fromEntries(
        [...values].map(([key, value]) => [
          key,
          typeof value === "string" ? value : Object.fromEntries(value),
        ]),
      ),
    ]),
  );
}

Deno.test("an INI file's sections, settings and indented settings are read as by Python", () => {
  assert.deepEqual(
    read(
      "# first\n[ a  b ] rest\r\nKey = v = w ; kept\r\n  ; left out\n[c]\n  k:  v\n  empty =\n\ts3 =\n\t  x = y=z\n",
    ),
    { " a  b ": { key: "v = w ; kept" }, c: { k: "v", empty: "", s3: { x: "y=z" } } },
  );
});

Deno.test("a deeper indented line continues the value above", () => {
  assert.deepEqual(read("[a]\nk = v\n  w\n\n  x\n"), { a: { k: "v\nw\n\nx" } });
});

Deno.test("[DEFAULT] applies to all sections", () => {
  assert.deepEqual(read("[a]\nk = own\n[DEFAULT]\nk = v\nl = w\n"), { a: { k: "own", l: "w" } });
});

Deno.test("words are split as by a shell that expands nothing", () => {
  const cases: [string, string[]][] = [
    ["a  b\tc", ["a", "b", "c"]],
    [`'a b' "c \\" d" e\\ f`, ["a b", 'c " d', "e f"]],
    [`"a\\b" '\\' x'y'"z"`, ["a\\b", "\\", "xyz"]],
    [`'' ""`, ["", ""]],
    ["$HOME ~ a#b #c", ["$HOME", "~", "a#b", "#c"]],
  ];
  for (const [text, words] of cases) assert.deepEqual(splitWords(text), words);
  for (const text of ["'a", 'a "b', "a\\"]) assert.throws(() => splitWords(text), IniError);
});
