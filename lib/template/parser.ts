import {
  type BranchNode,
  type ChainNode,
  type CommandNode,
  describeNode,
  type Expression,
  type PipeNode,
  type Statement,
  type TemplateNode,
  type VariableNode,
} from "./ast.ts";
import type { Builtin } from "./functions.ts";
import { NumberSyntaxError, parseCharacter, parseNumber } from "./number.ts";
import { invalidSyntax, quote, unquote } from "./quote.ts";
import type { Token, TokenKind } from "./token.ts";
import { TokenStream } from "./token_stream.ts";
import { isBlank } from "./unicode.ts";

/** The templates that one text defines, including its own. */
export type Definitions = Map<string, Statement[]>;

/** The maximum nesting of parentheses, as in Go. */
const maxExpressionDepth = 10_000;

/** The `{{end}}` or `{{else}}` that closed a list. */
type Closer = "end" | "else";

/** Reports whether a body is blank, in which case it defines nothing. */
export function isEmptyBody(body: readonly Statement[]): boolean {
  return body.every((node) => node.kind === "text" && isBlank(node.text));
}

/**
 * Parses a template's text, like Go's text/template/parse.
 *
 * @param name The template's name, for errors and for its own definition.
 * @param text The template, in the form of text.ts.
 * @param findFunction Returns the function of a name, if there is one.
 * @returns The definitions in the text, by name.
 * @throws {TemplateError} If the text is not a valid template.
 */
export function parse(
  name: string,
  text: string,
  findFunction: (name: string) => Builtin | undefined,
): Definitions {
  const tokens = new TokenStream(name, text);
  try {
    return new Parser(name, tokens, findFunction).parse();
  } catch (error) {
    // Unlike Go's, JavaScript's stack does not grow: fail with Go's message for deep nesting.
    if (error instanceof RangeError) tokens.fail("max expression depth exceeded");
    throw error;
  }
}

class Parser {
  readonly #name: string;
  readonly #tokens: TokenStream;
  readonly #findFunction: (name: string) => Builtin | undefined;
  readonly #definitions: Definitions = new Map();

  constructor(
    name: string,
    tokens: TokenStream,
    findFunction: (name: string) => Builtin | undefined,
  ) {
    this.#name = name;
    this.#tokens = tokens;
    this.#findFunction = findFunction;
  }

  parse(): Definitions {
    const body: Statement[] = [];
    for (;;) {
      const token = this.#tokens.next();
      if (token.kind === "eof") break;
      if (token.kind === "left") {
        const word = this.#tokens.nextNonSpace();
        if (word.kind === "define") {
          this.#define();
          continue;
        }
        this.#tokens.scope.pending.push(word);
      }
      this.#tokens.scope.pending.push(token);
      const node = this.#textOrAction();
      if (typeof node === "string") this.#tokens.fail(`unexpected {{${node}}}`);
      body.push(node);
    }
    this.#add(this.#name, body);
    return this.#definitions;
  }

