/** When a template was refused: while it was parsed, or while it ran. */
export type TemplatePhase = "parse" | "exec";

/** What is known of a {@linkcode TemplateError} beside its text. */
export interface TemplateErrorDetails {
  /** When the template was refused. */
  phase: TemplatePhase;
  /** The name of the template that was parsed or running. */
  template: string;
  /** The line of the template's text, from 1; 0 where none is known. */
  line: number;
  /** The column in bytes, from 0; absent for parse errors, which have a line only. */
  column?: number;
  /** What was thrown underneath, by a method of the data for instance. */
  cause?: unknown;
}

/**
 * A template that Go's text/template would refuse too, with the text Go gives for it.
 *
 * @example
 * ```ts
 * import { Template, TemplateError } from "./mod.ts";
 *
 * try {
 *   Template.parse("arg-0", "{{.Line");
 * } catch (error) {
 *   if (!(error instanceof TemplateError)) throw error;
 *   error.message; // template: arg-0:1: unclosed action
 *   error.phase; // parse
 * }
 * ```
 */
export class TemplateError extends Error {
  /** The class's name, for those who print errors. */
  override readonly name = "TemplateError";
  /** When the template was refused. */
  readonly phase: TemplatePhase;
  /** The name of the template that was parsed or running. */
  readonly template: string;
  /** The line of the template's text, from 1; 0 where none is known. */
  readonly line: number;
  /** The column in bytes, from 0, of an exec error. */
  readonly column: number | undefined;

  /**
   * Makes an error with Go's text.
   *
   * @param message The whole text; bytes that are no UTF-8 become U+FFFD.
   * @param details Where it happened.
   */
  constructor(message: string, details: TemplateErrorDetails) {
    super(
      message.toWellFormed(),
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.phase = details.phase;
    this.template = details.template;
    this.line = details.line;
    this.column = details.column;
  }
}

/**
 * What a function of a template gives as Go's second result: the executor adds the place and the
 * function's name.
 */
export class CallError extends Error {}
