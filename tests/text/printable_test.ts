import assert from "node:assert/strict";
import { printable, printableLine } from "../../lib/text/printable.ts";
import { printableBytes } from "../../lib/text/printable_bytes.ts";
import { printableJson } from "../../lib/text/printable_json.ts";

Deno.test("only tabs and line feeds are left unescaped", () => {
  const controls = [
    ...Array.from({ length: 0x20 }, (_, code) => code),
    ...Array.from({ length: 0x21 }, (_, code) => 0x7f + code),
    0x61c,
    ...[0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e],
    ...[0x2066, 0x2067, 0x2068, 0x2069, 0xd800, 0xdfff],
  ];
  for (const code of controls) {
    const character = String.fromCharCode(code);
    const kept = character === "\t" || character === "\n";
    assert.equal(printable(`a${character}b`).includes(character), kept, code.toString(16));
    assert.equal(printableLine(`a${character}b`).includes(character), false, code.toString(16));
  }
});

Deno.test("all other text is unchanged", () => {
  const text = "naïve – 北京 👩‍💻 \u00a0 'quoted' \\x1b";
  assert.equal(printable(text), text);
  assert.equal(printableLine(text), text);
});

Deno.test("escapes contain the character's code", () => {
  assert.equal(printable("\x1b[31mred\r\n"), "\\x1b[31mred\\r\n");
  assert.equal(printableLine("a\u202eb\nc\td"), "a\\u202eb\\nc\\td");
});

Deno.test("bytes that are not UTF-8 are escaped one by one", () => {
  const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
  assert.equal(printableBytes(bytes("caf\xe9.txt")), "caf\\xe9.txt");
  assert.equal(printableBytes(new TextEncoder().encode("café 👩\n")), "café 👩\\n");
  // A truncated sequence, an overlong one, and a lone surrogate.
  assert.equal(printableBytes(bytes("\xf0\x9f\x91")), "\\xf0\\x9f\\x91");
  assert.equal(printableBytes(bytes("\xc0\xaf")), "\\xc0\\xaf");
  assert.equal(printableBytes(bytes("\xed\xa0\x80")), "\\xed\\xa0\\x80");
});

Deno.test("JSON has the same value after its controls are escaped", () => {
  const all = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code));
  const json = printableJson(JSON.stringify(all));
  assert.deepEqual(JSON.parse(json), all);
  assert.equal(printable(json), json);
});
