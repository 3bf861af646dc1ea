import { normalize } from "./text.ts";
import { type ClassType, classType, member } from "./struct.ts";

/**
 * A value in a template. As in Go's reflect, a value can be absent (`undefined`, for example for a
 * missing key), or have the type `interface {}` whatever it contains ({@linkcode Interface}), like
 * the elements of lists and maps; errors name that type.
 *
 * Strings, booleans, `bigint` (int), `number` (float64), arrays, maps, functions and instances
 * represent themselves.
 */
export type Value =
  | undefined
  | boolean
  | bigint
  | number
  | string
  | Complex
  | Byte
  | Interface
  | object;

/** Go's complex128. */
export class Complex {
  constructor(readonly real: number, readonly imaginary: number) {}
}

/** Go's uint8, the result of indexing a string. */
export class Byte {
  constructor(readonly value: number) {}
}

/** A value of type `interface {}`; `undefined` inside is a nil interface. */
export class Interface {
  constructor(readonly value: Value) {}
}

/** A part of a list. Like Go's slices, it can be extended up to its capacity. */
export class SliceView {
  constructor(
    readonly base: readonly unknown[] | Uint8Array,
    readonly start: number,
    readonly length: number,
    readonly capacity: number,
  ) {}
}

/** A nil of type `interface {}`. */
export const nilInterface = new Interface(undefined);

/**
 * Go's kinds that occur in data. Instances are pointers to structs unless their type name lacks a
 * `*`.
 */
export type Kind =
  | "invalid"
  | "interface"
  | "bool"
  | "int"
  | "uint8"
  | "float64"
  | "complex128"
  | "string"
  | "slice"
  | "map"
  | "pointer"
  | "struct"
  | "func";

/** Returns the Go kind of a value. */
export function kindOf(value: Value): Kind {
  switch (typeof value) {
    case "string":
      return "string";
    case "bigint":
      return "int";
    case "number":
      return "float64";
    case "boolean":
      return "bool";
    case "function":
      return "func";
    case "undefined":
      return "invalid";
  }
  if (value instanceof Interface) return "interface";
  if (value instanceof Byte) return "uint8";
  if (value instanceof Complex) return "complex128";
  if (Array.isArray(value) || value instanceof SliceView || value instanceof Uint8Array) {
    return "slice";
  }
  if (isMap(value)) return "map";
  return classType(value).name.startsWith("*") ? "pointer" : "struct";
}

/** Converts a value of the data, or the result of a method, for the executor. */
export function fromData(data: unknown): Value {
  switch (typeof data) {
    case "string":
      return data.isWellFormed() ? data : normalize(data);
    case "bigint":
      return BigInt.asIntN(64, data);
    case "symbol":
      return String(data);
    case "object":
      return data ?? undefined;
    case "number":
    case "boolean":
    case "function":
    case "undefined":
      return data;
  }
}

/** Converts an element of a list or map, whose static type is `interface {}`. */
export function fromElement(data: unknown): Interface {
  return data === null || data === undefined ? nilInterface : new Interface(fromData(data));
}

/**
 * Converts an element of a map: maps of bytes are `map[string][]uint8`, all others have interfaces.
 */
export function fromItem(data: unknown): Value {
  return data instanceof Uint8Array ? data : fromElement(data);
}

/** Returns the value inside an `interface {}`. */
export function concrete(value: Value): Value {
  return value instanceof Interface ? value.value : value;
}

/** Converts a value to the argument of a method of the data. */
export function toData(value: Value): unknown {
  const inner = concrete(value);
  if (inner === undefined) return null;
  if (inner instanceof Byte) return BigInt(inner.value);
  if (inner instanceof SliceView) return sliceItems(inner);
  return inner;
}

