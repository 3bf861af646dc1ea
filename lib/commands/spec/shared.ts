/**
 * Flags and checks that several commands share.
 *
 * @module
 */

import { posix } from "node:path";

import type { Architecture } from "../../functions/architecture.ts";
import {
  boolFlag,
  choiceFlag,
  type Flag,
  FlagValueError,
  intFlag,
  listFlag,
  parseGoInt,
  stringFlag,
  valueFlag,
} from "../../cli/flags.ts";
import { defaultInvokeRetries } from "../../limits.ts";
import { functionNameRule, isFunctionName } from "../../functions/names.ts";
import { LlamaError } from "../../errors.ts";
import { isS3Url, nameOfObject } from "../../store/s3_url.ts";
import { quote } from "../../template/quote.ts";
import type { Example, UsageProblem } from "../../cli/command.ts";

/** The region; the same as the global flag. */
export const regionFlag: Flag<string> = stringFlag({ help: "AWS region", placeholder: "REGION" });

/** The CloudFormation stack. */
export const stackFlag: Flag<string> = stringFlag({
  help: "name of the CloudFormation stack (default llama)",
  placeholder: "NAME",
});

/**
 * Creates a flag for an architecture.
 *
 * @param help Its help text.
 * @returns The flag; its value is undefined if it is not given.
 */
export function architectureFlag(help: string): Flag<Architecture | undefined> {
  const initial: Architecture | undefined = undefined;
  return valueFlag<Architecture | undefined>(
    { help, placeholder: "x86_64|arm64", default: initial },
    (text) => {
      if (text === "x86_64" || text === "arm64") return text;
      throw new FlagValueError(
        `${quote(text)} is not an architecture that Lambda supports`,
        "write x86_64 or arm64",
      );
    },
  );
}

/**
 * Creates a flag for an integer within bounds.
 *
 * @param help Its help text.
 * @param unit The unit; in capitals, the placeholder in help texts.
 * @param least The smallest value.
 * @param most The largest value.
 * @param parse Parses the value.
 * @returns The flag; its value is undefined if it is not given.
 */
export function boundedFlag(
  help: string,
  unit: string,
  least: number,
  most: number,
  parse: (text: string) => number = parseGoInt,
): Flag<number | undefined> {
  return valueFlag<number | undefined>({
    help: `${help}, ${least} to ${most} ${unit}`,
    placeholder: unit.toUpperCase(),
    default: undefined,
  }, (text) => {
    const value = parse(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new FlagValueError("value out of range", `write ${least} to ${most} ${unit}`);
  });
}

const unitSeconds: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/**
 * Parses a positive time: a decimal number of seconds, or a duration as Go writes it, such as `1m30s`.
 *
 * @param text The time as written.
 * @returns The time in seconds.
 * @throws {FlagValueError} If it is not one.
 */
export function parseSeconds(text: string): number {
  const parts = [...text.matchAll(/(\d+\.?\d*|\.\d+)(ms|s|m|h|$)/gy)];
  const isWhole = text !== "" &&
    parts.reduce((sum, [part]) => sum + part.length, 0) === text.length;
  const seconds = isWhole && (parts.length === 1 || parts.at(-1)?.[2] !== "")
    ? parts.reduce(
      (sum, [, digits, unit = ""]) => sum + Number(digits) * (unitSeconds[unit] ?? 1),
      0,
    )
    : 0;
  if (seconds > 0 && Number.isFinite(seconds)) return seconds;
  throw new FlagValueError(
    "not a positive time",
    "write seconds, such as 90 or 0.5, or a duration such as 10s, 5m or 1m30s",
  );
}

/**
 * Checks that the only argument is a function name.
 *
 * @param args The arguments after the flags.
 * @returns The problem, or undefined.
 */
export function oneFunctionName(args: readonly string[]): UsageProblem | undefined {
  const [name, extra] = args;
  if (!name) return { message: "no function name" };
  if (extra?.startsWith("-")) {
    return {
      message: `${extra} comes after the function name`,
      hint: `write flags before ${name}`,
    };
  }
  if (extra !== undefined) return { message: `more than one function name: ${quote(extra)}` };
  if (!isFunctionName(name)) {
    return { message: `${quote(name)} is not a function name`, hint: functionNameRule };
  }
  return undefined;
}

/**
 * Checks that there are no arguments.
 *
 * @param command The command's name.
 * @param args The arguments after the flags.
 * @returns The problem, or undefined.
 */
export function noArguments(command: string, args: readonly string[]): UsageProblem | undefined {
  const [arg] = args;
  return arg === undefined
    ? undefined
    : { message: `${command} takes no arguments: ${quote(arg)}` };
}

/** A file of `-f` or `-o`, with its local and its remote path. */
export interface FileMapping {
  /** Its path on this machine. */
  readonly local: string;
  /** Its path in the job's directory. */
  readonly remote: string;
}

const outsideHint = "write LOCAL:REMOTE, with REMOTE a path in the job's directory";

/**
 * Parses `LOCAL[:REMOTE]` as the original does: at the first `:`, unless the text begins with it. A
 * `\:` is a colon in a name.
 *
 * @param text The mapping as written.
 * @returns Both paths, which are equal if only one is given.
 * @throws {FlagValueError} If the remote path is absolute.
 */
export function parseFileMapping(text: string): FileMapping {
  if (isS3Url(text)) return s3Mapping(text);
  const colon = text.startsWith(":") ? -1 : text.search(/(?<!\\):/);
  const unescaped = (part: string) => part.replaceAll("\\:", ":");
  return mapping(
    unescaped(colon > 0 ? text.slice(0, colon) : text),
    unescaped(colon > 0 ? text.slice(colon + 1) : text),
  );
}

/**
 * Parses the mapping of a file to send: the name of an existing file is not split at its colons.
 *
 * @param text The mapping as written.
 * @param exists Reports whether there is a file of that name.
 * @returns Both paths.
 * @throws {FlagValueError} If the remote path is absolute.
 */
export function parseInputMapping(text: string, exists = isThere): FileMapping {
  return text.includes(":") && exists(text) ? mapping(text, text) : parseFileMapping(text);
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    // Whatever is wrong with it, a mapping was meant.
    return false;
  }
}

