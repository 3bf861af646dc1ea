import { isExported } from "./unicode.ts";

/**
 * Static property with the Go name of a class's type, for error messages and `%T`. With a leading
 * `*`, instances are pointers, otherwise plain structs. The default is `*main.` and the name of the
 * class. It is not inherited.
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
 * Static property with the types of a class's method parameters, by method name. The last parameter
 * may be variadic, written `"...string"`. By default, a method takes as many `string` parameters as
 * its `length` says.
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
 * Static property that lists the fields whose Go type is `interface {}` although they hold a
 * string, number or boolean. It affects only error messages. Fields that hold maps, lists or nil
 * always have that type.
 */
export const goInterfaces: unique symbol = Symbol("goInterfaces");

/**
 * Method that returns an instance's fields in Go's order as `[name, value]`, which `{{.}}` prints.
 * The default is the instance's own capitalized properties.
 */
export const goLayout: unique symbol = Symbol("goLayout");

/** The types that a method can declare for a parameter. */
export type GoParameterType = "string" | "int" | "float64" | "bool" | "interface {}";

/** A declared parameter: a type, or, in the last position, a variadic type. */
export type GoParameter = GoParameterType | `...${GoParameterType}`;

/** A method or function of the data with its signature. */
export interface Method {
  parameters: readonly GoParameterType[];
  /** The type of variadic arguments, if it takes any. */
  variadic: GoParameterType | undefined;
  call: (args: unknown[]) => unknown;
}

/** A field or method of an instance. */
export interface Member {
  method: Method | undefined;
  /** The value, if it is a field. */
  value: unknown;
  /** Whether the field is declared as `interface {}`. */
  isInterface: boolean;
}

/** The declarations of a class. */
export interface ClassType {
  name: string;
  interfaces: ReadonlySet<string>;
}

const types = new WeakMap<object, ClassType>();

function strings(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((item) => typeof item === "string") : [];
}

/** Returns the declarations of an instance's class. */
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

/** Returns the parameters of a method as declared by the nearest class. */
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

function signature(types: readonly string[]): Signature {
  const last = types.at(-1);
  if (last?.startsWith("...") !== true) {
    return { parameters: types.map(parameterType), variadic: undefined };
  }
  return {
    parameters: types.slice(0, -1).map(parameterType),
    variadic: parameterType(last.slice(3)),
  };
}

/** Returns the signature of a function in the data, which accepts arguments of any type. */
export function functionMethod(value: (...args: unknown[]) => unknown): Method {
  return {
    ...signature(new Array(value.length).fill("interface {}")),
    call: (args) => value(...args),
  };
}

/** A function that templates can call by its name, like one of Go's `FuncMap`. */
export interface TemplateFunction {
  /** The types of its parameters; the last one may be variadic, written `"...string"`. */
  readonly parameters: readonly GoParameter[];
  /** Returns the result. An exception ends the execution. */
  readonly call: (...args: never[]) => unknown;
}

/** Returns a function with its signature. */
export function functionOf({ parameters, call }: TemplateFunction): Method {
  return {
    ...signature(parameters),
    call: (args) => Reflect.apply(call, undefined, args),
  };
}

const signatures = new WeakMap<object, Map<string, Signature>>();

/** Returns the signature of a method, cached per class. */
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

/** Reports whether a name is defined by the data and not by JavaScript itself. */
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

/** Returns the field or method of an instance that is visible to templates under a name. */
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

/** Returns the fields of an instance in the order in which they are printed. */
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
