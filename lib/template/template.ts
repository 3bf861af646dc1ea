import type { Statement } from "./ast.ts";
import { type Code, compile, type Executable, Runner } from "./execute.ts";
import { type Builtin, BUILTINS } from "./functions.ts";
import { mentions, namesAny } from "./mentions.ts";
import { isEmptyBody, parse } from "./parser.ts";
import { type ExecuteOptions, type Source, State } from "./state.ts";
import { functionOf, type TemplateFunction } from "./struct.ts";
import { encodeString, normalize } from "./text.ts";
import { fromData, nilInterface, toData } from "./value.ts";

/**
 * A set of templates that can call each other by name: all that were parsed into the set, and the
 * templates that they define. It may have functions of its own, like Go's `Funcs`, which take
 * precedence over the predefined ones.
 *
 * @example
 * ```ts
 * import { Template, TemplateSet } from "./mod.ts";
 *
 * const set = new TemplateSet();
 * Template.parse("arg-0", '{{define "ext"}}.png{{end}}', set);
 * Template.parse("arg-1", 'out{{template "ext"}}', set).execute(null); // out.png
 * ```
 */
export class TemplateSet extends Map<string, Template> {
  /** The functions by name. */
  readonly functions: TemplateFunctions;

  /**
   * Creates an empty set.
   *
   * @param functions Functions that the templates of this set can call, by name.
   *
   * @example
   * ```ts
   * import { Template, TemplateSet } from "./mod.ts";
   *
   * const set = new TemplateSet({
   *   repeat: { parameters: ["int", "string"], call: (n: bigint, s: string) => s.repeat(Number(n)) },
   * });
   * Template.parse("arg-0", '{{"ab" | repeat 3}}', set).execute(null); // ababab
   * ```
   */
  constructor(functions: TemplateFunctions = {}) {
    super();
    this.functions = functions;
  }
}

/** Functions of a {@linkcode TemplateSet} by name. */
export type TemplateFunctions = Readonly<Record<string, TemplateFunction>>;

/** A parsed template, like Go's `template.Template`. */
export class Template {
  /** The template's name. */
  readonly name: string;
  readonly #set: Map<string, Template>;
  #source: Source;
  #body: readonly Statement[];
  #code: Code | undefined;

  private constructor(
    name: string,
    set: Map<string, Template>,
    source: Source,
    body: readonly Statement[],
  ) {
    this.name = name;
    this.#set = set;
    this.#source = source;
    this.#body = body;
  }

  /**
   * Parses a template. If parsing fails, the set remains unchanged.
   *
   * @param name The template's name, for errors and for calls from other templates.
   * @param text The template.
   * @param set The set to add the template and its definitions to; by default, a new one.
   * @returns The template.
   * @throws {TemplateError} If the text is not a valid template, with Go's message.
   *
   * @example
   * ```ts
   * import { Template } from "./mod.ts";
   *
   * const template = Template.parse("arg-0", "{{range .Names}}[{{.}}]{{end}}");
   * template.execute({ Names: ["a", "b"] }); // [a][b]
   * ```
   */
  static parse(name: string, text: string, set?: Map<string, Template> | Template): Template {
    const templates = set instanceof Template ? set.#set : set ?? new TemplateSet();
    const source = { name, text: normalize(text) };
    const functions = templates instanceof TemplateSet ? templates.functions : {};
    const definitions = parse(name, source.text, (word) => lookUp(word, functions));
    const own = new Template(name, templates, source, definitions.get(name) ?? []);
    for (const [defined, body] of definitions) {
      const template = defined === name ? own : new Template(defined, templates, source, body);
      // As in Go, an empty definition does not replace an existing one.
      if (!templates.has(defined) || !isEmptyBody(body)) templates.set(defined, template);
    }
    return own;
  }

