/**
 * The functions that llama's templates have besides Go's. As in a pipeline the last argument comes
 * from the left, the text to work on is always last: `{{.Line | trimSuffix ".png"}}`.
 *
 * @module
 */

import { posix } from "node:path";
import { LlamaError } from "../errors.ts";
import type { TemplateFunctions } from "../template/mod.ts";
import { quote } from "../template/quote.ts";

/** The functions by name. None has the name of one of Go's. */
export const templateFunctions = {
  base: { parameters: ["string"], call: base },
  dir: { parameters: ["string"], call: dir },
  ext: { parameters: ["string"], call: ext },
  trimSuffix: {
    parameters: ["string", "string"],
    call: (suffix: string, text: string) =>
      text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text,
  },
  trimPrefix: {
    parameters: ["string", "string"],
    call: (prefix: string, text: string) =>
      text.startsWith(prefix) ? text.slice(prefix.length) : text,
  },
  replace: {
    parameters: ["string", "string", "string"],
    call: (old: string, by: string, text: string) => text.replaceAll(old, () => by),
  },
  lower: { parameters: ["string"], call: (text: string) => text.toLowerCase() },
  upper: { parameters: ["string"], call: (text: string) => text.toUpperCase() },
  split: {
    parameters: ["string", "string"],
    call: (separator: string, text: string) => separator === "" ? [...text] : text.split(separator),
  },
  join: { parameters: ["string", "interface {}"], call: join },
  add: { parameters: ["interface {}", "...interface {}"], call: add },
  sub: { parameters: ["interface {}", "interface {}"], call: sub },
} as const satisfies TemplateFunctions;

/** Like Go's `path.Base`. */
function base(path: string): string {
  return path === "" ? "." : posix.basename(path) || "/";
}

/** Like Go's `path.Dir`. */
function dir(path: string): string {
  const parent = posix.normalize(path.slice(0, path.lastIndexOf("/") + 1));
  return parent.length > 1 && parent.endsWith("/") ? parent.slice(0, -1) : parent;
}

/** Like Go's `path.Ext`. */
function ext(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  return dot < 0 ? "" : name.slice(dot);
}

function join(separator: string, list: unknown): string {
  if (Array.isArray(list)) return list.map(String).join(separator);
  throw new TypeError("the last argument is not a list");
}

function add(...terms: unknown[]): bigint {
  return inRange(terms.map(integer).reduce((sum, term) => sum + term));
}

function sub(from: unknown, what: unknown): bigint {
  return inRange(integer(from) - integer(what));
}

/** Lines are text, so numbers in them are accepted too. */
function integer(value: unknown): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "string" && /^[-+]?[0-9]{1,19}$/.test(value)) {
    return inRange(BigInt(value.replace("+", "")));
  }
  const shown = typeof value === "string" ? quote(value) : String(value);
  throw new LlamaError("template", `${shown} is not an integer`);
}

function inRange(value: bigint): bigint {
  if (value === BigInt.asIntN(64, value)) return value;
  throw new LlamaError("template", `${value} is not within 64 bits`);
}
