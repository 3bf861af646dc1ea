import type { Node } from "./ast.ts";
import { type Argument, callMethod, failCall, type Final, noValue } from "./call.ts";
import type { State } from "./state.ts";
import { member } from "./struct.ts";
import {
  concrete,
  fromData,
  fromElement,
  isMap,
  kindOf,
  lookUp,
  namedType,
  takesKey,
  typeName,
  type Value,
} from "./value.ts";

/** Evaluates `.A.B.C`; only the last name may take arguments. */
export function fields(
  state: State,
  dot: Value,
  names: readonly string[],
  from: number,
  node: Node,
  args: readonly Argument[],
  final: Final,
  receiver: Value,
): Value {
  const last = names.length - 1;
  for (let i = from; i < last; i++) {
    receiver = field(state, dot, names[i] ?? "", node, noArguments, noValue, receiver);
  }
  return field(state, dot, names[last] ?? "", node, args, final, receiver);
}

const noArguments: readonly Argument[] = [];

/** Evaluates one field, method or key of a receiver. */
export function field(
  state: State,
  dot: Value,
  name: string,
  node: Node,
  args: readonly Argument[],
  final: Final,
  receiver: Value,
): Value {
  if (receiver === undefined) return undefined;
  const self = concrete(receiver);
  if (self === undefined) {
    return state.fail(`nil pointer evaluating ${typeName(receiver)}.${name}`);
  }
  const hasArguments = args.length > 0 || final !== noValue;
  if (typeof self === "object") {
    const found = findMember(state, self, name, node);
    if (found !== undefined) {
      if (found.method !== undefined) {
        return callMethod(state, dot, found.method, name, node, args, final);
      }
      if (hasArguments) {
        state.fail(`${name} has arguments but cannot be invoked as function`);
      }
      return chargeText(state, fieldValue(found.value, found.isInterface));
    }
    if (kindOf(self) === "map" && takesKey(self, name) === undefined) {
      if (hasArguments) state.fail(`${name} is not a method but has arguments`);
      return chargeText(state, lookUp(self, name));
    }
  }
  return state.fail(`can't evaluate field ${name} in type ${typeName(receiver)}`);
}

/** Charges steps for long text of the data each time it is read. */
function chargeText(state: State, value: Value): Value {
  const inner = concrete(value);
  if (typeof inner === "string" && inner.length > 1024) state.spend(inner.length);
  return value;
}

/** Finds the member of an instance, or of a list or map with a class of its own. */
function findMember(state: State, self: object, name: string, node: Node) {
  const kind = kindOf(self);
  const hasClass = kind === "pointer" || kind === "struct" || namedType(self) !== undefined;
  if (!hasClass) return undefined;
  try {
    return member(self, name);
  } catch (error) {
    // A getter that throws fails like a method.
    return failCall(state, name, node, error);
  }
}

/**
 * Returns a field's value with its static type: plain JSON is `interface {}`, all else is typed.
 */
function fieldValue(value: unknown, isInterface: boolean): Value {
  if (value === null || value === undefined || isInterface) return fromElement(value);
  if (typeof value !== "object") return fromData(value);
  const isPlain = namedType(value) === undefined && (Array.isArray(value) || isMap(value));
  return isPlain ? fromElement(value) : fromData(value);
}
