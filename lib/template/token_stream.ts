import { TemplateError } from "./errors.ts";
import { Lexer } from "./lexer.ts";
import { describeToken, type Token, type TokenKind } from "./token.ts";

/** What one `define` or `block` is parsed with: its own variables, loops and look-ahead. */
class Scope {
  variables = ["$"];
  rangeDepth = 0;
  actionLine = 0;
  depth = 0;
  /** The token read last, whose line errors give. */
  last: Token | undefined;
  /** Tokens that were read and put back, the next one last. */
  pending: Token[] = [];
}

/** The tokens of a template, with look-ahead, and the errors about them. */
export class TokenStream {
  readonly #name: string;
  readonly #lexer: Lexer;
  /** The definition that is being read. */
  scope = new Scope();

  constructor(name: string, text: string) {
    this.#name = name;
    this.#lexer = new Lexer(text);
  }

  /** Ends with an error at the line of the token read last. */
  fail(message: string): never {
    const line = this.scope.last?.line ?? 0;
    throw new TemplateError(`template: ${this.#name}:${line}: ${message}`, {
      phase: "parse",
      template: this.#name,
      line,
    });
  }

  /** The next token. */
  next(): Token {
    const scope = this.scope;
    const put = scope.pending.pop();
    if (put !== undefined) return put;
    return scope.last = this.#lexer.next();
  }

  /** The next token, left where it is. */
  peek(): Token {
    const token = this.next();
    this.scope.pending.push(token);
    return token;
  }

  /** The next token that is no space. */
  nextNonSpace(): Token {
    for (;;) {
      const token = this.next();
      if (token.kind !== "space") return token;
    }
  }

  /** The same, left where it is; spaces before it are gone. */
  peekNonSpace(): Token {
    const token = this.nextNonSpace();
    this.scope.pending.push(token);
    return token;
  }

  /** Ends with an error about a token. */
  unexpected(token: Token, context: string): never {
    if (token.kind !== "error") this.fail(`unexpected ${describeToken(token)} in ${context}`);
    const started = this.scope.actionLine;
    if (started === 0 || started === token.line) this.fail(token.text);
    const action = token.text.endsWith(" action") ? "" : " in action";
    this.fail(`${token.text}${action} started at ${this.#name}:${started}`);
  }

  /** Takes a token that must be of a kind. */
  expect(kind: TokenKind, context: string): Token {
    const token = this.nextNonSpace();
    if (token.kind !== kind) this.unexpected(token, context);
    return token;
  }

  /** Runs `body` with variables and loops of its own. */
  inScope(body: () => void): void {
    const outer = this.scope;
    this.scope = new Scope();
    body();
    this.scope = outer;
  }
}