  #unquoted(token: Token): string {
    return unquote(token.text) ?? this.#tokens.fail(invalidSyntax);
  }

  #add(name: string, body: Statement[]): void {
    const old = this.#definitions.get(name);
    if (old === undefined || isEmptyBody(old)) {
      this.#definitions.set(name, body);
    } else if (!isEmptyBody(body)) {
      this.#tokens.fail(`template: multiple definition of template ${quote(name)}`);
    }
  }

  #define(): void {
    const context = "define clause";
    this.#tokens.inScope(() => {
      const token = this.#tokens.nextNonSpace();
      if (token.kind !== "string" && token.kind !== "raw string") {
        this.#tokens.unexpected(token, context);
      }
      const name = this.#unquoted(token);
      this.#tokens.expect("right", context);
      const { body, closer } = this.#list();
      if (closer !== "end") this.#tokens.fail(`unexpected {{${closer}}} in ${context}`);
      this.#add(name, body);
    });
  }

  /** Parses statements up to the `end` or `else` that closes them. */
  #list(): { body: Statement[]; closer: Closer } {
    const body: Statement[] = [];
    while (this.#tokens.peekNonSpace().kind !== "eof") {
      const node = this.#textOrAction();
      if (typeof node === "string") return { body, closer: node };
      body.push(node);
    }
    this.#tokens.fail("unexpected EOF");
  }

  #textOrAction(): Statement | Closer {
    const token = this.#tokens.nextNonSpace();
    if (token.kind === "text") return { kind: "text", position: token.position, text: token.text };
    if (token.kind !== "left") this.#tokens.unexpected(token, "input");
    this.#tokens.scope.actionLine = token.line;
    const node = this.#action();
    this.#tokens.scope.actionLine = 0;
    return node;
  }

  #action(): Statement | Closer {
    const token = this.#tokens.nextNonSpace();
    switch (token.kind) {
      case "block":
        return this.#block();
      case "break":
      case "continue":
        return this.#jump(token.kind, token.position);
      case "else":
        return this.#else();
      case "end":
        this.#tokens.expect("right", "end");
        return "end";
      case "if":
      case "range":
      case "with":
        return this.#branch(token.kind);
      case "template":
        return this.#template();
    }
    this.#tokens.scope.pending.push(token);
    // Variables declared here stay in scope until the enclosing "end".
    return { kind: "action", position: token.position, pipe: this.#pipeline("command", "right") };
  }

  #jump(kind: "break" | "continue", position: number): Statement {
    this.#tokens.expect("right", `{{${kind}}}`);
    if (this.#tokens.scope.rangeDepth === 0) this.#tokens.fail(`{{${kind}}} outside {{range}}`);
    return { kind, position };
  }

  #else(): Closer {
    const next = this.#tokens.peekNonSpace();
    // The branch that is closed reads the keyword of "else if" and "else with".
    if (next.kind !== "if" && next.kind !== "with") this.#tokens.expect("right", "else");
    return "else";
  }

  #branch(kind: BranchNode["kind"]): BranchNode {
    const known = this.#tokens.scope.variables.length;
    const pipe = this.#pipeline(kind, "right");
    if (kind === "range") this.#tokens.scope.rangeDepth++;
    const { body, closer } = this.#list();
    if (kind === "range") this.#tokens.scope.rangeDepth--;
    let otherwise: Statement[] | undefined;
    if (closer === "else") {
      if (kind !== "range" && this.#tokens.peek().kind === kind) {
        // The inner branch consumes the "end" of both.
        this.#tokens.next();
        otherwise = [this.#branch(kind)];
      } else {
        const rest = this.#list();
        if (rest.closer !== "end") this.#tokens.fail(`expected end; found {{${rest.closer}}}`);
        otherwise = rest.body;
      }
    }
    this.#tokens.scope.variables.length = known;
    return { kind, position: pipe.position, pipe, body, otherwise };
  }

  #templateName(token: Token, context: string): string {
    if (token.kind !== "string" && token.kind !== "raw string") {
      this.#tokens.unexpected(token, context);
    }
    return this.#unquoted(token);
  }

  #block(): TemplateNode {
    const context = "block clause";
    const token = this.#tokens.nextNonSpace();
    const name = this.#templateName(token, context);
    const pipe = this.#pipeline(context, "right");
    let closer: Closer = "end";
    this.#tokens.inScope(() => {
      const list = this.#list();
      closer = list.closer;
      if (closer === "end") this.#add(name, list.body);
    });
    if (closer !== "end") this.#tokens.fail(`unexpected {{${closer}}} in ${context}`);
    return { kind: "template", position: token.position, name, pipe };
  }

  #template(): TemplateNode {
    const context = "template clause";
    const token = this.#tokens.nextNonSpace();
    const name = this.#templateName(token, context);
    const next = this.#tokens.nextNonSpace();
    let pipe: PipeNode | undefined;
    if (next.kind !== "right") {
      this.#tokens.scope.pending.push(next);
      pipe = this.#pipeline(context, "right");
    }
    return { kind: "template", position: token.position, name, pipe };
  }

  #pipeline(context: string, end: TokenKind): PipeNode {
    const first = this.#tokens.peekNonSpace();
    const pipe: PipeNode = {
      kind: "pipe",
      position: first.position,
      isAssign: false,
      variables: [],
      commands: [],
    };
    this.#declarations(pipe, context);
    for (;;) {
      const token = this.#tokens.nextNonSpace();
      if (token.kind === end) break;
      if (!commandStarts.has(token.kind)) this.#tokens.unexpected(token, context);
      this.#tokens.scope.pending.push(token);
      pipe.commands.push(this.#command());
    }
    if (pipe.commands.length === 0) this.#tokens.fail(`missing value for ${context}`);
    pipe.commands.forEach((command, i) => {
      if (i > 0 && notExecutable.has(command.args[0]?.kind ?? "")) {
        this.#tokens.fail(`non executable command in pipeline stage ${i + 1}`);
      }
    });
    return pipe;
  }

  /** Parses `$x :=`, `$x =` or, in a range, `$i, $x :=` at the start of a pipeline. */
  #declarations(pipe: PipeNode, context: string): void {
    const scope = this.#tokens.scope;
    for (;;) {
      const variable = this.#tokens.peekNonSpace();
      if (variable.kind !== "variable") return;
      this.#tokens.next();
      const adjacent = this.#tokens.peek();
      const next = this.#tokens.peekNonSpace();
      const isComma = next.kind === "char" && next.text === ",";
      if (next.kind !== "=" && next.kind !== ":=" && !isComma) {
        // Just an argument; put back the space, which separates it from the next one.
        if (adjacent.kind === "space") scope.pending.push(adjacent);
        scope.pending.push(variable);
        return;
      }
      this.#tokens.nextNonSpace();
      pipe.variables.push(variableNode(variable.position, variable.text));
      scope.variables.push(variable.text);
      if (!isComma) {
        pipe.isAssign = next.kind === "=";
        return;
      }
      if (context !== "range" || pipe.variables.length >= 2) {
        this.#tokens.fail(`too many declarations in ${context}`);
      }
      const after = this.#tokens.peekNonSpace().kind;
      if (after !== "variable" && after !== "right" && after !== ")") {
        this.#tokens.fail("range can only initialize variables");
      }
    }
  }

  #command(): CommandNode {
    const args: Expression[] = [];
    const position = this.#tokens.peekNonSpace().position;
    for (;;) {
      this.#tokens.peekNonSpace();
      const operand = this.#operand();
      if (operand !== undefined) args.push(operand);
      const token = this.#tokens.next();
      if (token.kind === "space") continue;
      if (token.kind === "right" || token.kind === ")") this.#tokens.scope.pending.push(token);
      else if (token.kind !== "|") this.#tokens.unexpected(token, "operand");
      break;
    }
    if (args.length === 0) this.#tokens.fail("empty command");
    return { kind: "command", position, args };
  }

  /** Parses a term and the fields directly after it. */
  #operand(): Expression | undefined {
    const node = this.#term();
    if (node === undefined || this.#tokens.peek().kind !== "field") return node;
    const chain: ChainNode = {
      kind: "chain",
      position: this.#tokens.peek().position,
      base: node,
      names: [],
    };
    while (this.#tokens.peek().kind === "field") {
      chain.names.push(this.#tokens.next().text.slice(1));
    }
    switch (node.kind) {
      case "field":
      case "variable":
        return {
          kind: node.kind,
          position: chain.position,
          names: [...node.names, ...chain.names],
        };
      case "bool":
      case "string":
      case "number":
      case "nil":
      case "dot":
        this.#tokens.fail(`unexpected . after term ${quote(describeNode(node))}`);
    }
    return chain;
  }

  #term(): Expression | undefined {
    const token = this.#tokens.nextNonSpace();
    const { position, text } = token;
    switch (token.kind) {
      case "identifier": {
        const callee = this.#findFunction(text) ??
          this.#tokens.fail(`function ${quote(text)} not defined`);
        return { kind: "identifier", position, name: text, callee };
      }
      case ".":
        return { kind: "dot", position };
      case "nil":
        return { kind: "nil", position };
      case "variable":
        if (!this.#tokens.scope.variables.includes(text)) {
          this.#tokens.fail(`undefined variable ${quote(text)}`);
        }
        return variableNode(position, text);
      case "field":
        return { kind: "field", position, names: text.slice(1).split(".") };
      case "bool":
        return { kind: "bool", position, value: text === "true" };
      case "character":
      case "complex":
      case "number":
        return this.#number(token);
      case "(":
        return this.#parenthesised();
      case "string":
      case "raw string":
        return { kind: "string", position, quoted: text, text: this.#unquoted(token) };
    }
    this.#tokens.scope.pending.push(token);
    return undefined;
  }

  #number({ kind, position, text }: Token): Expression {
    try {
      const value = kind === "character"
        ? parseCharacter(text)
        : parseNumber(text, kind === "complex");
      return { kind: "number", position, text, value };
    } catch (error) {
      if (error instanceof NumberSyntaxError) this.#tokens.fail(error.message);
      throw error;
    }
  }

  #parenthesised(): PipeNode {
    if (this.#tokens.scope.depth >= maxExpressionDepth) {
      this.#tokens.fail("max expression depth exceeded");
    }
    this.#tokens.scope.depth++;
    const pipe = this.#pipeline("parenthesized pipeline", ")");
    this.#tokens.scope.depth--;
    return pipe;
  }
}

function variableNode(position: number, name: string): VariableNode {
  return { kind: "variable", position, names: [name] };
}

const commandStarts: ReadonlySet<TokenKind> = new Set<TokenKind>([
  "bool",
  "character",
  "complex",
  ".",
  "field",
  "identifier",
  "number",
  "nil",
  "raw string",
  "string",
  "variable",
  "(",
]);

/** The kinds of node that cannot receive the value of the previous stage. */
const notExecutable: ReadonlySet<string> = new Set(["bool", "dot", "nil", "number", "string"]);