function mapping(local: string, remote: string): FileMapping {
  if (remote.startsWith("/")) {
    // The original says "-file" for outputs too.
    throw new FlagValueError(
      `-file: cannot expose file at absolute path: ${quote(remote)}`,
      outsideHint,
    );
  }
  return { local, remote };
}

/** Parses `s3://BUCKET/KEY[:REMOTE]`; `\\:` is a colon in the key. */
function s3Mapping(text: string): FileMapping {
  const [, url = "", remote] = /^(s3:\/\/(?:[^:\\]|\\.)*)(?::(.*))?$/s.exec(text) ?? [];
  const local = url.replaceAll("\\:", ":");
  if (remote?.startsWith("/")) {
    throw new FlagValueError(`absolute path: ${quote(remote)}`, outsideHint);
  }
  try {
    return { local, remote: remote ?? nameOfObject(local) };
  } catch (error) {
    if (!(error instanceof LlamaError)) throw error;
    throw new FlagValueError(error.message, error.hint);
  }
}

/** The `-logs` flag. */
export const logs = boolFlag({ help: "show Lambda's log of each invocation on stderr" });

/** The `-file` flag. */
export const file = listFlag({
  help: "send a file along; may be repeated",
  placeholder: "LOCAL[:REMOTE]",
  alias: "f",
}, (text) => parseInputMapping(text));

/** The `-no-clobber` flag. */
export const noClobber = boolFlag({
  help: "fail rather than replace an output, here or in S3",
});

/** The `-f-links` flag. */
export const fileLinks = choiceFlag({
  help: "links in a directory of -f that lead out of it",
  default: "refuse",
}, ["skip", "follow", "refuse"]);

/** The `-report` flag. */
export const report = stringFlag({
  help: "write an HTML page about the run: timeline, where the time went, failures; -: stdout",
  placeholder: "FILE",
});

/** The `-invoke-retries` flag. */
export const invokeRetries = intFlag({
  help: "retries of a call whose response was lost; with 0, no job ever runs twice (default " +
    `${defaultInvokeRetries})`,
  placeholder: "N",
});

/**
 * Checks that a function was named.
 *
 * @param args The arguments after the flags.
 * @returns The problem, or undefined.
 */
export function noFunction(args: readonly string[]): UsageProblem | undefined {
  return args[0] ? undefined : { message: "no function name" };
}

/**
 * Checks the paths of `-f` and `-o`.
 *
 * @param flag The flag.
 * @param mappings Its values.
 * @returns The problem, or undefined.
 */
export function badMapping(
  flag: string,
  mappings: readonly FileMapping[],
): UsageProblem | undefined {
  for (const { local, remote } of mappings) {
    if (local === "" || remote === "") {
      return {
        message: local === ""
          ? `-${flag}: empty path`
          : `-${flag}: empty remote path: ${quote(`${local}:`)}`,
        hint: `write -${flag} LOCAL or -${flag} LOCAL:REMOTE`,
      };
    }
    if (flag === "output" && isS3Url(local) && (remote.endsWith("/") || local.endsWith("/"))) {
      return {
        message: `-output: ${quote(local)}: a directory cannot be written to S3`,
        hint: "name each file: -output s3://BUCKET/KEY:REMOTE",
      };
    }
    if (flag === "output" && local.endsWith("/") && !remote.endsWith("/")) {
      return {
        message: `-output: ${quote(local)} is a directory, but ${quote(remote)} is a file`,
        hint: `write -output ${local}:${remote}/ to fetch everything below it`,
      };
    }
    const clean = posix.normalize(remote);
    if (/^\.\.(\/|$)/.test(clean)) {
      return {
        message: `-${flag}: remote path outside the job's directory: ${quote(remote)}`,
        hint: outsideHint,
      };
    }
  }
  return undefined;
}

/** Returns the examples of a command's help, which are loaded only to be shown. */
export async function examplesFor(
  name: keyof typeof import("./examples.ts").examples,
): Promise<readonly Example[]> {
  return (await import("./examples.ts")).examples[name];
}
