/**
 * The flags of a run of many jobs: where its lines are from, what is printed and kept, and when it
 * ends.
 *
 * @module
 */

import {
  boolFlag,
  choiceFlag,
  type Flag,
  FlagValueError,
  type FlagValues,
  intFlag,
  valueFlag,
} from "../../cli/flags.ts";
import type { Halt } from "../../jobs/policy.ts";
import { quote } from "../../template/quote.ts";
import type { UsageProblem } from "../../cli/command.ts";
import { atLeastOne, notNegative } from "./shared.ts";

/**
 * Reads a positive number, with a fraction or without.
 *
 * @param text The number as written.
 * @returns Its value.
 * @throws {FlagValueError} If it is none.
 */
export function parsePositive(text: string): number {
  const value = /^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : 0;
  if (value > 0 && Number.isFinite(value)) return value;
  throw new FlagValueError("not a positive number", "write a number such as 90 or 0.5");
}

/**
 * Reads `WHEN,fail=COUNT` as GNU parallel's `--halt` has it.
 *
 * @param text The value as written.
 * @returns Its parts; undefined for `never`.
 * @throws {FlagValueError} If it is something else.
 */
export function parseHalt(text: string): Halt | undefined {
  if (text === "never") return undefined;
  const [, when, digits, percent] = /^(now|soon),fail=(\d{1,9})(%?)$/.exec(text) ?? [];
  const count = Number(digits);
  const isPercent = percent === "%";
  if (when === undefined || count === 0 || (isPercent && count > 100)) {
    throw new FlagValueError(
      "not a condition",
      "write soon,fail=N or now,fail=N, with N a number of jobs or 1% to 100%",
    );
  }
  return { when: when === "now" ? "now" : "soon", count, isPercent };
}

/** Those of C. */
const escapes = new Map([
  ["a", 7],
  ["b", 8],
  ["t", 9],
  ["n", 10],
  ["v", 11],
  ["f", 12],
  ["r", 13],
  ["\\", 92],
]);

/**
 * Reads a delimiter as GNU xargs' `-d` does: one byte, itself or as C has it, `\n`, `\t`, `\0`,
 * `\012`, `\x0a`.
 *
 * @param text The delimiter as written.
 * @returns The byte.
 * @throws {FlagValueError} If it is not one byte.
 */
export function parseDelimiter(text: string): number {
  const hex = /^\\x([0-9A-Fa-f]{1,2})$/.exec(text)?.[1];
  if (hex !== undefined) return parseInt(hex, 16);
  const octal = /^\\([0-3]?[0-7]{1,2})$/.exec(text)?.[1];
  if (octal !== undefined) return parseInt(octal, 8);
  const escaped = text.length === 2 && text.startsWith("\\")
    ? escapes.get(text.slice(1))
    : undefined;
  if (escaped !== undefined) return escaped;
  if (text.length === 1 && text.charCodeAt(0) < 128) return text.charCodeAt(0);
  throw new FlagValueError(
    "not one byte",
    String.raw`write one character such as , or \n, \t, \0, \xHH`,
  );
}

/** A flag that names a file; an empty name is what a shell makes of a variable that is not set. */
function fileFlag(options: { help: string; placeholder: string }): Flag<string> {
  return valueFlag({ ...options, default: "" }, (text) => {
    if (text !== "") return text;
    throw new FlagValueError("empty", "name a file, or leave the flag out");
  });
}

/** The flag of `invoke` and `xargs`. */
export const timeout = valueFlag<number | undefined>({
  help: "end a command after so many seconds, with status 124",
  placeholder: "SECONDS",
  default: undefined,
}, parsePositive);

