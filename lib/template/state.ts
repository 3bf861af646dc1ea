import { describeNode, type Node } from "./ast.ts";
import { TemplateError } from "./errors.ts";
import { quote } from "./quote.ts";
import { byteLength } from "./text.ts";
import type { Value } from "./value.ts";

/** Limits of an execution. */
export interface ExecuteOptions {
  /**
   * The maximum number of steps. Each action, iteration and function call is one step; functions
   * that process long text take more.
   *
   * @default {10_000_000}
   */
  maxSteps?: number;
  /**
   * The maximum length of the output, and of text returned by a function, in UTF-16 code units.
   *
   * @default {67_108_864}
   */
  maxOutput?: number;
}

/** The source of a template, for positions in errors. */
export interface Source {
  /** The name passed to the parser. */
  name: string;
  text: string;
}

/** The number of code units of a function's text that cost one step. */
const unitsPerStep = 16;

/** The state of one execution: its position, variables and remaining budget. */
export class State {
  /** The node being evaluated, for errors. */
  node: Node | undefined;
  /** The template being executed. */
  name: string;
  source: Source;
  /** Variables, innermost last; a template can access those from `base` on. */
  readonly names: string[] = [];
  readonly values: Value[] = [];
  base = 0;
  steps: number;
  readonly maxOutput: number;
  readonly #maxSteps: number;

  constructor(name: string, source: Source, options: ExecuteOptions) {
    this.name = name;
    this.source = source;
    this.#maxSteps = options.maxSteps ?? 10_000_000;
    this.steps = this.#maxSteps;
    this.maxOutput = options.maxOutput ?? 2 ** 26;
  }

  /** Fails with Go's message for the current node. */
  fail(message: string, cause?: unknown): never {
    const { name, source, node } = this;
    if (node === undefined) {
      const details = { phase: "exec", template: name, line: 0, cause } as const;
      throw new TemplateError(`template: ${name}: ${message}`, details);
    }
    const { position } = node;
    const lineStart = source.text.lastIndexOf("\n", position - 1) + 1;
    const before = position === 0 ? "" : source.text.slice(0, position);
    const line = before.split("\n").length;
    const start = position === 0 ? 0 : lineStart;
    const column = byteLength(source.text, start, position);
    const context = describeNode(node);
    throw new TemplateError(
      `template: ${source.name}:${line}:${column}: executing ${
        quote(name)
      } at <${context}>: ${message}`,
      { phase: "exec", template: name, line, column, cause },
    );
  }

  /** Spends one step, or more for work on long text. */
  spend(units = 0): void {
    this.steps -= 1 + Math.floor(units / unitsPerStep);
    if (this.steps < 0) this.fail(`exceeded maximum number of steps (${this.#maxSteps})`);
  }

  /** Fails if text is too long. */
  checkLength(length: number): void {
    if (length > this.maxOutput) {
      this.fail(`exceeded maximum length of output (${this.maxOutput})`);
    }
  }

  push(name: string, value: Value): void {
    this.names.push(name);
    this.values.push(value);
  }

  /** Drops all variables except the first `count`. */
  popTo(count: number): void {
    this.names.length = count;
    this.values.length = count;
  }

  #find(name: string): number {
    const last = this.names.length - 1;
    for (let i = last; i >= this.base; i--) {
      if (this.names[i] !== name) continue;
      if (last - i > 64) this.spend(last - i);
      return i;
    }
    this.fail(`undefined variable: ${name}`);
  }

  get(name: string): Value {
    return this.values[this.#find(name)];
  }

  set(name: string, value: Value): void {
    this.values[this.#find(name)] = value;
  }
}
