/**
 * Credentials that a program prints.
 *
 * @module
 */

import type { Environment } from "../environment.ts";
import { LlamaError, messageOf, reasonOf } from "../errors.ts";
import { printable } from "../text/printable.ts";
import type { Credentials } from "./credentials.ts";
import { splitWords } from "./ini.ts";

/** The most characters of a program's stderr that a message quotes. */
const maxWords = 500;

/**
 * Runs a profile's `credential_process`: a program and its arguments, without a shell.
 *
 * @param command The command as the profile has it.
 * @param from The profile, for messages.
 * @param environment The program's environment variables.
 * @returns The credentials that it printed.
 * @throws {LlamaError} `credentials` if it failed, with what it wrote to stderr; never with its
 * arguments or what it printed, which may be secret.
 */
export async function runCredentialProcess(
  command: string,
  from: string,
  environment: Environment,
): Promise<Credentials> {
  const refuse = (why: string, cause?: unknown) =>
    new LlamaError(
      "credentials",
      `no AWS credentials from ${from}: its credential_process ${why}`,
      {
        cause,
      },
    );
  let words: string[];
  try {
    words = splitWords(command);
  } catch (cause) {
    throw refuse(`is not a command: ${messageOf(cause)}`, cause);
  }
  const [program, ...args] = words;
  if (!program) throw refuse("is empty");
  const output = await run(program, args, environment).catch((cause) => {
    throw refuse(`${JSON.stringify(program)} cannot be started: ${reasonOf(cause)}`, cause);
  });
  const stderr = new TextDecoder().decode(output.stderr);
  if (!output.success) throw refuse(`ended with status ${output.code}${quoted(stderr)}`);
  let printed: unknown;
  try {
    printed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(output.stdout));
  } catch {
    // The error's own message quotes what was printed.
    throw refuse("did not print JSON");
  }
  const fields = new Map<string, unknown>(Object.entries(Object(printed)));
  if (fields.get("Version") !== 1) {
    throw refuse(`printed credentials of version ${version(fields.get("Version"))}, not 1`);
  }
  const text = (name: string): string => {
    const value = fields.get(name);
    if (typeof value === "string" && value !== "") return value;
    throw refuse(`printed credentials without ${name}`);
  };
  const optional = (name: string) => fields.get(name) == null ? undefined : text(name);
  const expiry = optional("Expiration");
  const expiration = expiry === undefined ? undefined : Date.parse(expiry);
  if (Number.isNaN(expiration)) throw refuse("printed an Expiration that is not a time");
  return {
    accessKeyId: text("AccessKeyId"),
    secretAccessKey: text("SecretAccessKey"),
    sessionToken: optional("SessionToken"),
    expiration,
  };
}

async function run(
  program: string,
  args: string[],
  environment: Environment,
): Promise<Deno.CommandOutput> {
  const env = Object.entries(environment).filter((entry): entry is [string, string] =>
    entry[1] !== undefined
  );
  // llama's own stdin holds jobs or a file.
  return await new Deno.Command(program, {
    args,
    clearEnv: true,
    env: Object.fromEntries(env),
    stdin: "null",
  }).output();
}

function version(value: unknown): string {
  return typeof value === "number" ? String(value) : "unknown";
}

/** What a program wrote to stderr, unless that looks like credentials. */
function quoted(stderr: string): string {
  const words = printable(stderr.trim()).replace(/\s*\n\s*/g, "; ").slice(-maxWords);
  if (words === "") return ", and said nothing";
  return /SecretAccessKey|SessionToken/i.test(stderr)
    ? ", and wrote credentials to stderr"
    : `: ${words}`;
}
