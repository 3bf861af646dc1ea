/**
 * The flags of `llama` and of its subcommands, with what their help says.
 *
 * @module
 */

import { posix } from "node:path";
import {
  boolFlag,
  choiceFlag,
  FlagValueError,
  type FlagValues,
  intFlag,
  listFlag,
  stringFlag,
  valueFlag,
} from "../cli/flags.ts";
import { defaultInvokeRetries, defaultS3Concurrency } from "../defaults.ts";
import { quote } from "../template/quote.ts";
import { progressModes } from "../terminal/progress.ts";
import type { Command, UsageProblem } from "../cli/command.ts";
import { invokeExamples, xargsExamples } from "./examples.ts";
import { runFlags, splitInput, timeout, validateRun } from "./run_flags.ts";

/** A file of `-f` or `-o`: where it is here, and where in the job's directory. */
export interface FileMapping {
  /** Its path on this machine. */
  readonly local: string;
  /** Its path in the job's directory. */
  readonly remote: string;
}

/** A function of `-function`: a command of this machine under a function's name. */
export interface FunctionCommand {
  /** The function's name. */
  readonly name: string;
  /** The command, as written. */
  readonly command: string;
}

/** Where `llama local` listens. */
export interface ListenAddress {
  /** A loopback host, an IPv6 one without its brackets. */
  readonly hostname: string;
  /** The port, 0 for any that is free. */
  readonly port: number;
}

const OUTSIDE_HINT = "write LOCAL:REMOTE, with REMOTE a path in the job's directory";

/**
 * Reads `LOCAL[:REMOTE]` as the original does: the first `:` divides, unless it comes first.
 *
 * @param text The mapping as written.
 * @returns Both paths, which are the same where one is given.
 * @throws {FlagValueError} If the remote path is absolute.
 */
export function parseFileMapping(text: string): FileMapping {
  const colon = text.indexOf(":");
  const local = colon > 0 ? text.slice(0, colon) : text;
  const remote = colon > 0 ? text.slice(colon + 1) : text;
  if (remote.startsWith("/")) {
    // The original says "-file" for outputs too.
    throw new FlagValueError(
      `-file: cannot expose file at absolute path: ${quote(remote)}`,
      OUTSIDE_HINT,
    );
  }
  return { local, remote };
}

/**
 * Reads `NAME=COMMAND`.
 *
 * @param text The function as written.
 * @returns Its name and command.
 * @throws {FlagValueError} If there is no `=`, no command, or Lambda would refuse the name.
 */
export function parseFunctionCommand(text: string): FunctionCommand {
  const hint = "write NAME=COMMAND, as in -function upper='tr a-z A-Z'";
  const equals = text.indexOf("=");
  if (equals < 0) throw new FlagValueError('no "=" between name and command', hint);
  const name = text.slice(0, equals);
  const command = text.slice(equals + 1);
  // https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html, FunctionName
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) {
    throw new FlagValueError(
      `${quote(name)} is no function name`,
      "a function's name is 1 to 64 letters, digits, - and _",
    );
  }
  if (command.trim() === "") throw new FlagValueError("no command", hint);
  return { name, command };
}

/**
 * Reads `HOST:PORT` with a host that no other machine reaches.
 *
 * @param text The address as written.
 * @returns Its two parts.
 * @throws {FlagValueError} If the host is no loopback host, or the port is none.
 */
export function parseListenAddress(text: string): ListenAddress {
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, Math.max(colon, 0));
  const port = text.slice(colon + 1);
  const hint = "write 127.0.0.1:PORT, with port 0 for any free one";
  if (colon < 0 || !/^[0-9]{1,5}$/.test(port) || Number(port) > 65535) {
    throw new FlagValueError("no port from 0 to 65535", hint);
  }
  const isIPv4Loopback = /^127(\.[0-9]{1,3}){3}$/.test(host) &&
    host.split(".").every((part) => Number(part) <= 255);
  if (!isIPv4Loopback && host !== "localhost" && host !== "[::1]") {
    throw new FlagValueError(`${quote(host)} is not a loopback host`, hint);
  }
  return { hostname: host === "[::1]" ? "::1" : host, port: Number(port) };
}

