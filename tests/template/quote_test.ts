import assert from "node:assert/strict";
import { quote } from "../../lib/template/quote.ts";

Deno.test("quote escapes as Go's %q does", () => {
  const cases: [string, string][] = [
    ["", '""'],
    ["plain text", '"plain text"'],
    ['a"b\\c', '"a\\"b\\\\c"'],
    ["\x07\b\f\n\r\t\v", '"\\a\\b\\f\\n\\r\\t\\v"'],
    ["\0\x1b\x7f", '"\\x00\\x1b\\x7f"'],
    ["\u00a0\u200b\u2028", '"\\u00a0\\u200b\\u2028"'],
    ["\u{e0001}", '"\\U000e0001"'],
    ["zażółć \u{1f999}", '"zażółć \u{1f999}"'],
  ];
  for (const [text, quoted] of cases) assert.equal(quote(text), quoted);
});
