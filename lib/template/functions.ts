import { equal, less, lessOrEqual } from "./compare.ts";
import { CallError } from "./errors.ts";
import { escapeHtml, escapeJs, escapeQuery } from "./escape.ts";
import { print, println } from "./print.ts";
import { printf } from "./printf.ts";
import { functionMethod } from "./struct.ts";
import { byteAt, byteLength, byteSlice } from "./text.ts";
import {
  Byte,
  capacityOf,
  concrete,
  elementAt,
  fromData,
  isTrue,
  kindOf,
  lookUp,
  sizeOf,
  sliceOf,
  takesKey,
  toData,
  typeName,
  type Value,
  zeroItem,
} from "./value.ts";

/**
 * The type of a parameter: its name in Go, or `value` for Go's `reflect.Value`, which accepts
 * anything, even the absence of a value.
 */
export type ParameterType = "value" | "interface {}" | "string" | "int" | "float64" | "bool";

/** A predefined function. */
export interface Builtin {
  parameters: readonly ParameterType[];
  variadic: ParameterType | undefined;
  call: (args: Value[]) => Value;
}

function indexNumber(index: Value, limit: number): number {
  const value = concrete(index);
  const number = value instanceof Byte ? BigInt(value.value) : value;
  if (number === undefined) throw new CallError("cannot index slice/array with nil");
  if (typeof number !== "bigint") {
    throw new CallError(`cannot index slice/array with type ${typeName(number)}`);
  }
  if (number < 0n || number > BigInt(limit)) throw new CallError(`index out of range: ${number}`);
  return Number(number);
}

/** The error of Go's reflect for the index just past the end, which Go's own check lets through. */
function beyond(kind: "slice" | "string"): CallError {
  return new CallError(`reflect: ${kind} index out of range`);
}

function indexMap(map: object, index: Value): Value {
  const key = concrete(index);
  const wanted = takesKey(map, key);
  if (wanted !== undefined) {
    throw new CallError(
      key === undefined
        ? `value is nil; should be of type ${wanted}`
        : `value has type ${typeName(key)}; should be ${wanted}`,
    );
  }
  return lookUp(map, key) ?? zeroItem(map);
}

function indexOne(item: Value, index: Value): Value {
  if (typeof item === "string") {
    const length = byteLength(item);
    const at = indexNumber(index, length);
    if (at === length) throw beyond("string");
    return new Byte(byteAt(item, at));
  }
  if (typeof item === "object") {
    const kind = kindOf(item);
    if (kind === "map") return indexMap(item, index);
    if (kind === "slice") {
      const size = sizeOf(item);
      const at = indexNumber(index, size);
      if (at === size) throw beyond("slice");
      return elementAt(item, at);
    }
  }
  throw new CallError(`can't index item of type ${typeName(item).replace(/^\*/, "")}`);
}

function index([item, ...indexes]: Value[]): Value {
  let at = concrete(item);
  if (at === undefined) throw new CallError("index of untyped nil");
  let result: Value = at;
  for (const one of indexes) {
    if (at === undefined) throw new CallError("index of nil pointer");
    result = indexOne(at, one);
    at = concrete(result);
  }
  return result;
}

function slice([item, ...indexes]: Value[]): Value {
  const value = concrete(item);
  if (value === undefined) throw new CallError("slice of untyped nil");
  if (indexes.length > 3) throw new CallError(`too many slice indexes: ${indexes.length}`);
  const isString = typeof value === "string";
  if (isString && indexes.length === 3) throw new CallError("cannot 3-index slice a string");
  if (!isString && (typeof value !== "object" || kindOf(value) !== "slice")) {
    throw new CallError(`can't slice item of type ${typeName(value).replace(/^\*/, "")}`);
  }
  const length = isString ? byteLength(value) : sizeOf(value);
  const capacity = isString ? length : capacityOf(value);
  const [start = 0, end = length, limit] = indexes.map((one) => sliceNumber(one, capacity));
  if (start > end) throw new CallError(`invalid slice index: ${start} > ${end}`);
  if (isString) return byteSlice(value, start, end);
  if (limit !== undefined && end > limit) {
    throw new CallError(`invalid slice index: ${end} > ${limit}`);
  }
  return sliceOf(value, start, end, limit ?? capacity);
}

