import { TemplateError } from "./errors.ts";
import { Lexer } from "./lexer.ts";
import { describeToken, type Token, type TokenKind } from "./token.ts";

/** The scope of one `define` or `block`: its variables, loops and lookahead. */
class Scope {
  variables = ["$"];
  rangeDepth = 0;
  actionLine = 0;
  depth = 0;
  /** The last token read, whose line appears in errors. */
  last: Token | undefined;
  /** Tokens that were put back, the next one last. */
  pending: Token[] = [];
}

/** The tokens of a template, with lookahead and error reporting. */
export class TokenStream {
  readonly #name: string;
  readonly #lexer: Lexer;
  /** The scope of the definition being parsed. */
  scope = new Scope();

  constructor(name: string, text: string) {
    this.#name = name;
    this.#lexer = new Lexer(text);
  }

  /** Fails at the line of the last token read. */
  fail(message: string): never {
    const line = this.scope.last?.line ?? 0;
    throw new TemplateError(`template: ${this.#name}:${line}: ${message}`, {
      phase: "parse",
      template: this.#name,
      line,
    });
  }

  /** Reads the next token. */
  next(): Token {
    const scope = this.scope;
    const put = scope.pending.pop();
    if (put !== undefined) return put;
    return scope.last = this.#lexer.next();
  }

  /** Returns the next token without consuming it. */
  peek(): Token {
    const token = this.next();
    this.scope.pending.push(token);
    return token;
  }

  /** Reads the next token that is not space. */
  nextNonSpace(): Token {
    for (;;) {
      const token = this.next();
      if (token.kind !== "space") return token;
    }
  }

  /** Returns the next token that is not space without consuming it, but consumes the space. */
  peekNonSpace(): Token {
    const token = this.nextNonSpace();
    this.scope.pending.push(token);
    return token;
  }

  /** Fails because of an unexpected token. */
  unexpected(token: Token, context: string): never {
    if (token.kind !== "error") this.fail(`unexpected ${describeToken(token)} in ${context}`);
    const started = this.scope.actionLine;
    if (started === 0 || started === token.line) this.fail(token.text);
    const action = token.text.endsWith(" action") ? "" : " in action";
    this.fail(`${token.text}${action} started at ${this.#name}:${started}`);
  }

  /** Reads a token of the required kind. */
  expect(kind: TokenKind, context: string): Token {
    const token = this.nextNonSpace();
    if (token.kind !== kind) this.unexpected(token, context);
    return token;
  }

  /** Runs `body` in a new scope. */
  inScope(body: () => void): void {
    const outer = this.scope;
    this.scope = new Scope();
    body();
    this.scope = outer;
  }
}
