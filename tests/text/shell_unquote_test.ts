import assert from "node:assert/strict";
import { shellQuote } from "../../lib/text/shell_quote.ts";
import { literalWords } from "../../lib/text/shell_unquote.ts";

Deno.test("quoted words are read back", () => {
  const every = Array.from({ length: 0x300 }, (_, code) => String.fromCharCode(code + 1));
  const words = [
    ...every,
    ...every.map((character) => `a${character}b`),
    ...["", "it's", "a b", "\u2028", "\u202e", "\u{1f600}", "a\u2028'\\n", "$'x'", "#llama:0"],
  ];
  assert.deepEqual(literalWords(shellQuote(words)), words);
});

Deno.test("every way to quote is understood", () => {
  const cases: [string, string[]][] = [
    ["f a=b 'a=b' a\\=b \"a=b\"", ["f", "a=b", "a=b", "a=b", "a=b"]],
    [`f 'it'"'"'s' it\\'s "it's" 'it'\\''s'`, ["f", "it's", "it's", "it's", "it's"]],
    [`"a\\"b\\\\c\\$d\\\`e\\f"`, ['a"b\\c$d`e\\f']],
    ["$'a\\tb\\u00e9\\U0001f600\\e'", ["a\tb\u00e9\u{1f600}\x1b"]],
    ["f  '' \t \"\"", ["f", "", ""]],
    // GNU parallel writes a line feed as NUL.
    ["f 'a\0b'", ["f", "a\nb"]],
    ["f a#b a~b {} {a} ^ % ! ] }", ["f", "a#b", "a~b", "{}", "{a}", "^", "%", "!", "]", "}"]],
    ["f a # what 'else", ["f", "a"]],
    ["\u2028 \u00a0\ufeff \r", ["\u2028", "\u00a0\ufeff", "\r"]],
    ["", []],
  ];
  for (const [command, words] of cases) assert.deepEqual(literalWords(command), words, command);
});

Deno.test("a shell reads the same words", async () => {
  const command = `f a=b 'it'"'"'s' a\\ b "x\\"y\\z" $'\\t\\u00e9' a#b {} {a} ^ # no`;
  const { stdout } = await new Deno.Command("bash", {
    env: { LC_ALL: "C.UTF-8" },
    args: ["-c", `printf '%s\\0' ${command}`],
  }).output();
  const words = new TextDecoder().decode(stdout).split("\0").slice(0, -1);
  assert.deepEqual(literalWords(command), words);
});

Deno.test("a command that a shell would expand has no literal words", () => {
  const commands = [
    "f $x",
    "f `x`",
    'f "$x"',
    'f "`x`"',
    "f *",
    "f a?",
    "f [ab]",
    "f ~",
    "f ~/a",
    "f {a,b}",
    "f {1..3}",
    "f | g",
    "f; g",
    "f & g",
    "f > g",
    "f < g",
    "(f)",
    "f 'a",
    'f "a',
    "f a\\",
    "f a\0b",
    "f $'\\xff'",
    "f $'\\U00110000'",
  ];
  for (const command of commands) assert.equal(literalWords(command), undefined, command);
});
