import { isExported } from "./unicode.ts";

/**
 * Under this name a class says what Go would call its type, in error texts and for `%T`. With a star
 * instances are pointers, as the contexts of llama are; without, they are plain structs.
 * The default is `*main.` and the class's name. It is not inherited.
 *
 * @example
 * ```ts
 * import { goTypeName, Template } from "./mod.ts";
 *
 * class Job {
 *   static readonly [goTypeName] = "*main.jobContext";
 *   Line = "a.txt";
 * }
 * Template.parse("arg-0", '{{printf "%T" .}}').execute(new Job()); // *main.jobContext
 * ```
 */
export const goTypeName: unique symbol = Symbol("goTypeName");

/**
 * Under this name a class holds the types of its methods' parameters, by the method's name: JavaScript's
 * functions do not know them. The last may be variadic, written `"...string"`. The default for a
 * method is one `string` for each parameter that its `length` counts.
 *
 * @example
 * ```ts
 * import { goParameters, Template } from "./mod.ts";
 *
 * class Job {
 *   static readonly [goParameters] = { Sum: ["...int"] } as const;
 *   Sum(...terms: bigint[]): bigint {
 *     return terms.reduce((sum, term) => sum + term, 0n);
 *   }
 * }
 * Template.parse("arg-0", "{{.Sum 1 2 3}}").execute(new Job()); // 6
 * ```
 */
export const goParameters: unique symbol = Symbol("goParameters");

/**
 * Under this name a class lists its fields whose type in Go is `interface {}` even though they hold a string,
 * a number or a boolean. It only shows in error texts; fields that hold maps, lists and nil are such anyway.
 */
export const goInterfaces: unique symbol = Symbol("goInterfaces");

/**
 * Under this name an instance has a method that gives its fields in Go's order, `[name, value]` each: what
 * `{{.}}` prints. The default is its own capitalised properties.
 */
export const goLayout: unique symbol = Symbol("goLayout");

/** The types that a method's parameter can be declared to have. */
export type GoParameterType = "string" | "int" | "float64" | "bool" | "interface {}";

/** A parameter as a class declares it: its type, or, in last place, a variadic one. */
export type GoParameter = GoParameterType | `...${GoParameterType}`;

/** A function of the data, ready to be called. */
export interface Method {
  parameters: readonly GoParameterType[];
  /** The type of any further arguments, if it takes them. */
  variadic: GoParameterType | undefined;
  call: (args: unknown[]) => unknown;
}

/** What a capitalised name stands for in an instance. */
export interface Member {
  method: Method | undefined;
  /** The field's value, where it is none. */
  value: unknown;
  /** Whether the field is declared an interface. */
  isInterface: boolean;
}

/** What is known of a class. */
export interface ClassType {
  name: string;
  interfaces: ReadonlySet<string>;
}

const types = new WeakMap<object, ClassType>();

function strings(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((item) => typeof item === "string") : [];
}

/** What an instance's class says of itself. */
export function classType(value: object): ClassType {
  const prototype: object = Object.getPrototypeOf(value);
  const known = types.get(prototype);
  if (known !== undefined) return known;
  const maker: unknown = Reflect.get(prototype, "constructor");
  let name = "*main.struct";
  let interfaces = new Set<string>();
  if (typeof maker === "function") {
    const own: unknown = Object.hasOwn(maker, goTypeName)
      ? Reflect.get(maker, goTypeName)
      : undefined;
    name = typeof own === "string" ? own : `*main.${maker.name || "struct"}`;
    interfaces = new Set(strings(Reflect.get(maker, goInterfaces)));
  }
  const type = { name, interfaces };
  types.set(prototype, type);
  return type;
}

/** The nearest class's word on a method's parameters. */
function declared(prototype: object | null, name: string): string[] | undefined {
  for (let at = prototype; at !== null; at = Object.getPrototypeOf(at)) {
    const maker: unknown = Object.hasOwn(at, "constructor") ? Reflect.get(at, "constructor") : null;
    if (typeof maker !== "function" || !Object.hasOwn(maker, goParameters)) continue;
    const table: unknown = Reflect.get(maker, goParameters);
    if (typeof table === "object" && table !== null && Object.hasOwn(table, name)) {
      return strings(Reflect.get(table, name));
    }
  }
  return undefined;
}

interface Signature {
  parameters: GoParameterType[];
  variadic: GoParameterType | undefined;
}

function parameterType(text: string): GoParameterType {
  switch (text) {
    case "int":
    case "float64":
    case "bool":
    case "interface {}":
      return text;
    default:
      return "string";
  }
}

function signature(types: string[]): Signature {
  const last = types.at(-1);
  if (last?.startsWith("...") !== true) {
    return { parameters: types.map(parameterType), variadic: undefined };
  }
  return {
    parameters: types.slice(0, -1).map(parameterType),
    variadic: parameterType(last.slice(3)),
  };
}

/** A function that is data itself: its arguments may be anything. */
export function functionMethod(value: (...args: unknown[]) => unknown): Method {
  return {
    ...signature(new Array(value.length).fill("interface {}")),
    call: (args) => value(...args),
  };
}

const signatures = new WeakMap<object, Map<string, Signature>>();

/** The signature of a method, looked up once for each class. */
function signatureOf(self: object, name: string, length: number): Signature {
  const prototype: object = Object.getPrototypeOf(self);
  let known = signatures.get(prototype);
  if (known === undefined) signatures.set(prototype, known = new Map());
  let found = known.get(name);
  if (found === undefined) {
    found = signature(declared(prototype, name) ?? new Array(length).fill("string"));
    known.set(name, found);
  }
  return found;
}

/** Whether a name is defined by the data and not by the language itself. */
function isOwnOrInherited(self: object, name: string): boolean {
  for (
    let at: object | null = self;
    at !== null && at !== Object.prototype && at !== Array.prototype && at !== Map.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    if (Object.hasOwn(at, name)) return true;
  }
  return false;
}

/** The field or method of an instance that a template sees under a name. */
export function member(self: object, name: string): Member | undefined {
  if (!isExported(name) || !isOwnOrInherited(self, name)) return undefined;
  const value: unknown = Reflect.get(self, name);
  if (typeof value !== "function") {
    return { method: undefined, value, isInterface: classType(self).interfaces.has(name) };
  }
  const { parameters, variadic } = signatureOf(self, name, value.length);
  const call = (args: unknown[]) => Reflect.apply(value, self, args);
  return { method: { parameters, variadic, call }, value, isInterface: false };
}

/** The fields of an instance in the order in which they print. */
export function layoutOf(self: object): [string, unknown][] {
  const own: unknown = Reflect.get(self, goLayout);
  if (typeof own === "function") {
    const listed: unknown = Reflect.apply(own, self, []);
    if (Array.isArray(listed)) {
      return listed.flatMap((entry): [string, unknown][] =>
        Array.isArray(entry) ? [[String(entry[0]), entry[1]]] : []
      );
    }
  }
  return Object.entries(self).filter(([name, value]) =>
    isExported(name) && typeof value !== "function"
  );
}