/** The flags before the subcommand. */
export const globalFlags = {
  region: stringFlag({ help: "AWS region", placeholder: "REGION" }),
  profile: stringFlag({ help: "profile of the AWS configuration files", placeholder: "NAME" }),
  store: stringFlag({
    help: "object store: s3://BUCKET/PREFIX or file:///DIR",
    placeholder: "URL",
  }),
  local: boolFlag({ help: "run functions on this machine, without AWS" }),
  functions: stringFlag({
    help: "functions to run on this machine, one folder each",
    placeholder: "DIR",
  }),
  function: listFlag({
    help: "run COMMAND as a function; may be repeated",
    placeholder: "NAME=COMMAND",
  }, parseFunctionCommand),
  "debug-aws": boolFlag({ help: "log AWS requests and responses to stderr" }),
  "s3-concurrency": intFlag({
    help: "uploads and downloads at once",
    placeholder: "N",
    default: defaultS3Concurrency,
  }),
  trace: stringFlag({
    help: "under invoke and xargs: write where the time went, for ui.perfetto.dev (.gz, .zst)",
    placeholder: "FILE",
  }),
} as const;

/** The values of the flags before the subcommand. */
export type GlobalValues = FlagValues<typeof globalFlags>;

/**
 * Checks the flags before the subcommand.
 *
 * @param values Their values.
 * @param command The subcommand.
 * @returns What is wrong, or undefined.
 */
export function validateGlobal(values: GlobalValues, command: string): UsageProblem | undefined {
  if (values.trace !== "" && command !== "invoke" && command !== "xargs") {
    return {
      message: `-trace has no use with ${command}`,
      hint: "it goes with invoke and xargs, which run jobs",
    };
  }
  return atLeastOne("s3-concurrency", values["s3-concurrency"]);
}

const logs = boolFlag({ help: "show Lambda's log of each invocation on stderr" });
const file = listFlag({
  help: "send a file along; may be repeated",
  placeholder: "LOCAL[:REMOTE]",
  alias: "f",
}, parseFileMapping);

const report = stringFlag({
  help: "write a page that shows the run: a timeline, where the time went, what failed",
  placeholder: "FILE",
});

const invokeRetries = intFlag({
  help: "repeats of a call whose answer was lost; with 0 no job ever runs twice",
  placeholder: "N",
  default: defaultInvokeRetries,
});

/** The flags of `llama invoke`. */
export const invokeFlags = {
  logs,
  time: boolFlag({ help: "show how long each part took, on stderr" }),
  stdin: boolFlag({ help: "send standard input to the command" }),
  timeout,
  file,
  output: listFlag({
    help: "fetch a file that is written; may be repeated",
    placeholder: "LOCAL[:REMOTE]",
    alias: "o",
  }, parseFileMapping),
  "invoke-retries": invokeRetries,
  report,
} as const;

/** The flags of `llama xargs`. */
export const xargsFlags = {
  logs,
  j: intFlag({ help: "jobs at once", placeholder: "N", default: 100 }),
  file,
  "0": boolFlag({ help: "lines end in NUL, as find -print0 writes them" }),
  "invoke-retries": invokeRetries,
  ...runFlags,
  report,
  progress: choiceFlag({
    help: "how far the run is, on stderr: as a bar, or a line now and then",
    default: "auto",
  }, progressModes),
} as const;

const DEFAULT_LISTEN: ListenAddress = { hostname: "127.0.0.1", port: 3001 };

/** The flags of `llama local`. */
export const localFlags = {
  // The port of `sam local start-lambda`, so that what talks to the one finds the other.
  listen: valueFlag({
    help: "where to listen, on loopback only; port 0 takes a free one (default 127.0.0.1:3001)",
    placeholder: "127.0.0.1:PORT",
    default: DEFAULT_LISTEN,
  }, parseListenAddress),
  concurrency: intFlag({
    help: "invocations at once (default: one a processor)",
    placeholder: "N",
  }),
} as const;

