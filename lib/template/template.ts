import type { Statement } from "./ast.ts";
import { type Code, compile, type Executable, Runner } from "./execute.ts";
import { BUILTINS } from "./functions.ts";
import { mentions } from "./mentions.ts";
import { isEmptyBody, parse } from "./parser.ts";
import { type ExecuteOptions, type Source, State } from "./state.ts";
import { encodeString, normalise } from "./text.ts";
import { fromData } from "./value.ts";

/**
 * Templates by name that know one another: those that a text defines, and all texts parsed into the same set.
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
export class TemplateSet extends Map<string, Template> {}

/** A parsed template, after Go's text/template. */
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
   * Parses a template. If that fails, nothing of the text is defined.
   *
   * @param name The template's name, which errors give and by which others call it.
   * @param text The template.
   * @param set Templates to be parsed into: they see this one and its definitions, and it sees them. Of
   * another template, its set. The default is a new one.
   * @returns The template.
   * @throws {TemplateError} If the text is no template; its message is Go's.
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
    const source = { name, text: normalise(text) };
    const definitions = parse(name, source.text, (word) => BUILTINS.has(word));
    const own = new Template(name, templates, source, definitions.get(name) ?? []);
    for (const [defined, body] of definitions) {
      const template = defined === name ? own : new Template(defined, templates, source, body);
      // Go's rule: what is empty does not take the place of what is there.
      if (!templates.has(defined) || !isEmptyBody(body)) templates.set(defined, template);
    }
    return own;
  }

  /**
   * Runs the template.
   *
   * @param data What `.` is. `bigint` is Go's int, `number` float64, `null` and `undefined` nil, arrays slices,
   * `Map`s and plain objects maps, and an instance of a class a struct with its capitalised fields and
   * methods; what a method throws ends the run.
   * @param options How much it may do.
   * @returns The output; each byte that is not part of valid UTF-8 is U+FFFD.
   * @throws {TemplateError} If the run fails; its message is Go's.
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
   * Runs the template, for output that need not be text.
   *
   * @param data What `.` is; see {@linkcode Template.execute}.
   * @param options How much it may do.
   * @returns The output's bytes.
   * @throws {TemplateError} If the run fails; its message is Go's.
   */
  executeBytes(data: unknown, options: ExecuteOptions = {}): Uint8Array {
    return encodeString(this.executeEscaped(data, options));
  }

  /**
   * Runs the template, for callers that look whether the output is text.
   *
   * @param data What `.` is; see {@linkcode Template.execute}.
   * @param options How much it may do.
   * @returns The output in the form of `decodeBytes`: each byte that is not part of valid UTF-8 is a lone
   * surrogate, so that `isWellFormed()` tells.
   * @throws {TemplateError} If the run fails; its message is Go's.
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
      // JavaScript's own limits: its stack, or the longest string.
      if (!(error instanceof RangeError)) throw error;
      return state.fail(`exceeded a limit of the machine: ${error.message}`, error);
    }
  }

  /**
   * Whether the template, or one that it may call, looks at certain fields of the data.
   *
   * @param names The fields' names.
   * @returns False only if it surely does not.
   */
  mentions(names: ReadonlySet<string>): boolean {
    return mentions(this.#body, names) ||
      [...this.#set.values()].some((each) => mentions(each.#body, names));
  }

  /**
   * Finds a template of the same set.
   *
   * @param name Its name.
   * @returns The template, if there is one of that name.
   */
  lookup(name: string): Template | undefined {
    return this.#set.get(name);
  }

  #executable(): Executable {
    const code = this.#code ??= compile(this.#body);
    return { name: this.name, source: this.#source, code };
  }
}
