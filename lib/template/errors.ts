/** The phase in which an error occurred: parsing or execution. */
export type TemplatePhase = "parse" | "exec";

/** Details of a {@linkcode TemplateError}. */
export interface TemplateErrorDetails {
  /** The phase in which the error occurred. */
  phase: TemplatePhase;
  /** The name of the template that was being parsed or executed. */
  template: string;
  /** The line of the template's text, starting at 1; 0 if unknown. */
  line: number;
  /** The column in bytes, starting at 0; absent for parse errors. */
  column?: number;
  /** The underlying error, for example one thrown by a method of the data. */
  cause?: unknown;
}

/**
 * An error that Go's text/template would report too, with the same message.
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
  /** The name of the error class. */
  override readonly name = "TemplateError";
  /** The phase in which the error occurred. */
  readonly phase: TemplatePhase;
  /** The name of the template that was being parsed or executed. */
  readonly template: string;
  /** The line of the template's text, starting at 1; 0 if unknown. */
  readonly line: number;
  /** The column in bytes, starting at 0; undefined for parse errors. */
  readonly column: number | undefined;

  /**
   * Creates an error.
   *
   * @param message Go's message; bytes that are not valid UTF-8 become U+FFFD.
   * @param details The phase and position.
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
 * An error returned by a template function; the executor adds the position and the function's name.
 */
export class CallError extends Error {}
