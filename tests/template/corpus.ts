/** Reads and runs the conformance corpus in tests/testdata/go-template.json. */

import { Template, TemplateError, TemplateSet } from "../../lib/template/mod.ts";
import {
  EarlyJobContext,
  IoContext,
  JobContext,
  JobContextWithX,
  type Recorded,
} from "./context.ts";

export type Kind = "xargs" | "xargs-early" | "invoke";

/** The result of Go. */
export interface Expect {
  output?: string;
  output_b64?: string;
  args?: string[];
  inputs?: string[];
  outputs?: string[];
  files?: Record<string, string>;
  error?: string;
  phase?: string;
}

/** A case of the corpus. */
export interface Case {
  id: string;
  category: string;
  kind: Kind;
  name?: string;
  template?: string;
  context?: { Line?: string; Idx?: bigint; X?: unknown };
  args?: string[];
  stdin?: string;
  expect?: Expect;
  jobs?: Expect[];
}

/** Parses JSON in which, as in the corpus, a number without `.`, `e` or `E` is an int. */
export function parseWithInts(text: string): unknown {
  return JSON.parse(
    text,
    function (_, value, context: { source?: string } = {}) {
      const source = context.source;
      return typeof value === "number" && source !== undefined && !/[.eE]/.test(source)
        ? BigInt(source)
        : value;
    } as (this: unknown, key: string, value: unknown) => unknown,
  );
}

type Context = IoContext | EarlyJobContext;

export function newContext(kind: Kind, given: Case["context"] = {}): Context {
  const { Line = "", Idx = 0n } = given;
  if (kind === "invoke") return new IoContext();
  if (kind === "xargs-early") return new EarlyJobContext(Line, Idx);
  return "X" in given ? new JobContextWithX(Line, Idx, given.X) : new JobContext(Line, Idx);
}

function withRecorded(expect: Expect, { inputs, outputs, files }: Recorded): Expect {
  if (inputs.length > 0) expect.inputs = inputs;
  if (outputs.length > 0) expect.outputs = outputs;
  if (Object.keys(files).length > 0) expect.files = files;
  return expect;
}

function failed(error: unknown): Expect {
  if (!(error instanceof TemplateError)) throw error;
  return { error: error.message, phase: error.phase };
}

function one(test: Case): Expect {
  const context = newContext(test.kind, test.context);
  try {
    const template = Template.parse(test.name ?? "arg-0", test.template ?? "");
    const bytes = template.executeBytes(context);
    let result: Expect;
    try {
      result = { output: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
    } catch {
      result = { output_b64: btoa(String.fromCharCode(...bytes)) };
    }
    return withRecorded(result, context.recorded());
  } catch (error) {
    return failed(error);
  }
}

/** Runs arguments that share one set; each is parsed and executed before the next is parsed. */
function invoke(args: string[]): Expect {
  const set = new TemplateSet();
  const context = newContext("invoke");
  try {
    const outputs = args.map((arg, i) => Template.parse(`arg-${i}`, arg, set).execute(context));
    return withRecorded({ args: outputs }, context.recorded());
  } catch (error) {
    return failed(error);
  }
}

/** Parses all arguments separately, then runs one job per input line. */
function xargs(test: Case): Pick<Case, "expect" | "jobs"> {
  const templates: Template[] = [];
  for (const [i, arg] of (test.args ?? []).entries()) {
    try {
      templates.push(Template.parse(`arg-${i}`, arg));
    } catch (error) {
      const { error: text = "", phase = "" } = failed(error);
      return {
        expect: { error: `template parse error: ${JSON.stringify(arg)}: ${text}`, phase },
      };
    }
  }
  // The original drops an input line without a newline at its end; this project's command does not.
  const lines = (test.stdin ?? "").split("\n").slice(0, -1);
  const jobs = lines.map((Line, i) => {
    const context = newContext(test.kind, { Line, Idx: BigInt(i) });
    try {
      const outputs = templates.map((template) => template.execute(context));
      return withRecorded({ args: outputs }, context.recorded());
    } catch (error) {
      return failed(error);
    }
  });
  return { jobs };
}

/** Returns the library's result for a case, in the form of the corpus. */
export function run(test: Case): Pick<Case, "expect" | "jobs"> {
  if (test.template !== undefined) return { expect: one(test) };
  return test.kind === "invoke" ? { expect: invoke(test.args ?? []) } : xargs(test);
}
