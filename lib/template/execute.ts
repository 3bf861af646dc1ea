import {
  type ActionNode,
  type BranchNode,
  describeNode,
  type Statement,
  type TemplateNode,
} from "./ast.ts";
import type { Evaluate } from "./call.ts";
import { compilePipe } from "./evaluate.ts";
import { describeTarget, printAction, sortedEntries } from "./print.ts";
import { quote } from "./quote.ts";
import type { Source, State } from "./state.ts";
import { normalize } from "./text.ts";
import {
  Byte,
  concrete,
  elementAt,
  isTrue,
  kindOf,
  sizeOf,
  typeName,
  type Value,
} from "./value.ts";

/**
 * An instruction. A template's body is compiled to a flat list of instructions, which one loop runs
 * with explicit stacks, so that deep recursion of templates cannot exhaust JavaScript's stack.
 */
export type Instruction =
  | { op: "text"; text: string }
  | { op: "action"; node: ActionNode; evaluate: Evaluate; prints: boolean }
  | { op: "jump"; to: number }
  | { op: "if" | "with" | "range"; node: BranchNode; evaluate: Evaluate; otherwise: number }
  /** Ends an iteration: continues with the body or leaves the loop. */
  | { op: "next"; body: number; end: number }
  /** Closes `levels` branches inside a loop, then jumps to `to` (`break` and `continue`). */
  | { op: "leave"; levels: number; to: number }
  | { op: "end" }
  | { op: "call"; node: TemplateNode; evaluate: Evaluate | undefined };

/** A compiled body. */
export type Code = readonly Instruction[];

/** A compiled template. */
export interface Executable {
  name: string;
  source: Source;
  code: Code;
}

/** Go's limit for nested template calls. */
const maxDepth = 100_000;

/** Compiles a template's body. */
export function compile(body: readonly Statement[]): Code {
  const code: Instruction[] = [];
  compileBody(code, body, undefined);
  return code;
}

/** The loop around the statement being compiled. */
interface Loop {
  /** The number of branches that are open inside the loop. */
  levels: number;
  /** Instructions whose target is the end of the loop, and the end of the iteration. */
  breaks: { to: number }[];
  continues: { to: number }[];
}

function compileBody(
  code: Instruction[],
  body: readonly Statement[],
  loop: Loop | undefined,
): void {
  for (const node of body) {
    switch (node.kind) {
      case "text":
        code.push({ op: "text", text: node.text });
        break;
      case "action": {
        const prints = node.pipe.variables.length === 0;
        code.push({ op: "action", node, evaluate: compilePipe(node.pipe), prints });
        break;
      }
      case "break":
      case "continue": {
        const leave = { op: "leave" as const, levels: loop?.levels ?? 0, to: 0 };
        code.push(leave);
        (node.kind === "break" ? loop?.breaks : loop?.continues)?.push(leave);
        break;
      }
      case "template": {
        const evaluate = node.pipe === undefined ? undefined : compilePipe(node.pipe);
        code.push({ op: "call", node, evaluate });
        break;
      }
      default:
        compileBranch(code, node, loop);
    }
  }
}

function compileBranch(code: Instruction[], node: BranchNode, outer: Loop | undefined): void {
  const branch = { op: node.kind, node, evaluate: compilePipe(node.pipe), otherwise: 0 };
  code.push(branch);
  const body = code.length;
  const inner = node.kind === "range" ? { levels: 0, breaks: [], continues: [] } : outer;
  compileNested(code, node.body, inner, node.kind === "range" ? 0 : 1);
  const ends: { to: number }[] = [];
  if (node.kind === "range") {
    const next = { op: "next" as const, body, end: 0 };
    for (const leave of inner?.continues ?? []) leave.to = code.length;
    code.push(next);
    branch.otherwise = code.length;
    // In `else` the loop itself is still an open branch, which jumps of an outer loop must close.
    compileNested(code, node.otherwise ?? [], outer, 1);
    next.end = code.length;
    ends.push(...inner?.breaks ?? []);
  } else if (node.otherwise === undefined) {
    branch.otherwise = code.length;
  } else {
    const jump = { op: "jump" as const, to: 0 };
    ends.push(jump);
    code.push(jump);
    branch.otherwise = code.length;
    compileNested(code, node.otherwise, outer, 1);
  }
  for (const end of ends) end.to = code.length;
  code.push({ op: "end" });
}

function compileNested(
  code: Instruction[],
  body: readonly Statement[],
  loop: Loop | undefined,
  levels: number,
): void {
  if (loop !== undefined) loop.levels += levels;
  compileBody(code, body, loop);
  if (loop !== undefined) loop.levels -= levels;
}

/** The progress of a loop. */
interface Iteration {
  readonly size: bigint | number;
  at: bigint | number;
  element: (at: bigint | number) => [Value, Value];
}

/** An open branch, with the state to restore when it ends. */
interface Branch {
  dot: Value;
  /** The number of variables before the branch, and before its body. */
  variables: number;
  bodyVariables: number;
  iteration: Iteration | undefined;
  node: BranchNode;
}

/** The state of a calling template. */
interface Caller {
  name: string;
  source: Source;
  code: Code;
  at: number;
  dot: Value;
  base: number;
}