/** Reports whether an object is a map for templates: a `Map` or a plain object. */
export function isMap(value: object): value is Map<unknown, unknown> | Record<string, unknown> {
  if (value instanceof Map) return true;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** Returns Go's name for the type of a value. */
export function typeName(value: Value): string {
  const kind = kindOf(value);
  switch (kind) {
    case "invalid":
      return "<nil>";
    case "interface":
      return "interface {}";
    case "slice": {
      const base = value instanceof SliceView ? value.base : value;
      if (base instanceof Uint8Array) return "[]uint8";
      const type = namedType(base);
      return type === undefined ? "[]interface {}" : type.name.replace(/^\*/, "");
    }
    case "map":
      return namedType(value)?.name.replace(/^\*/, "") ??
        `map[${mapKeyType(value)}]${isByteMap(value) ? "[]uint8" : "interface {}"}`;
    case "func":
      return typeof value === "function" ? functionTypeName(value.length) : "func()";
    case "pointer":
    case "struct":
      return typeof value === "object" ? classType(value).name : kind;
    default:
      return kind;
  }
}

function functionTypeName(parameters: number): string {
  return `func(${new Array(parameters).fill("interface {}").join(", ")}) interface {}`;
}

/** Returns the class of a list or map that has one of its own. */
export function namedType(value: Value): ClassType | undefined {
  if (typeof value !== "object") return undefined;
  const prototype = Object.getPrototypeOf(value);
  if (
    prototype === null || prototype === Object.prototype || prototype === Array.prototype ||
    prototype === Map.prototype || value instanceof Uint8Array || value instanceof SliceView
  ) return undefined;
  return classType(value);
}

/** Returns the type that all keys of a map have; `interface {}` if they differ. */
function mapKeyType(map: Value): string {
  if (!(map instanceof Map)) return "string";
  let shared: string | undefined;
  for (const key of map.keys()) {
    const type = typeName(fromData(key));
    if (shared !== undefined && shared !== type) return "interface {}";
    shared = type;
  }
  return shared ?? "string";
}

/** Reports whether a map contains byte slices by name. */
function isByteMap(map: Value): boolean {
  if (!(map instanceof Map) || map.size === 0) return false;
  for (const item of map.values()) if (!(item instanceof Uint8Array)) return false;
  return true;
}

/** Returns the zero value of a map's elements, the result of indexing it with a missing key. */
export function zeroItem(map: object): Value {
  return isByteMap(map) ? new Uint8Array() : nilInterface;
}

/** Reports whether a list is a nil slice in Go: an empty one with a class of its own. */
export function isNilSlice(value: Value): boolean {
  return Array.isArray(value) && value.length === 0 && namedType(value) !== undefined;
}

/** Returns the key type of a map if a key does not have it. */
export function takesKey(map: object, key: Value): string | undefined {
  if (map instanceof Map && map.has(key)) return undefined;
  const type = mapKeyType(map);
  return type === "interface {}" || type === typeName(key) ? undefined : type;
}

/** Returns the number of elements of a list or map. */
export function sizeOf(value: object): number {
  if (value instanceof Map) return value.size;
  if (value instanceof SliceView || Array.isArray(value) || value instanceof Uint8Array) {
    return value.length;
  }
  return Object.keys(value).length;
}

/** Returns an element of a list; undefined if the value is not a list. */
export function elementAt(value: object, index: number): Value {
  if (value instanceof SliceView) return elementAt(value.base, value.start + index);
  if (value instanceof Uint8Array) return new Byte(value[index] ?? 0);
  if (!Array.isArray(value)) return undefined;
  const item: unknown = value[index];
  // The elements of a list with a class of its own are typed, not interfaces.
  return namedType(value) === undefined || item === null || item === undefined
    ? fromElement(item)
    : fromData(item);
}

/** Returns the elements of a list as an array. */
function sliceItems(value: SliceView): unknown {
  return value.base.slice(value.start, value.start + value.length);
}

/**
 * Returns the capacity of a list. In Go, a list read from JSON grew one element at a time, so its
 * capacity is the next power of two; templates can observe that by slicing.
 */
export function capacityOf(value: object): number {
  if (value instanceof SliceView) return value.capacity;
  const length = sizeOf(value);
  if (value instanceof Uint8Array || length === 0) return length;
  return 2 ** Math.ceil(Math.log2(length));
}

/** Go's `value[start:end:capacity]`. */
export function sliceOf(value: object, start: number, end: number, capacity: number): Value {
  if (value instanceof SliceView) {
    const from = value.start + start;
    return new SliceView(value.base, from, end - start, capacity - start);
  }
  if (Array.isArray(value) || value instanceof Uint8Array) {
    return new SliceView(value, start, end - start, capacity - start);
  }
  return undefined;
}

/** Returns a map's value for a key; undefined if it has none. */
export function lookUp(map: object, key: Value): Value {
  if (map instanceof Map) {
    const inner = concrete(key);
    return map.has(inner) ? fromItem(map.get(inner)) : undefined;
  }
  if (typeof key !== "string" || !Object.hasOwn(map, key)) return undefined;
  return fromElement(Reflect.get(map, key));
}

/** Reports whether a value is true in Go's sense: not the zero value of its type. */
export function isTrue(value: Value): boolean {
  switch (typeof value) {
    case "string":
      return value !== "";
    case "boolean":
      return value;
    case "bigint":
      return value !== 0n;
    case "number":
      return value !== 0;
    case "undefined":
      return false;
    case "function":
      return true;
  }
  if (value instanceof Interface) return isTrue(value.value);
  if (value instanceof Byte) return value.value !== 0;
  if (value instanceof Complex) return value.real !== 0 || value.imaginary !== 0;
  const kind = kindOf(value);
  return kind === "slice" || kind === "map" ? sizeOf(value) > 0 : true;
}

/** Returns the method that formats a value as text, `Error` or `String`, as Go's fmt finds it. */
export function stringMethod(value: Value): { name: string; call: () => unknown } | undefined {
  if (typeof value !== "object") return undefined;
  const self = value instanceof SliceView ? value.base : value;
  if (kindOf(self) !== "pointer" && kindOf(self) !== "struct" && namedType(self) === undefined) {
    return undefined;
  }
  for (const name of ["Error", "String"]) {
    const found = member(self, name);
    if (found?.method !== undefined && found.method.parameters.length === 0) {
      const { call } = found.method;
      return { name, call: () => call([]) };
    }
  }
  return undefined;
}
