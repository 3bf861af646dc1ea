import assert from "node:assert/strict";
import { Lexer } from "../../lib/template/lexer.ts";
import { describeToken, type Token } from "../../lib/template/token.ts";

function tokens(text: string): Token[] {
  const lexer = new Lexer(text);
  const all: Token[] = [];
  for (;;) {
    const token = lexer.next();
    all.push(token);
    if (token.kind === "eof" || token.kind === "error") return all;
  }
}

function kinds(text: string): string {
  return tokens(text).map((token) => token.kind).join(" ");
}

Deno.test("an action is split into words and the spaces between them", () => {
  assert.equal(
    kinds("a{{.X.Y $z 1}}"),
    "text left field field space variable space number right eof",
  );
});

Deno.test("trim markers remove adjacent space and must be set off by a space", () => {
  assert.deepEqual(tokens("a \n{{- 1 -}}\t b").map((token) => token.text), [
    "a",
    "{{",
    "1",
    "}}",
    "b",
    "",
  ]);
  assert.equal(kinds("{{-3}}"), "left number right eof");
});

Deno.test("comments are dropped and must be adjacent to their delimiters", () => {
  assert.equal(kinds("a{{/* }} */}}b"), "text text eof");
  assert.equal(tokens("{{/* a */ }}").at(-1)?.text, "comment ends before closing delimiter");
  assert.equal(tokens("{{/* a").at(-1)?.text, "unclosed comment");
});

Deno.test("tokens have the line on which they start", () => {
  assert.deepEqual(
    tokens("a\nb{{\n.X\n}}\n{{.Y}}").filter((token) => token.kind === "field").map((token) =>
      token.line
    ),
    [3, 5],
  );
});

Deno.test("an invalid token is an error with Go's message", () => {
  const last = (text: string) => tokens(text).at(-1)?.text;
  assert.equal(last("{{.a!}}"), "bad character U+0021 '!'");
  assert.equal(last("{{\x01}}"), "unrecognized character in action: U+0001");
  assert.equal(last("{{\udcff}}"), "unrecognized character in action: U+FFFD '\ufffd'");
  assert.equal(last("{{'a\n'}}"), "unterminated character constant");
  assert.equal(last("{{1x}}"), 'bad number syntax: "1x"');
  assert.equal(last("{{(1}}"), "unclosed left paren");
  assert.equal(last("{{:}}"), "expected :=");
});

Deno.test("error messages cut long tokens after ten runes", () => {
  const token: Token = { kind: "identifier", position: 0, text: "éééééééééééé", line: 1 };
  assert.equal(describeToken(token), '"éééééééééé"...');
});
