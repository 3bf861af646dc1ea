import { describeNode, type Expression, type Node } from "./ast.ts";
import type { ParameterType } from "./functions.ts";
import type { State } from "./state.ts";
import type { Method } from "./struct.ts";
import { fromData, Interface, nilInterface, toData, typeName, type Value } from "./value.ts";

/** Stands for the previous stage's value in the first stage of a pipeline. */
export const noValue: unique symbol = Symbol("missing");
/** The value of the previous stage, which becomes the last argument. */
export type Final = Value | typeof noValue;

/**
 * A compiled node. Trees are compiled to closures once, so that executions need not check the kinds
 * of nodes. Closures set `state.node` where Go's executor does, because errors name that node.
 */
export type Evaluate = (state: State, dot: Value) => Value;

/** An argument. Constants, which have no `evaluate`, take the type of the parameter. */
export interface Argument {
  node: Expression;
  evaluate: Evaluate | undefined;
}

/** Evaluates a constant whose type depends only on its spelling. */
export function constantValue(state: State, node: Expression): Value {
  switch (node.kind) {
    case "bool":
      return node.value;
    case "string":
      return node.text;
    case "nil":
      return state.fail("nil is not a command");
    case "number": {
      const { int, float, complex } = node.value;
      state.node = node;
      if (complex !== undefined) return complex;
      if (float !== undefined && isFloatSpelling(node.text)) return float;
      return int ?? state.fail(`${node.text} overflows int`);
    }
    default:
      return undefined;
  }
}

/** Reports whether a number is written as a float. In a hexadecimal integer, `e` is a digit. */
function isFloatSpelling(text: string): boolean {
  const isHexInteger = /^0[xX]./.test(text) && !/[pP]/.test(text);
  return /[.eEpP]/.test(text) && !isHexInteger && !text.startsWith("'");
}

/** Fails with the error that a function or method threw. */
export function failCall(state: State, name: string, node: Node, error: unknown): never {
  state.node = node;
  const message = error instanceof Error ? error.message : String(error);
  return state.fail(`error calling ${name}: ${message}`, error);
}

interface Callable {
  parameters: readonly ParameterType[];
  variadic: ParameterType | undefined;
}

/** Fails on too many or too few arguments. */
export function checkCount(
  state: State,
  name: string,
  { parameters, variadic }: Callable,
  args: readonly Argument[],
  final: Final,
): void {
  const given = args.length + (final === noValue ? 0 : 1);
  const wanted = parameters.length;
  if (variadic !== undefined) {
    if (given < wanted) {
      state.fail(`wrong number of args for ${name}: want at least ${wanted} got ${args.length}`);
    }
  } else if (given !== wanted) {
    state.fail(`wrong number of args for ${name}: want ${wanted} got ${given}`);
  }
}

/** Evaluates all arguments for the types of their parameters. */
export function evaluateArguments(
  state: State,
  dot: Value,
  { parameters, variadic }: Callable,
  args: readonly Argument[],
  final: Final,
): Value[] {
  const values: Value[] = [];
  for (const argument of args) {
    const type = parameters[values.length] ?? variadic ?? "value";
    values.push(evaluateArgument(state, dot, type, argument));
  }
  if (final !== noValue) {
    const type = parameters[values.length] ?? variadic ?? "value";
    values.push(checkType(state, final, type));
  }
  return values;
}

/** Calls a method of the data. */
export function callMethod(
  state: State,
  dot: Value,
  method: Method,
  name: string,
  node: Node,
  args: readonly Argument[],
  final: Final,
): Value {
  checkCount(state, name, method, args, final);
  const values = evaluateArguments(state, dot, method, args, final);
  state.spend();
  let result: unknown;
  try {
    result = method.call(values.map(toData));
  } catch (error) {
    return failCall(state, name, node, error);
  }
  return result === null || result === undefined ? nilInterface : fromData(result);
}

/** Evaluates one argument for the type of its parameter. */
export function evaluateArgument(
  state: State,
  dot: Value,
  type: ParameterType,
  { node, evaluate }: Argument,
): Value {
  state.node = node;
  if (evaluate !== undefined) return checkType(state, evaluate(state, dot), type);
  if (node.kind === "nil") {
    if (type === "value") return undefined;
    return type === "interface {}" ? nilInterface : state.fail(`cannot assign nil to ${type}`);
  }
  switch (type) {
    case "value":
    case "interface {}":
      return constantValue(state, node);
    case "string":
      return node.kind === "string"
        ? node.text
        : state.fail(`expected string; found ${describeNode(node)}`);
    case "bool":
      return node.kind === "bool"
        ? node.value
        : state.fail(`expected bool; found ${describeNode(node)}`);
    case "int":
      return (node.kind === "number" ? node.value.int : undefined) ??
        state.fail(`expected integer; found ${describeNode(node)}`);
    case "float64":
      return (node.kind === "number" ? node.value.float : undefined) ??
        state.fail(`expected float; found ${describeNode(node)}`);
  }
}

/** Returns a value as an argument of the given type, or fails like Go. */
function checkType(state: State, value: Value, type: ParameterType): Value {
  if (type === "value") return value;
  if (value === undefined) {
    return type === "interface {}" ? nilInterface : state.fail(`invalid value; expected ${type}`);
  }
  if (type === "interface {}") return value;
  const inner = value instanceof Interface && value.value !== undefined ? value.value : value;
  if (typeName(inner) === type) return inner;
  return state.fail(`wrong type for value; expected ${type}; got ${typeName(inner)}`);
}
