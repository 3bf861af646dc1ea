/**
 * The flags of a run of many jobs: its input, what is printed and kept, retries and limits.
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
import type { WordList } from "../../jobs/job_input.ts";
import type { Halt } from "../../jobs/policy.ts";
import { quote } from "../../template/quote.ts";
import type { UsageProblem } from "../../cli/command.ts";
import { atLeastOne, notNegative } from "./numbers.ts";
import { noClobber, parseSeconds } from "./shared.ts";

/**
 * Parses a positive decimal number: an amount of US dollars.
 *
 * @param text The number as written.
 * @returns Its value.
 * @throws {FlagValueError} If it is not one.
 */
export function parsePositive(text: string): number {
  const value = /^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : 0;
  if (value > 0 && Number.isFinite(value)) return value;
  throw new FlagValueError("not a positive number", "write US dollars, such as 5 or 0.5, or none");
}

/**
 * Parses a positive decimal number, or `none`.
 *
 * @param text The limit as written.
 * @returns Its value; infinite if there is none.
 * @throws {FlagValueError} If it is neither.
 */
export function parseLimit(text: string): number {
  return text === "none" ? Infinity : parsePositive(text);
}

/**
 * Parses `WHEN,fail=COUNT`, a subset of GNU parallel's `--halt`.
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
      "not a halt condition",
      "write soon,fail=N or now,fail=N, where N is a number of jobs or 1% to 100%",
    );
  }
  return { when: when === "now" ? "now" : "soon", count, isPercent };
}

/** C's single-character escapes. */
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
 * Parses a delimiter as GNU xargs' `-d` does: one byte, written literally or as a C escape such as
 * `\n`, `\0`, `\012` or `\x0a`.
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
    "not a single byte",
    String.raw`write one character such as , or \n, \t, \0, \xHH`,
  );
}

/**
 * Parses a separator of columns: one character, or a C escape as in {@linkcode parseDelimiter}.
 *
 * @param text The separator as written.
 * @returns The character.
 * @throws {FlagValueError} If it is not one character, such as a regular expression.
 */
export function parseSeparator(text: string): string {
  if ([...text].length === 1) return text;
  const byte = /^\\(x[0-9a-f]{1,2}|[0-3]?[0-7]{1,2}|[abtnvfr\\])$/i.test(text)
    ? parseDelimiter(text)
    : 128;
  if (byte < 128) return String.fromCharCode(byte);
  throw new FlagValueError(
    "not a single character",
    String
      .raw`write one character such as , or \t; for anything else, split the line in a template`,
  );
}

/** Creates a flag for a file name. An empty one is most likely an unset shell variable. */
function fileFlag(options: { help: string; placeholder: string }): Flag<string> {
  return valueFlag({ ...options, default: "" }, (text) => {
    if (text !== "") return text;
    throw new FlagValueError("empty name", "name a file, or omit the flag");
  });
}

/** The `-timeout` flag of `invoke` and `xargs`. */
export const timeout = valueFlag<number | undefined>({
  help: "stop a command after this time, with status 124: 90 (seconds), 10s, 1m30s",
  placeholder: "TIME",
  default: undefined,
}, parseSeconds);

/** The flags of a run. */
export const runFlags = {
  a: fileFlag({
    help: "read lines from a file; - is standard input, s3://BUCKET/PREFIX/ lists objects",
    placeholder: "FILE",
  }),
  "a-as": choiceFlag({
    help: "read -a s3://... as an object's lines, or list all objects that begin so",
    default: "auto",
  }, ["auto", "lines", "prefix"]),
  d: valueFlag<number | undefined>({
    help: String.raw`lines end in this character, or \n, \t, \0, \xHH`,
    placeholder: "CHAR",
    default: undefined,
  }, parseDelimiter),
  colsep: valueFlag<string | undefined>({
    help: "split lines into columns at this character: {{.Col 1}} is the first",
    placeholder: "CHAR",
    default: undefined,
  }, parseSeparator),
  n: intFlag({
    help: "lines per job: an argument with {{.Each}} is repeated for each of them",
    placeholder: "N",
  }),
  "dry-run": boolFlag({ help: "print what would run, with its files, and send nothing" }),
  print: choiceFlag({
    help: "job output: as each job ends, in input order, as complete lines, " +
      "live line by line, or not at all",
    default: "group",
  }, ["group", "keep-order", "line", "live", "none"]),
  k: boolFlag({ help: "print in input order, like -print keep-order" }),
  tag: boolFlag({ help: "prefix each line of a job's output with its input line and a tab" }),
  json: boolFlag({ help: "print one line of JSON per job, including its output" }),
  results: fileFlag({
    help: "write stdout, stderr and status.json of each job to DIR/SEQ",
    placeholder: "DIR",
  }),
  joblog: fileFlag({
    help: "log each finished job, in GNU parallel's format",
    placeholder: "FILE",
  }),
  resume: boolFlag({ help: "continue the run logged by -joblog: skip finished jobs" }),
  "resume-failed": boolFlag({ help: "like -resume, but also retry the jobs that failed" }),
  "resume-last": boolFlag({ help: "continue the last run of the same command in this directory" }),
  "no-journal": boolFlag({ help: "keep no journal of this run" }),
  retries: intFlag({
    help: "retry a failed job up to N times",
    placeholder: "N",
    default: 0,
  }),
  "no-clobber": noClobber,
  "skip-existing": boolFlag({ help: "skip jobs whose outputs all exist, here or in S3" }),
  "retry-on": choiceFlag({
    help: "failures to retry: of the command, of the function or network, or both",
    default: "all",
  }, ["exit", "function", "all"]),
  timeout,
  stragglers: intFlag({
    help:
      "copy a job that takes much longer than the others, up to N times; 2 if it is pure, else 0",
    placeholder: "N",
  }),
  halt: valueFlag<Halt | undefined>({
    help: "stop when jobs fail: now,fail=N drops jobs in flight, soon,fail=N% waits for them",
    placeholder: "WHEN",
    default: undefined,
  }, parseHalt),
  "max-cost": valueFlag<number | undefined>({
    help: "start no more jobs once the run has cost this much; none: no limit",
    placeholder: "DOLLARS",
    default: undefined,
  }, parseLimit),
  prices: fileFlag({
    help: "price table to use instead of the built-in one",
    placeholder: "FILE",
  }),
  summary: boolFlag({ help: "print time and cost at the end, even without a terminal" }),
} as const;