/**
 * Returns an index of slice which, unlike index, does not accept numbers of type `interface {}`.
 */
function sliceNumber(index: Value, capacity: number): number {
  if (kindOf(index) === "interface") {
    throw new CallError("cannot index slice/array with type interface {}");
  }
  return indexNumber(index, capacity);
}

function length([item]: Value[]): Value {
  if (typeof item === "string") return BigInt(byteLength(item));
  // In Go, len asks reflect for the type of an absent value, which gives this error.
  if (item === undefined) {
    throw new CallError("reflect: call of reflect.Value.Type on zero Value");
  }
  const value = concrete(item);
  if (value === undefined) throw new CallError("len of nil pointer");
  if (typeof value === "string") return BigInt(byteLength(value));
  const kind = kindOf(value);
  if (typeof value === "object" && (kind === "slice" || kind === "map")) {
    return BigInt(sizeOf(value));
  }
  throw new CallError(`len of type ${typeName(value).replace(/^\*/, "")}`);
}

/** Calls a function of the data. The executor prepends the callee's text to the arguments. */
function call([name, callee, ...args]: Value[]): Value {
  const target = concrete(callee);
  if (target === undefined) throw new CallError("call of nil");
  if (typeof target !== "function") {
    throw new CallError(`non-function ${String(name)} of type ${typeName(target)}`);
  }
  const method = functionMethod((...given) => Reflect.apply(target, undefined, given));
  if (args.length !== target.length) {
    throw new CallError(
      `wrong number of args for ${String(name)}: got ${args.length} want ${target.length}`,
    );
  }
  return fromData(method.call(args.map(toData)));
}

function builtin(
  call: (args: Value[]) => Value,
  parameters: ParameterType[],
  variadic?: ParameterType,
): Builtin {
  return { parameters, variadic, call };
}

/**
 * Never called: `and` and `or` decide which arguments to evaluate, so the executor implements them.
 */
function lazily(): Value {
  return undefined;
}

/** The predefined functions of Go's text/template. */
export const BUILTINS: ReadonlyMap<string, Builtin> = new Map([
  ["and", builtin(lazily, ["value"], "value")],
  ["or", builtin(lazily, ["value"], "value")],
  ["not", builtin(([value]) => !isTrue(value), ["value"])],
  ["call", builtin(call, ["value"], "value")],
  ["index", builtin(index, ["value"], "value")],
  ["slice", builtin(slice, ["value"], "value")],
  ["len", builtin(length, ["value"])],
  ["print", builtin((args) => print(args), [], "interface {}")],
  ["println", builtin((args) => println(args), [], "interface {}")],
  [
    "printf",
    builtin(([format, ...args]) => printf(String(format), args), ["string"], "interface {}"),
  ],
  ["html", builtin((args) => escapeHtml(print(args, true)), [], "interface {}")],
  ["js", builtin((args) => escapeJs(print(args, true)), [], "interface {}")],
  ["urlquery", builtin((args) => escapeQuery(print(args, true)), [], "interface {}")],
  ["eq", builtin(([first, ...others]) => equal(first, others), ["value"], "value")],
  ["ne", builtin(([first, second]) => !equal(first, [second]), ["value", "value"])],
  ["lt", builtin(([a, b]) => less(a, b), ["value", "value"])],
  ["le", builtin(([a, b]) => lessOrEqual(a, b), ["value", "value"])],
  ["gt", builtin(([a, b]) => !lessOrEqual(a, b), ["value", "value"])],
  ["ge", builtin(([a, b]) => !less(a, b), ["value", "value"])],
]);