  /**
   * Executes the template.
   *
   * @param data The value of `.`. A `bigint` is Go's int, a `number` float64, `null` and
   * `undefined` nil, an array a slice, a `Map` or plain object a map, and an instance of a class a
   * struct with the capitalized fields and methods of the class. An exception that a method throws
   * ends the execution.
   * @param options Limits of the execution.
   * @returns The output; each byte that is not part of valid UTF-8 is U+FFFD.
   * @throws {TemplateError} If the execution fails, with Go's message.
   *
   * @example
   * ```ts
   * import { Template } from "./mod.ts";
   *
   * class Job {
   *   Line = "a.png";
   *   I(name: string): string {
   *     if (name.startsWith("/")) throw new Error(`Cannot pass absolute path: "${name}"`);
   *     return name;
   *   }
   * }
   * Template.parse("arg-0", "{{.I .Line}}").execute(new Job()); // a.png
   * ```
   */
  execute(data: unknown, options: ExecuteOptions = {}): string {
    return this.executeEscaped(data, options).toWellFormed();
  }

  /**
   * Executes the template and returns bytes, for output that may not be valid UTF-8.
   *
   * @param data The value of `.`; see {@linkcode Template.execute}.
   * @param options Limits of the execution.
   * @returns The bytes of the output.
   * @throws {TemplateError} If the execution fails, with Go's message.
   */
  executeBytes(data: unknown, options: ExecuteOptions = {}): Uint8Array {
    return encodeString(this.executeEscaped(data, options));
  }

  /**
   * Executes the template, for callers that check whether the output is valid UTF-8.
   *
   * @param data The value of `.`; see {@linkcode Template.execute}.
   * @param options Limits of the execution.
   * @returns The output in the form of `decodeBytes`: each byte that is not part of valid UTF-8 is
   * a lone surrogate, which `isWellFormed()` detects.
   * @throws {TemplateError} If the execution fails, with Go's message.
   */
  executeEscaped(data: unknown, options: ExecuteOptions = {}): string {
    const state = new State(this.name, this.#source, options);
    const runner = new Runner(state, (called) => {
      const template = this.#set.get(called);
      return template === undefined ? undefined : template.#executable();
    });
    try {
      return runner.run(this.#executable(), fromData(data));
    } catch (error) {
      // JavaScript's own limits: the stack, or the length of strings.
      if (!(error instanceof RangeError)) throw error;
      return state.fail(`exceeded a limit of JavaScript: ${error.message}`, error);
    }
  }

  /**
   * Reports whether the template, or one that it may call, may access certain fields of the data.
   *
   * @param names The names of the fields.
   * @returns False only if it certainly does not.
   */
  mentions(names: ReadonlySet<string>): boolean {
    return this.#anyBody((body) => mentions(body, names));
  }

  /**
   * Reports whether the template, or one that it may call, names certain fields, of any value.
   *
   * @param names The names of the fields.
   */
  names(names: ReadonlySet<string>): boolean {
    return this.#anyBody((body) => namesAny(body, names));
  }

  /**
   * Looks up a template of the same set.
   *
   * @param name The name.
   * @returns The template, if there is one.
   */
  lookup(name: string): Template | undefined {
    return this.#set.get(name);
  }

  #anyBody(test: (body: readonly Statement[]) => boolean): boolean {
    return test(this.#body) || [...this.#set.values()].some((each) => test(each.#body));
  }

  #executable(): Executable {
    const code = this.#code ??= compile(this.#body);
    return { name: this.name, source: this.#source, code };
  }
}

function lookUp(word: string, functions: TemplateFunctions): Builtin | undefined {
  const own = Object.hasOwn(functions, word) ? functions[word] : undefined;
  if (own === undefined) return BUILTINS.get(word);
  const { parameters, variadic, call } = functionOf(own);
  return {
    parameters,
    variadic,
    call: (args) => {
      const result = call(args.map(toData));
      return result === null || result === undefined ? nilInterface : fromData(result);
    },
  };
}
