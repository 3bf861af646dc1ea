/**
 * Hints about invalid templates.
 *
 * @module
 */

import { closest } from "../text/closest.ts";
import { LlamaError } from "../errors.ts";
import type { TemplateError } from "../template/mod.ts";
import { BUILTINS } from "../template/functions.ts";
import { templateFunctions } from "./template_functions.ts";

/** The methods that take a path. */
const marks = ["I", "O", "IO", "Input", "Output", "InputOutput"];

/** The members that only jobs of `xargs` have. */
const ofLines = ["Line", "Each", "Col", "Columns", "Idx", "AsFile"];

/** Functions of Go's path and strings packages and of sprig, with llama's equivalents. */
const foreignFunctions: Readonly<Record<string, string>> = {
  basename: "base",
  dirname: "dir",
  toLower: "lower",
  toUpper: "upper",
  replaceAll: "replace OLD NEW TEXT",
  splitList: "split SEPARATOR TEXT",
  minus: "sub",
  plus: "add",
};

/** Returns a hint about an invalid template, if there is one. */
export function templateHint(error: TemplateError): string | undefined {
  const { message, cause, phase } = error;
  if (cause instanceof LlamaError) return cause.hint;
  const name = /function "(\w+)" not defined$/.exec(message)?.[1];
  if (name !== undefined) {
    if (marks.includes(name)) return `write {{.${name} "PATH"}}, with a dot`;
    if (ofLines.includes(name)) return `write {{.${name}}}, with a dot`;
    const instead = Object.hasOwn(foreignFunctions, name) ? foreignFunctions[name] : undefined;
    if (instead !== undefined) return `write ${instead}`;
    return didYouMean(closest(name, [...BUILTINS.keys(), ...Object.keys(templateFunctions)]));
  }
  if (/error calling join: the last argument is not a list$/.test(message)) {
    return 'write a list such as .Lines (with -n), .Columns, or (split "," .Line)';
  }
  const method = /wrong number of args for (\w+):/.exec(message)?.[1];
  if (method !== undefined && marks.includes(method)) return `write {{.${method} "PATH"}}`;
  const [, field, type] = /can't evaluate field (\w+) in type (\S+)$/.exec(message) ?? [];
  if (field !== undefined && type !== undefined) return fieldHint(field, type);
  return phase === "parse" ? 'write a literal {{ as {{"{{"}}' : undefined;
}

function fieldHint(field: string, type: string): string | undefined {
  const isInvoke = type === "*files.IOContext";
  if (!isInvoke && type !== "*main.jobContext") return undefined;
  if (isInvoke && ofLines.includes(field)) return `only llama xargs has {{.${field}}}`;
  if (field === "Lines") return "only llama xargs -n has {{.Lines}}";
  const nearest = closest(field, isInvoke ? marks : [...ofLines, ...marks]);
  return didYouMean(nearest === undefined ? undefined : `.${nearest}`);
}

function didYouMean(name: string | undefined): string | undefined {
  return name === undefined ? undefined : `did you mean ${name}?`;
}