/** `llama invoke`, without what it does. */
export const invokeCommand: Command<typeof invokeFlags> = {
  name: "invoke",
  summary: "run a function's command once",
  usage: "FUNCTION ARGS...",
  group: "Run",
  details: `Runs the command of FUNCTION with ARGS. Its output goes to stdout and stderr,
and its exit status is llama's.

ARGS are Go templates: {{.I "a.png"}} sends a file and stands for its path
there, {{.O "b.png"}} fetches one, {{.IO "c.png"}} does both.`,
  examples: invokeExamples,
  flags: invokeFlags,
  validate: (values, args) =>
    noFunction(args) ?? notNegative("invoke-retries", values["invoke-retries"]) ??
      badMapping("file", values.file) ?? badMapping("output", values.output),
};

/** `llama xargs`, without what it does. */
export const xargsCommand: Command<typeof xargsFlags> = {
  name: "xargs",
  summary: "run a function's command for each line of standard input",
  usage: "FUNCTION ARGS... < LINES",
  group: "Run",
  details: `Runs the command of FUNCTION once for each line of standard input, many at once.

ARGS are Go templates: {{.Line}} is the line and {{.Idx}} its number, from 0.
{{.I .Line}} sends the file of that name and stands for its path there,
{{.O PATH}} fetches a file, {{.IO PATH}} does both, and {{.AsFile TEXT}} makes a
file of a text. The lines may also follow the arguments, after a :::.

The first ctrl-C starts no more jobs and waits for those in flight; the second
drops them. With -joblog FILE, a run that was cut short goes on with -resume.`,
  examples: xargsExamples,
  flags: xargsFlags,
  validate: (values, args) =>
    noFunction(splitInput(args).command) ?? atLeastOne("j", values.j) ??
      notNegative("invoke-retries", values["invoke-retries"]) ??
      badMapping("file", values.file) ?? validateRun(values, args),
};

/** `llama local`, without what it does. */
export const localCommand: Command<typeof localFlags> = {
  name: "local",
  summary: "serve Lambda's Invoke API on this machine",
  usage: "",
  group: "On this machine",
  details: `Runs functions on this machine and answers Lambda's Invoke API for them until
interrupted. The functions are those of the global flags -functions and
-function.`,
  examples: [
    {
      text: "serve the functions of a folder",
      command: "llama -functions images local -listen 127.0.0.1:3001",
    },
  ],
  flags: localFlags,
  validate(values, args) {
    const [arg] = args;
    if (arg !== undefined) return { message: `local takes no arguments: ${quote(arg)}` };
    return atLeastOne("concurrency", values.concurrency);
  },
};

function noFunction(args: readonly string[]): UsageProblem | undefined {
  return args[0] ? undefined : { message: "no function name" };
}

function atLeastOne(flag: string, value: number | undefined): UsageProblem | undefined {
  if (value === undefined || value >= 1) return undefined;
  return {
    message: `-${flag} must be at least 1: current value is ${value}`,
    hint: `write -${flag} 1 for one at a time`,
  };
}

function notNegative(flag: string, value: number): UsageProblem | undefined {
  if (value >= 0) return undefined;
  return {
    message: `-${flag} must not be negative: current value is ${value}`,
    hint: `write -${flag} 0 for none`,
  };
}

function badMapping(flag: string, mappings: readonly FileMapping[]): UsageProblem | undefined {
  for (const { local, remote } of mappings) {
    if (local === "" || remote === "") {
      return {
        message: local === ""
          ? `-${flag}: empty path`
          : `-${flag}: empty remote path: ${quote(`${local}:`)}`,
        hint: `write -${flag} LOCAL or -${flag} LOCAL:REMOTE`,
      };
    }
    if (flag === "output" && local.endsWith("/") && !remote.endsWith("/")) {
      return {
        message: `-output: ${quote(local)} is a directory, and ${quote(remote)} a file`,
        hint: `write -output ${local}:${remote}/ to fetch all that is below it`,
      };
    }
    const clean = posix.normalize(remote);
    if (/^\.\.(\/|$)/.test(clean)) {
      return {
        message: `-${flag}: remote path outside the job's directory: ${quote(remote)}`,
        hint: OUTSIDE_HINT,
      };
    }
  }
  return undefined;
}