/** The flags of a run. */
export const runFlags = {
  a: fileFlag({ help: "read lines from a file instead of standard input", placeholder: "FILE" }),
  d: valueFlag<number | undefined>({
    help: String.raw`lines end in this character, or \n, \t, \0, \xHH`,
    placeholder: "CHAR",
    default: undefined,
  }, parseDelimiter),
  n: intFlag({ help: "lines a job: {{.Lines}}, and joined {{.Line}}", placeholder: "N" }),
  "dry-run": boolFlag({ help: "print what would run, with its files, and send nothing" }),
  print: choiceFlag({
    help: "jobs' output: whole as each job ends, whole in the order of the input, or in lines",
    default: "group",
  }, ["group", "keep-order", "line", "none"]),
  k: boolFlag({ help: "print in the order of the input, as -print keep-order" }),
  tag: boolFlag({ help: "begin each line of a job's output with its input line and a tab" }),
  json: boolFlag({ help: "print a line of JSON for each job, its output inside" }),
  results: fileFlag({
    help: "keep stdout, stderr and status.json of each job in DIR/SEQ",
    placeholder: "DIR",
  }),
  joblog: fileFlag({
    help: "log each job that ended, as GNU parallel does",
    placeholder: "FILE",
  }),
  resume: boolFlag({ help: "go on with the run of -joblog: skip the jobs that ended" }),
  "resume-failed": boolFlag({ help: "the same, but repeat the jobs that failed" }),
  retries: intFlag({
    help: "repeat a job that failed, at most N times",
    placeholder: "N",
    default: 0,
  }),
  "retry-on": choiceFlag({
    help: "failures to repeat for: of the command, of the function or network, or both",
    default: "all",
  }, ["exit", "function", "all"]),
  timeout,
  halt: valueFlag<Halt | undefined>({
    help: "stop at failures: now,fail=N drops the jobs in flight, soon,fail=N% waits",
    placeholder: "WHEN",
    default: undefined,
  }, parseHalt),
  "max-cost": valueFlag<number | undefined>({
    help: "start no more jobs once the run has cost so much",
    placeholder: "DOLLARS",
    default: undefined,
  }, parsePositive),
  prices: fileFlag({
    help: "a table of prices instead of the one built in",
    placeholder: "FILE",
  }),
  summary: boolFlag({ help: "tell at the end what it took and cost, as on a terminal" }),
} as const;

/** The separator between the arguments and the lines. */
export const inputSeparator = ":::";

/**
 * Divides `FUNCTION ARGS... ::: LINES...`.
 *
 * @param args The arguments after the flags.
 * @returns What is before the separator, and the lines after it; undefined if there is none.
 */
export function splitInput(
  args: readonly string[],
): { command: readonly string[]; lines: readonly string[] | undefined } {
  const at = args.indexOf(inputSeparator);
  return at < 0
    ? { command: args, lines: undefined }
    : { command: args.slice(0, at), lines: args.slice(at + 1) };
}

/** Separators that only GNU parallel has, and what llama has instead. */
const foreignSeparators: Readonly<Record<string, string>> = {
  "::::": "write -a FILE for the lines of a file, or ::: LINE... for the lines themselves",
  ":::+": "write one ::: with all lines; -n N puts several into a job, {{index .Lines 1}} is one",
  "::::+": "write -a FILE; -n N puts several lines into a job, {{index .Lines 1}} is one",
};

/**
 * Checks the flags of a run.
 *
 * @param values Their values, and that of `-0`.
 * @param args The arguments after the flags.
 * @returns What is wrong, or undefined.
 */
export function validateRun(
  values: FlagValues<typeof runFlags> & { readonly "0": boolean },
  args: readonly string[],
): UsageProblem | undefined {
  const { lines } = splitInput(args);
  const foreign = args.find((arg) => Object.hasOwn(foreignSeparators, arg));
  if (foreign !== undefined) {
    return {
      message: `${foreign} is GNU parallel's, and llama xargs does not have it`,
      hint: foreignSeparators[foreign] ?? "",
    };
  }
  const isResumed = values.resume || values["resume-failed"];
  if (lines?.includes(inputSeparator)) {
    return {
      message: `more than one ${inputSeparator}`,
      hint: `write all lines after the first ${inputSeparator}, and -n N to put several into a job`,
    };
  }
  if (lines !== undefined && values.a !== "") {
    return both(`-a ${quote(values.a)}`, inputSeparator, "both say what the lines are");
  }
  if (values["0"] && values.d !== undefined) return both("-0", "-d", "both say how lines end");
  if (lines !== undefined && (values["0"] || values.d !== undefined)) {
    return both(values["0"] ? "-0" : "-d", inputSeparator, "arguments have no line ends");
  }
  const problem = atLeastOne("n", values.n) ?? notNegative("retries", values.retries);
  if (problem !== undefined) return problem;
  if (isResumed && values.joblog === "") {
    return { message: "no job log to resume", hint: "write -joblog FILE with -resume" };
  }
  if (values.json && values.tag) return both("-json", "-tag", "a line of JSON has no tag");
  return undefined;
}

function both(one: string, other: string, why: string): UsageProblem {
  return {
    message: `${one} and ${other} do not go together: ${why}`,
    hint: "leave one of them out",
  };
}
