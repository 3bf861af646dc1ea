import { quote } from "./quote.ts";
import { byteLength, firstRunes } from "./text.ts";
import { isPrint } from "./unicode.ts";

/** The kinds of token. Keywords are printed as `<word>` in errors. */
export type TokenKind =
  | "error"
  | "eof"
  | "text"
  | "left"
  | "right"
  | "space"
  | "("
  | ")"
  | "|"
  | "="
  | ":="
  | "char"
  | "bool"
  | "character"
  | "complex"
  | "number"
  | "field"
  | "identifier"
  | "variable"
  | "string"
  | "raw string"
  | Keyword;

/** The keywords. */
export type Keyword =
  | "."
  | "block"
  | "break"
  | "continue"
  | "define"
  | "else"
  | "end"
  | "if"
  | "nil"
  | "range"
  | "template"
  | "with";

/** The keywords by their text. */
export const keywords: ReadonlyMap<string, Keyword> = new Map(
  ([
    ".",
    "block",
    "break",
    "continue",
    "define",
    "else",
    "end",
    "if",
    "nil",
    "range",
    "template",
    "with",
  ] satisfies Keyword[]).map((word) => [word, word]),
);

/** A token of a template's text. */
export interface Token {
  kind: TokenKind;
  /** Its position, in code units. */
  position: number;
  /** Its text; for an error, the message. */
  text: string;
  /** Its line, starting at 1. */
  line: number;
}

/** Formats a token for error messages. */
export function describeToken(token: Token): string {
  if (token.kind === "eof") return "EOF";
  if (token.kind === "error") return token.text;
  if (token.kind === "." || keywords.has(token.kind)) return `<${token.text}>`;
  if (byteLength(token.text) > 10) return quote(firstRunes(token.text, 10)) + "...";
  return quote(token.text);
}

/** Go's `%#U`. */
export function describeRune(rune: number): string {
  const code = "U+" + rune.toString(16).toUpperCase().padStart(4, "0");
  return isPrint(rune) ? `${code} '${String.fromCodePoint(rune)}'` : code;
}