function iterate(state: State, node: BranchNode, value: Value): Iteration | undefined {
  const inner = concrete(value);
  if (typeof inner === "bigint" || inner instanceof Byte) {
    if (node.pipe.variables.length > 1) {
      state.fail(`can't use ${describeTarget(inner)} to iterate over more than one variable`);
    }
    if (inner instanceof Byte) {
      return { size: inner.value, at: 0, element: (at) => [undefined, new Byte(Number(at))] };
    }
    return { size: inner, at: 0n, element: (at) => [undefined, BigInt(at)] };
  }
  if (inner === undefined) return undefined;
  const kind = kindOf(inner);
  if (typeof inner === "object" && kind === "slice") {
    const element = (at: bigint | number): [Value, Value] => [
      BigInt(at),
      elementAt(inner, Number(at)),
    ];
    return { size: sizeOf(inner), at: 0, element };
  }
  if (typeof inner === "object" && kind === "map") {
    const entries = sortedEntries(inner);
    state.spend(entries.length * 8);
    return {
      size: entries.length,
      at: 0,
      element: (at) => entries[Number(at)] ?? [undefined, undefined],
    };
  }
  return state.fail(`range can't iterate over ${describeTarget(inner)}`);
}

/** Runs compiled templates in one execution. */
export class Runner {
  #output = "";
  readonly #state: State;
  readonly #lookup: (name: string) => Executable | undefined;
  readonly #branches: Branch[] = [];
  readonly #callers: Caller[] = [];

  constructor(state: State, lookup: (name: string) => Executable | undefined) {
    this.#state = state;
    this.#lookup = lookup;
  }

  /** Executes a template and returns its output, as a string in the form of text.ts. */
  run(template: Executable, data: Value): string {
    const state = this.#state;
    state.push("$", data);
    let code = template.code;
    let dot = data;
    let at = 0;
    for (;;) {
      const instruction = code[at++];
      if (instruction === undefined) {
        const caller = this.#callers.pop();
        if (caller === undefined) return normalize(this.#output);
        ({ code, at, dot } = caller);
        this.#return(caller);
        continue;
      }
      switch (instruction.op) {
        case "text":
          this.#write(instruction.text);
          break;
        case "action": {
          state.node = instruction.node;
          const value = instruction.evaluate(state, dot);
          if (instruction.prints) this.#print(instruction.node, value);
          break;
        }
        case "jump":
          at = instruction.to;
          break;
        case "if":
        case "with": {
          const { node } = instruction;
          const branch = this.#open(node, dot);
          const value = instruction.evaluate(state, dot);
          branch.bodyVariables = state.names.length;
          if (!isTrue(value)) at = instruction.otherwise;
          else if (instruction.op === "with") dot = value;
          break;
        }
        case "range": {
          const branch = this.#open(instruction.node, dot);
          const value = instruction.evaluate(state, dot);
          branch.bodyVariables = state.names.length;
          branch.iteration = iterate(state, instruction.node, value);
          const turn = this.#turn(branch);
          if (turn === undefined) at = instruction.otherwise;
          else dot = turn.element;
          break;
        }
        case "next": {
          const branch = this.#branches.at(-1);
          const turn = branch && this.#turn(branch);
          at = turn === undefined ? instruction.end : instruction.body;
          if (turn !== undefined) dot = turn.element;
          break;
        }
        case "leave":
          for (let level = 0; level < instruction.levels; level++) dot = this.#close(dot);
          at = instruction.to;
          break;
        case "end":
          dot = this.#close(dot);
          break;
        case "call": {
          const { node } = instruction;
          state.node = node;
          const callee = this.#callee(node);
          const value = instruction.evaluate?.(state, dot);
          this.#callers.push({
            name: state.name,
            source: state.source,
            code,
            at,
            dot,
            base: state.base,
          });
          state.spend();
          state.name = callee.name;
          state.source = callee.source;
          state.base = state.names.length;
          state.push("$", value);
          code = callee.code;
          at = 0;
          dot = value;
          break;
        }
      }
    }
  }

  #callee(node: TemplateNode): Executable {
    const callee = this.#lookup(node.name);
    if (callee === undefined) return this.#state.fail(`template ${quote(node.name)} not defined`);
    if (this.#callers.length === maxDepth) {
      this.#state.fail(`exceeded maximum template depth (${maxDepth})`);
    }
    return callee;
  }

  /** Restores the caller's state. */
  #return(caller: Caller): void {
    const state = this.#state;
    state.popTo(state.base);
    state.base = caller.base;
    state.name = caller.name;
    state.source = caller.source;
  }

  #write(text: string): void {
    this.#output += text;
    this.#state.spend();
    this.#state.checkLength(this.#output.length);
  }

  #print(node: ActionNode, value: Value): void {
    this.#state.node = node;
    if (typeof value === "function") {
      this.#state.fail(`can't print ${describeNode(node)} of type ${typeName(value)}`);
    }
    this.#write(printAction(value));
  }

  #open(node: BranchNode, dot: Value): Branch {
    this.#state.spend();
    const variables = this.#state.names.length;
    const branch = { dot, variables, bodyVariables: variables, iteration: undefined, node };
    this.#branches.push(branch);
    return branch;
  }

  /** Closes the innermost branch: drops its variables and returns the dot before it. */
  #close(dot: Value): Value {
    const branch = this.#branches.pop();
    if (branch === undefined) return dot;
    this.#state.popTo(branch.variables);
    return branch.dot;
  }

  /** Starts the next iteration of a loop, if there is one. */
  #turn(branch: Branch): { element: Value } | undefined {
    const { iteration, node, bodyVariables } = branch;
    const state = this.#state;
    state.popTo(bodyVariables);
    if (iteration === undefined || iteration.at >= iteration.size) return undefined;
    state.spend();
    const [index, element] = iteration.element(iteration.at);
    iteration.at++;
    const [first, second] = node.pipe.variables;
    if (first === undefined) return { element };
    if (node.pipe.isAssign) {
      state.set(first.names[0] ?? "", second === undefined ? element : index);
      if (second !== undefined) state.set(second.names[0] ?? "", element);
    } else {
      state.values[bodyVariables - 1] = element;
      if (second !== undefined) state.values[bodyVariables - 2] = index;
    }
    return { element };
  }
}
