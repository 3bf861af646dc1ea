/**
 * Expands templates into jobs.
 *
 * @module
 */

import { LlamaError, messageOf } from "../errors.ts";
import { Template, TemplateError, TemplateSet } from "../template/mod.ts";
import { quote } from "../template/quote.ts";
import { columnsOf, type JobInput, linesOf } from "./job_input.ts";
import { nulHint } from "./paths.ts";
import { FileContext, JobContext, LinesContext } from "./template_context.ts";
import type { InputFile, Job, OutputFile } from "./job.ts";
import { templateFunctions } from "./template_functions.ts";
import { templateHint } from "./template_hint.ts";

/** The result of executing a command line's templates. */
export interface Expansion {
  /** The arguments. */
  args: string[];
  /** The files marked as inputs. */
  inputs: InputFile[];
  /** The files marked as outputs. */
  outputs: MarkedOutput[];
}

/** An output marked by a template. As in the original, its path is clean: without a trailing `/`. */
export interface MarkedOutput extends OutputFile {
  /** Whether it is a directory. @default {false} */
  readonly isDirectory?: boolean;
}

/**
 * Expands the arguments of `invoke`. They share one set: later ones can use earlier definitions.
 *
 * @param templates The arguments as the user wrote them.
 * @returns The arguments and the marked files.
 * @throws {LlamaError} `template`, with the messages of Go's text/template.
 */
export function expandOnce(templates: readonly string[]): Expansion {
  const context = new FileContext();
  const set = new TemplateSet(templateFunctions);
  const args = templates.map((text, index) =>
    reportingTemplateErrors(() => execute(Template.parse(`arg-${index}`, text, set), context))
  );
  return { args, ...marked(context) };
}

/** The parsed arguments of `xargs`, expanded for each line. */
export class LineTemplates {
  readonly #templates: readonly Template[];
  /** The arguments that need no execution, which are most: plain text, and the line. */
  readonly #simple: readonly (((context: JobContext) => string) | undefined)[];
  /** Whether each argument may differ between jobs. */
  readonly #varies: readonly boolean[];
  /** Whether each argument is repeated for each line of a job. */
  readonly #repeats: readonly boolean[];

  /**
   * Parses the arguments.
   *
   * @param templates The arguments as the user wrote them. Each is independent of the others.
   * @throws {LlamaError} `template` if one does not parse.
   */
  constructor(templates: readonly string[]) {
    this.#templates = templates.map((text, index) =>
      reportingTemplateErrors(
        () => Template.parse(`arg-${index}`, text, new TemplateSet(templateFunctions)),
        { prefix: `template parse error: ${quote(text)}: ` },
      )
    );
    this.#simple = templates.map((text) =>
      text === "{{.Line}}" ? ({ Line }) => Line : text.includes("{{") ? undefined : () => text
    );
    this.#varies = this.#templates.map((template) => template.mentions(inputFields));
    this.#repeats = this.#templates.map((template) => template.names(repeatedFields));
  }

  /** Whether an argument uses the line or the job's number, so that jobs differ. */
  get usesInput(): boolean {
    return this.#varies.includes(true);
  }

  /** Whether the first argument may differ between jobs. */
  get variesFirst(): boolean {
    return this.#varies[0] ?? false;
  }

  /**
   * Expands the arguments for one job.
   *
   * @param input The line, without its end; or a list, also available as `.Lines`.
   * @param index The job's number, from 0.
   * @returns The arguments and the marked files.
   * @throws {LlamaError} `template` if one fails on this line.
   */
  expand(input: JobInput, index: number): Expansion {
    const lines = linesOf(input);
    const context = typeof lines === "string"
      ? new JobContext(lines, index, columnsOf(input))
      : new LinesContext(lines, index, columnsOf(input));
    const args: string[] = [];
    for (const [at, template] of this.#templates.entries()) {
      const simple = this.#simple[at];
      if (simple !== undefined) {
        args.push(checkText(simple(context), template.name));
        continue;
      }
      const options = { isConstant: this.#varies[at] === false };
      const expandOne = () => reportingTemplateErrors(() => execute(template, context), options);
      if (!this.#repeats[at] || typeof lines === "string") {
        args.push(expandOne());
        continue;
      }
      for (const line of lines) {
        context.each = line;
        args.push(expandOne());
      }
    }
    return { args, ...marked(context) };
  }
}

/**
 * Creates a job from an expansion.
 *
 * @param functionName The function that runs it.
 * @param expansion Arguments and files.
 * @returns The job.
 */
export function jobOf(functionName: string, { args, inputs, outputs }: Expansion): Job {
  return { functionName, args, inputs, outputs: outputs.map(asOutput) };
}

function asOutput({ isDirectory, remote, local, ...rest }: MarkedOutput): OutputFile {
  return isDirectory
    ? { remote: `${remote}/`, local: `${local}/`, ...rest }
    : { remote, local, ...rest };
}

function execute(template: Template, context: FileContext): string {
  return checkText(template.executeEscaped(context), template.name);
}

/** Refuses text that is not UTF-8, which the wire cannot carry, or has a NUL byte. */
function checkText(text: string, name: string): string {
  if (text.includes("\0")) {
    throw new LlamaError(
      "template",
      `${name} produces an argument with a NUL byte: ${quote(text)}`,
      { hint: nulHint },
    );
  }
  if (text.isWellFormed()) return text;
  throw new LlamaError(
    "template",
    `${name} produces an argument that is not UTF-8: ${quote(text)}`,
    { hint: "send such bytes as a file, with {{.AsFile .Line}}" },
  );
}

function marked(
  { Inputs, Outputs }: FileContext,
): { inputs: InputFile[]; outputs: MarkedOutput[] } {
  const inputs: InputFile[] = [];
  for (const { Local, Remote } of Inputs) {
    inputs.push({ remote: Remote, source: Local.Bytes ?? Local.Path });
  }
  const outputs: MarkedOutput[] = [];
  for (const { Local, Remote, replacesInput, isDirectory } of Outputs) {
    const output = { remote: Remote, local: Local.Path, onlyOnSuccess: replacesInput };
    outputs.push(isDirectory ? { ...output, isDirectory } : output);
  }
  return { inputs, outputs };
}

/** The fields of a job that differ from one to the next. */
const inputFields: ReadonlySet<string> = new Set([
  "Line",
  "Lines",
  "Each",
  "Columns",
  "Col",
  "Idx",
]);

/** The fields that stand for each of a job's lines. */
const repeatedFields: ReadonlySet<string> = new Set(["Each"]);

function reportingTemplateErrors<T>(work: () => T, { prefix = "", isConstant = false } = {}): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof TemplateError)) throw cause;
    const hint = templateHint(cause);
    const affectsAll = isConstant || isMistake(cause);
    throw new LlamaError("template", prefix + messageOf(cause), { cause, hint, affectsAll });
  }
}

/**
 * Reports whether a template's failure is independent of the line: the types in its context are
 * always the same, but refusals of methods, limits and indexes depend on the line.
 */
function isMistake({ message, cause }: TemplateError): boolean {
  return !(cause instanceof LlamaError) &&
    !/index out of range|invalid slice index|exceeded (a limit|maximum)|strconv\./.test(message);
}