/** Separates the arguments from the lines, and lists of lines that are combined. */
export const inputSeparator = ":::";

/** Begins a list whose words go with those of the list before it. */
const linkedSeparator = ":::+";

/**
 * Splits `FUNCTION ARGS... ::: LINES...`.
 *
 * @param args The arguments after the flags.
 * @returns The arguments before the first separator, and the lists after it; `lists` is undefined if
 * there is none.
 */
export function splitInput(
  args: readonly string[],
): { command: readonly string[]; lists: readonly WordList[] | undefined } {
  const isSeparator = (arg: string) => arg === inputSeparator || arg === linkedSeparator;
  const first = args.findIndex(isSeparator);
  if (first < 0) return { command: args, lists: undefined };
  const lists: { words: string[]; isLinked: boolean }[] = [];
  for (const arg of args.slice(first)) {
    if (isSeparator(arg)) lists.push({ words: [], isLinked: arg === linkedSeparator });
    else lists.at(-1)?.words.push(arg);
  }
  return { command: args.slice(0, first), lists };
}

/** GNU parallel's other separators, with llama's equivalents. */
const foreignSeparators: Readonly<Record<string, string>> = {
  "::::": "write -a FILE for the lines of a file, or ::: LINE... for the lines themselves",
  "::::+": "paste -d , FILE FILE joins the lines of two files, for -colsep , to split",
};

/**
 * Checks the flags of a run.
 *
 * @param values Their values, and those of `-0` and `-invoke-retries`.
 * @param args The arguments after the flags.
 * @returns The problem, or undefined.
 */
export function validateRun(
  values: FlagValues<typeof runFlags> & {
    readonly "0": boolean;
    readonly "invoke-retries": number | undefined;
  },
  args: readonly string[],
): UsageProblem | undefined {
  const { lists } = splitInput(args);
  const foreign = args.find((arg) => Object.hasOwn(foreignSeparators, arg));
  if (foreign !== undefined) {
    return {
      message: `llama xargs does not support GNU parallel's ${foreign}`,
      hint: foreignSeparators[foreign] ?? "",
    };
  }
  const isResumed = values.resume || values["resume-failed"];
  if (lists?.[0]?.isLinked) {
    return {
      message: `${linkedSeparator} has no list before it`,
      hint: `write the first list after ${inputSeparator}`,
    };
  }
  if (lists !== undefined && values.a !== "") {
    return both(`-a ${quote(values.a)}`, inputSeparator, "both name the input");
  }
  if (values["0"] && values.d !== undefined) return both("-0", "-d", "both set the delimiter");
  if (lists !== undefined && (values["0"] || values.d !== undefined)) {
    return both(values["0"] ? "-0" : "-d", inputSeparator, "arguments have no delimiter");
  }
  const { stragglers = 0 } = values;
  const problem = atLeastOne("n", values.n) ?? notNegative("retries", values.retries) ??
    notNegative("stragglers", stragglers);
  if (problem !== undefined) return problem;
  if (stragglers > 0 && values["invoke-retries"] === 0) {
    return both("-stragglers", "-invoke-retries 0", "a copied job may run twice");
  }
  if (stragglers > 0 && values.print === "live") {
    return both("-stragglers", "-print live", "only one of two copies may be shown");
  }
  if (values["resume-last"] && values.joblog !== "") {
    return both(
      "-resume-last",
      "-joblog",
      "both say which run to resume",
      "use -resume with -joblog",
    );
  }
  if (values["resume-last"] && values["no-journal"]) {
    return both("-resume-last", "-no-journal", "the last run is found by its journal");
  }
  if (isResumed && values.joblog === "" && !values["resume-last"]) {
    return {
      message: "no job log to resume",
      hint: "add -resume-last to continue the last run, or -joblog FILE with the log of a run",
    };
  }
  if (values.print === "live" && (values.json || values.k)) {
    return both("-print live", values.json ? "-json" : "-k", "live output comes as it is written");
  }
  if (values.json && values.tag) return both("-json", "-tag", "JSON lines are not tagged");
  return undefined;
}

function both(
  one: string,
  other: string,
  why: string,
  hint = "omit one of them",
): UsageProblem {
  return { message: `${one} and ${other} cannot be combined: ${why}`, hint };
}
