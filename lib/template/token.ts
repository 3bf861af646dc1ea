import { quote } from "./quote.ts";
import { byteLength, firstRunes } from "./text.ts";
import { isPrint } from "./unicode.ts";

/** The kinds of token; those after `keyword` are words of the language, printed `<word>` in errors. */
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

/** The words that are no names. */
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

/** The words by themselves. */
export const KEYWORDS: ReadonlyMap<string, Keyword> = new Map(
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

/** One piece of a template's text. */
export interface Token {
  kind: TokenKind;
  /** Where it begins, in code units. */
  position: number;
  /** Its text; of an error, what is wrong. */
  text: string;
  /** The line it begins on, from 1. */
  line: number;
}

/** A token as error texts show it. */
export function describeToken(token: Token): string {
  if (token.kind === "eof") return "EOF";
  if (token.kind === "error") return token.text;
  if (token.kind === "." || KEYWORDS.has(token.kind)) return `<${token.text}>`;
  if (byteLength(token.text) > 10) return quote(firstRunes(token.text, 10)) + "...";
  return quote(token.text);
}

/** Go's `%#U`. */
export function describeRune(rune: number): string {
  const code = "U+" + rune.toString(16).toUpperCase().padStart(4, "0");
  return isPrint(rune) ? `${code} '${String.fromCodePoint(rune)}'` : code;
}
