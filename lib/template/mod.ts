/**
 * An implementation of Go's text/template with the same syntax, functions, output and error
 * messages.
 *
 * Go's strings are bytes. In strings that methods of the data receive or return, a byte that is not
 * part of valid UTF-8 is a lone surrogate, U+DC80 to U+DCFF; see {@linkcode decodeBytes}.
 *
 * Executions are bounded by steps and length of output ({@linkcode ExecuteOptions}), by 100,000
 * nested template calls as in Go, and by JavaScript's stack for nested parentheses and branches
 * (some thousands).
 *
 * @example
 * ```ts
 * import { Template } from "./mod.ts";
 *
 * Template.parse("arg-0", "{{.name}}-{{printf `%03d` .number}}").execute({ name: "a", number: 7n }); // a-007
 * ```
 *
 * @module
 */

export { TemplateError, type TemplateErrorDetails, type TemplatePhase } from "./errors.ts";
export type { ExecuteOptions } from "./state.ts";
export {
  goInterfaces,
  goLayout,
  type GoParameter,
  goParameters,
  type GoParameterType,
  goTypeName,
  type TemplateFunction,
} from "./struct.ts";
export { Template, type TemplateFunctions, TemplateSet } from "./template.ts";
export { decodeBytes, encodeString } from "./text.ts";
