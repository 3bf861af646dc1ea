import {
  type ChainNode,
  type CommandNode,
  describeNode,
  type Expression,
  type FieldNode,
  type IdentifierNode,
  type Node,
  type PipeNode,
  type VariableNode,
} from "./ast.ts";
import {
  type Argument,
  checkCount,
  constantValue,
  type Evaluate,
  evaluateArgument,
  evaluateArguments,
  failCall,
  type Final,
  noValue,
} from "./call.ts";
import { field, fields } from "./field.ts";
import { type Builtin, BUILTINS } from "./functions.ts";
import type { State } from "./state.ts";
import { concrete, isTrue, typeName, type Value } from "./value.ts";

type EvaluateCommand = (state: State, dot: Value, final: Final) => Value;

/** Compiles a pipeline. */
export function compilePipe(pipe: PipeNode): Evaluate {
  const commands = pipe.commands.map(compileCommand);
  const names = pipe.variables.map((variable) => variable.names[0] ?? "");
  const { isAssign } = pipe;
  const [only] = commands;
  if (only !== undefined && commands.length === 1 && names.length === 0) {
    return (state, dot) => {
      state.node = pipe;
      return concrete(only(state, dot, noValue));
    };
  }
  return (state, dot) => {
    state.node = pipe;
    let value: Final = noValue;
    for (const command of commands) value = concrete(command(state, dot, value));
    const result = value === noValue ? undefined : value;
    for (const name of names) {
      if (isAssign) state.set(name, result);
      else state.push(name, result);
    }
    return result;
  };
}

function compileCommand(command: CommandNode): EvaluateCommand {
  const [first, ...rest] = command.args;
  // Unreachable: the parser rejects empty commands.
  if (first === undefined) return () => undefined;
  const args = rest.map(compileArgument);
  const count = args.length;
  switch (first.kind) {
    case "field":
      return compileField(first, args);
    case "variable":
      return compileVariable(first, args);
    case "chain":
      return compileChain(first, args);
    case "identifier":
      return compileFunction(first, command, args);
    case "pipe": {
      const pipe = compilePipe(first);
      return (state, dot, final) => {
        refuseArguments(state, first, count, final);
        return pipe(state, dot);
      };
    }
  }
  const constant = first.kind === "dot" ? undefined : first;
  return (state, dot, final) => {
    state.node = first;
    refuseArguments(state, first, count, final);
    return constant === undefined ? dot : constantValue(state, constant);
  };
}

function refuseArguments(state: State, first: Expression, count: number, final: Final): void {
  if (count > 0 || final !== noValue) {
    state.fail(`can't give argument to non-function ${describeNode(first)}`);
  }
}

function compileArgument(node: Expression): Argument {
  return { node, evaluate: compileOperand(node) };
}

/** Compiles a node that is used without arguments; constants give undefined. */
function compileOperand(node: Expression): Evaluate | undefined {
  switch (node.kind) {
    case "dot":
      return (_, dot) => dot;
    case "field":
      return withoutFinal(compileField(node, []));
    case "variable":
      return withoutFinal(compileVariable(node, []));
    case "chain":
      return withoutFinal(compileChain(node, []));
    case "identifier":
      return withoutFinal(compileFunction(node, node, []));
    case "pipe":
      return compilePipe(node);
    default:
      return undefined;
  }
}

function withoutFinal(command: EvaluateCommand): Evaluate {
  return (state, dot) => command(state, dot, noValue);
}

function compileField(node: FieldNode, args: Argument[]): EvaluateCommand {
  const { names } = node;
  const [only = ""] = names;
  if (names.length === 1) {
    return (state, dot, final) => {
      state.node = node;
      return field(state, dot, only, node, args, final, dot);
    };
  }
  return (state, dot, final) => {
    state.node = node;
    return fields(state, dot, names, 0, node, args, final, dot);
  };
}

function compileVariable(node: VariableNode, args: Argument[]): EvaluateCommand {
  const { names } = node;
  const [name = ""] = names;
  if (names.length > 1) {
    return (state, dot, final) => {
      state.node = node;
      return fields(state, dot, names, 1, node, args, final, state.get(name));
    };
  }
  return (state, _, final) => {
    state.node = node;
    const value = state.get(name);
    refuseArguments(state, node, args.length, final);
    return value;
  };
}

function compileChain(node: ChainNode, args: Argument[]): EvaluateCommand {
  const base = compileOperand(node.base);
  return (state, dot, final) => {
    state.node = node;
    state.node = node.base;
    const receiver = base?.(state, dot);
    return fields(state, dot, node.names, 0, node, args, final, receiver);
  };
}

function compileFunction(
  node: IdentifierNode,
  whole: Node,
  args: Argument[],
): EvaluateCommand {
  const { name, callee } = node;
  // A set may have a function of the same name.
  const isPredefined = BUILTINS.get(name) === callee;
  if (isPredefined && (name === "and" || name === "or")) {
    return compileLogic(node, callee, args, name === "or");
  }
  const isCall = isPredefined && name === "call";
  const called = args[0];
  const calledName = isCall && called !== undefined ? describeNode(called.node) : undefined;
  return (state, dot, final) => {
    state.node = node;
    checkCount(state, name, callee, args, final);
    const values = evaluateArguments(state, dot, callee, args, final);
    if (isCall) values.unshift(calledName ?? reflectString(values[0]));
    state.spend(textLength(values));
    let result: Value;
    try {
      result = callee.call(values);
    } catch (error) {
      return failCall(state, name, whole, error);
    }
    if (typeof result === "string") {
      state.spend(result.length);
      state.checkLength(result.length);
    }
    return result;
  };
}

/** Go's `reflect.Value.String`: a string itself, or the type of any other value in brackets. */
function reflectString(value: Value): string {
  if (typeof value === "string") return value;
  return value === undefined ? "<invalid Value>" : `<${typeName(value)} Value>`;
}

function textLength(values: readonly Value[]): number {
  let length = 0;
  for (const value of values) {
    const inner = concrete(value);
    if (typeof inner === "string") length += inner.length;
  }
  return length;
}

/** Compiles `and` and `or`, which return the first argument that decides the result. */
function compileLogic(
  node: IdentifierNode,
  builtin: Builtin,
  args: Argument[],
  stopsAt: boolean,
): EvaluateCommand {
  return (state, dot, final) => {
    state.node = node;
    checkCount(state, node.name, builtin, args, final);
    state.spend();
    let value: Value;
    for (const argument of args) {
      value = evaluateArgument(state, dot, "value", argument);
      if (isTrue(value) === stopsAt) return value;
    }
    return final === noValue ? value : final;
  };
}
