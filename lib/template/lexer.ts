import { quote } from "./quote.ts";
import { isEscapedByte } from "./text.ts";
import { describeRune, keywords, type Token, type TokenKind } from "./token.ts";
import { isAlphanumeric, isPrint } from "./unicode.ts";

const endOfText = -1;

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

const digitsOfBase: Readonly<Record<string, string>> = {
  x: "0123456789abcdefABCDEF_",
  o: "01234567_",
  b: "01_",
};

/** Splits a template's text into tokens, like Go's text/template/parse. */
export class Lexer {
  #text: string;
  #position = 0;
  #start = 0;
  #line = 1;
  #newline: number;
  #inAction = false;
  #parentheses = 0;

  constructor(text: string) {
    this.#text = text;
    this.#newline = this.#newlineFrom(0);
  }

  /** Returns the next token; after the end or an error, the same kind again. */
  next(): Token {
    return this.#inAction ? this.#action() : this.#plain();
  }

  #token(kind: TokenKind): Token {
    const text = this.#text.slice(this.#start, this.#position);
    const token = { kind, position: this.#start, text, line: this.#lineAt(this.#start) };
    this.#start = this.#position;
    return token;
  }

  #newlineFrom(position: number): number {
    const found = this.#text.indexOf("\n", position);
    return found < 0 ? Infinity : found;
  }

  /** Returns the line of a position; positions must be passed in ascending order. */
  #lineAt(position: number): number {
    while (this.#newline < position) {
      this.#line++;
      this.#newline = this.#newlineFrom(this.#newline + 1);
    }
    return this.#line;
  }

  #error(text: string): Token {
    const line = this.#lineAt(this.#start);
    const token: Token = { kind: "error", position: this.#start, text, line };
    this.#text = "";
    this.#position = 0;
    this.#start = 0;
    this.#newline = Infinity;
    return token;
  }

  #peek(): number {
    return this.#text.codePointAt(this.#position) ?? endOfText;
  }

  #advance(): number {
    const rune = this.#peek();
    if (rune !== endOfText) this.#position += rune > 0xffff ? 2 : 1;
    return rune;
  }

  #isAt(text: string, offset = 0): boolean {
    return this.#text.startsWith(text, this.#position + offset);
  }

  #code(offset: number): number {
    const code = this.#text.charCodeAt(this.#position + offset);
    return Number.isNaN(code) ? endOfText : code;
  }

  /** Reports whether `-` and a space follow; the space distinguishes a trim marker from a sign. */
  #isTrimAfterLeft(at: number): boolean {
    return this.#text[at] === "-" && isSpace(this.#text.charCodeAt(at + 1));
  }

  #isTrimmedRight(offset = 0): boolean {
    return isSpace(this.#code(offset)) && this.#code(offset + 1) === 0x2d &&
      this.#isAt("}}", offset + 2);
  }

  #skipSpaces(): void {
    while (isSpace(this.#code(0))) this.#position++;
    this.#start = this.#position;
  }

  #plain(): Token {
    for (;;) {
      const left = this.#text.indexOf("{{", this.#position);
      if (left < 0) {
        this.#position = this.#text.length;
        return this.#token(this.#position > this.#start ? "text" : "eof");
      }
      if (left > this.#position) {
        let end = left;
        if (this.#isTrimAfterLeft(left + 2)) {
          while (end > this.#start && isSpace(this.#text.charCodeAt(end - 1))) end--;
        }
        this.#position = end;
        const token = this.#token("text");
        this.#position = this.#start = left;
        if (token.text !== "") return token;
      }
      const marked = this.#isTrimAfterLeft(left + 2) ? 2 : 0;
      if (this.#isAt("/*", 2 + marked)) {
        const failed = this.#comment(2 + marked);
        if (failed !== undefined) return failed;
        continue;
      }
      this.#position += 2;
      const token = this.#token("left");
      this.#position += marked;
      this.#start = this.#position;
      this.#inAction = true;
      this.#parentheses = 0;
      return token;
    }
  }

  #comment(offset: number): Token | undefined {
    this.#position += offset;
    this.#start = this.#position;
    const end = this.#text.indexOf("*/", this.#position + 2);
    if (end < 0) return this.#error("unclosed comment");
    this.#position = end + 2;
    const trimmed = this.#isTrimmedRight();
    if (!trimmed && !this.#isAt("}}")) {
      return this.#error("comment ends before closing delimiter");
    }
    this.#position += trimmed ? 4 : 2;
    if (trimmed) this.#skipSpaces();
    this.#start = this.#position;
    return undefined;
  }

  #right(): Token {
    const trimmed = this.#isTrimmedRight();
    if (trimmed) this.#start = this.#position += 2;
    this.#position += 2;
    const token = this.#token("right");
    if (trimmed) this.#skipSpaces();
    this.#inAction = false;
    return token;
  }

  #action(): Token {
    if (this.#isTrimmedRight() || this.#isAt("}}")) {
      return this.#parentheses === 0 ? this.#right() : this.#error("unclosed left paren");
    }
    const rune = this.#peek();
    if (isSpace(rune)) return this.#space();
    if (rune === endOfText) return this.#error("unclosed action");
    const character = String.fromCodePoint(rune);
    switch (character) {
      case ":":
        this.#position++;
        if (this.#advance() !== 0x3d) return this.#error("expected :=");
        return this.#token(":=");
      case "=":
      case "|":
        this.#position++;
        return this.#token(character);
      case "(":
        this.#position++;
        this.#parentheses++;
        return this.#token(character);
      case ")":
        this.#position++;
        this.#parentheses--;
        return this.#parentheses < 0
          ? this.#error("unexpected right paren")
          : this.#token(character);
      case '"':
        return this.#quoted('"', "string", "quoted string");
      case "'":
        return this.#quoted("'", "character", "character constant");
      case "`":
        return this.#rawString();
      case "$":
        this.#position++;
        return this.#name("variable");
      case ".": {
        const next = this.#code(1);
        if (next !== endOfText && !isDigit(next)) {
          this.#position++;
          return this.#name("field");
        }
        return this.#number();
      }
      case "+":
      case "-":
        return this.#number();
    }
    if (isDigit(rune)) return this.#number();
    if (isAlphanumeric(rune)) return this.#identifier();
    if (rune < 0x80 && isPrint(rune)) {
      this.#position++;
      return this.#token("char");
    }
    return this.#error(`unrecognized character in action: ${describeRune(byteAsRune(rune))}`);
  }

  #space(): Token {
    let spaces = 0;
    while (isSpace(this.#code(0))) {
      this.#position++;
      spaces++;
    }
    // The last space may be part of " -}}".
    if (this.#isTrimmedRight(-1)) {
      this.#position--;
      if (spaces === 1) return this.#right();
    }
    return this.#token("space");
  }

  /** Reports whether a name may end here: `.X.Y` is two tokens, `$x+2` is an error. */
  #isAtTerminator(): boolean {
    const code = this.#code(0);
    if (code === endOfText || isSpace(code)) return true;
    return ".,|:)(".includes(String.fromCharCode(code)) || this.#isAt("}}");
  }

  #word(): string | undefined {
    while (isAlphanumeric(this.#peek())) this.#advance();
    return this.#isAtTerminator() ? this.#text.slice(this.#start, this.#position) : undefined;
  }

  #badCharacter(): Token {
    return this.#error(`bad character ${describeRune(byteAsRune(this.#peek()))}`);
  }

  #name(kind: "field" | "variable"): Token {
    if (this.#isAtTerminator()) return this.#token(kind === "field" ? "." : kind);
    return this.#word() === undefined ? this.#badCharacter() : this.#token(kind);
  }

  #identifier(): Token {
    const word = this.#word();
    if (word === undefined) return this.#badCharacter();
    const keyword = keywords.get(word);
    if (keyword !== undefined) return this.#token(keyword);
    return this.#token(word === "true" || word === "false" ? "bool" : "identifier");
  }

  #quoted(mark: string, kind: TokenKind, what: string): Token {
    const end = mark.charCodeAt(0);
    this.#position++;
    for (;;) {
      let rune = this.#advance();
      if (rune === end) return this.#token(kind);
      if (rune === 0x5c) {
        rune = this.#advance();
        if (rune !== endOfText && rune !== 0x0a) continue;
      }
      if (rune === endOfText || rune === 0x0a) return this.#error(`unterminated ${what}`);
    }
  }

  #rawString(): Token {
    const end = this.#text.indexOf("`", this.#position + 1);
    if (end < 0) return this.#error("unterminated raw quoted string");
    this.#position = end + 1;
    return this.#token("raw string");
  }

  #number(): Token {
    if (!this.#scanNumber()) return this.#badNumber();
    const sign = this.#code(0);
    if (sign !== 0x2b && sign !== 0x2d) return this.#token("number");
    if (!this.#scanNumber() || this.#code(-1) !== 0x69) return this.#badNumber();
    return this.#token("complex");
  }

  #badNumber(): Token {
    return this.#error(
      `bad number syntax: ${quote(this.#text.slice(this.#start, this.#position))}`,
    );
  }

  #accept(valid: string): boolean {
    const code = this.#code(0);
    if (code === endOfText || !valid.includes(String.fromCharCode(code))) return false;
    this.#position++;
    return true;
  }

  #acceptAll(valid: string): void {
    while (this.#accept(valid));
  }

  /** Scans whatever looks like a number; the parser validates it. */
  #scanNumber(): boolean {
    this.#accept("+-");
    let base = "";
    if (this.#accept("0")) {
      const letter = (this.#text[this.#position] ?? "").toLowerCase();
      if (letter in digitsOfBase) {
        base = letter;
        this.#position++;
      }
    }
    const digits = digitsOfBase[base] ?? "0123456789_";
    this.#acceptAll(digits);
    if (this.#accept(".")) this.#acceptAll(digits);
    if (base === "" && this.#accept("eE") || base === "x" && this.#accept("pP")) {
      this.#accept("+-");
      this.#acceptAll("0123456789_");
    }
    this.#accept("i");
    if (!isAlphanumeric(this.#peek())) return true;
    this.#advance();
    return false;
  }
}

/** Maps a byte that is not valid UTF-8 to U+FFFD, as Go decodes it. */
function byteAsRune(rune: number): number {
  return isEscapedByte(rune) ? 0xfffd : rune;
}
