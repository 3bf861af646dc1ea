import type { Builtin } from "./functions.ts";
import { quote } from "./quote.ts";
import type { NumberValue } from "./number.ts";

/** A value written or computed inside an action. */
export type Expression =
  | { kind: "dot"; position: number }
  | { kind: "nil"; position: number }
  | { kind: "bool"; position: number; value: boolean }
  | { kind: "number"; position: number; text: string; value: NumberValue }
  | { kind: "string"; position: number; quoted: string; text: string }
  | FieldNode
  | VariableNode
  | ChainNode
  | IdentifierNode
  | PipeNode;

/** `.A.B` */
export interface FieldNode {
  kind: "field";
  position: number;
  names: string[];
}

/** `$x.A.B`; the variable's name comes first. */
export interface VariableNode {
  kind: "variable";
  position: number;
  names: string[];
}

/** `(pipeline).A.B`, or a function's result and its fields. */
export interface ChainNode {
  kind: "chain";
  position: number;
  base: Expression;
  names: string[];
}

/** The name of a function. */
export interface IdentifierNode {
  kind: "identifier";
  position: number;
  name: string;
  /** The function of that name. */
  callee: Builtin;
}

/** One stage of a pipeline: a function, method or value, and its arguments. */
export interface CommandNode {
  kind: "command";
  position: number;
  args: Expression[];
}

/** `$x := command | command` */
export interface PipeNode {
  kind: "pipe";
  position: number;
  isAssign: boolean;
  variables: VariableNode[];
  commands: CommandNode[];
}

/** `{{template "name" pipeline}}` */
export interface TemplateNode {
  kind: "template";
  position: number;
  name: string;
  pipe: PipeNode | undefined;
}

/** An action whose value is printed, unless it declares. */
export interface ActionNode {
  kind: "action";
  position: number;
  pipe: PipeNode;
}

/** An element of a template's body. */
export type Statement =
  | { kind: "text"; position: number; text: string }
  | { kind: "break"; position: number }
  | { kind: "continue"; position: number }
  | ActionNode
  | TemplateNode
  | BranchNode;

/** `if`, `with` or `range`. */
export interface BranchNode {
  kind: "if" | "with" | "range";
  position: number;
  pipe: PipeNode;
  body: Statement[];
  otherwise: Statement[] | undefined;
}

/** A node that an error can refer to. */
export type Node = Expression | CommandNode | TemplateNode | ActionNode;

/** Returns a node as template text, as Go's errors show it. */
export function describeNode(node: Node): string {
  switch (node.kind) {
    case "dot":
      return ".";
    case "nil":
      return "nil";
    case "bool":
      return String(node.value);
    case "number":
      return node.text;
    case "string":
      return node.quoted;
    case "field":
      return "." + node.names.join(".");
    case "variable":
      return node.names.join(".");
    case "chain":
      return [describeArgument(node.base), ...node.names].join(".");
    case "identifier":
      return node.name;
    case "command":
      return node.args.map(describeArgument).join(" ");
    case "pipe":
      return describePipe(node);
    case "action":
      return `{{${describePipe(node.pipe)}}}`;
    case "template": {
      const pipe = node.pipe === undefined ? "" : " " + describePipe(node.pipe);
      return `{{template ${quote(node.name)}${pipe}}}`;
    }
  }
}

function describeArgument(node: Expression): string {
  return node.kind === "pipe" ? `(${describePipe(node)})` : describeNode(node);
}

function describePipe(pipe: PipeNode): string {
  const commands = pipe.commands.map(describeNode).join(" | ");
  if (pipe.variables.length === 0) return commands;
  const names = pipe.variables.map(describeNode).join(", ");
  return `${names} ${pipe.isAssign ? "=" : ":="} ${commands}`;
}
