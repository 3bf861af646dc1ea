/**
 * Credentials that a program prints.
 *
 * @module
 */

import type { Environment } from "../../environment.ts";
import { LlamaError, messageOf, reasonOf } from "../../errors.ts";
import { printable } from "../../text/printable.ts";
import { credentialsIn, fieldsIn, quotable } from "./credential_json.ts";
import type { Credentials } from "./keys.ts";
import { splitWords } from "./ini.ts";

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
  const fields = fieldsIn(output.stdout);
  if (fields === undefined) throw refuse("did not print JSON");
  const version = fields.get("Version");
  if (version !== 1) {
    const known = typeof version === "number" ? version : "unknown";
    throw refuse(`printed credentials of version ${known}, not 1`);
  }
  return credentialsIn(fields, {
    token: "SessionToken",
    isTemporary: false,
    refuse: (why) => refuse(`printed credentials ${why}`),
  });
}

async function run(
  program: string,
  args: string[],
  environment: Environment,
): Promise<Deno.CommandOutput> {
  const env = Object.entries(environment).filter((entry): entry is [string, string] =>
    entry[1] !== undefined
  );
  // Without llama's stdin, which holds jobs or a file.
  return await new Deno.Command(program, {
    args,
    clearEnv: true,
    env: Object.fromEntries(env),
    stdin: "null",
  }).output();
}

/** Returns what a program wrote to stderr, unless that looks like credentials. */
function quoted(stderr: string): string {
  if (stderr.trim() === "") return " and wrote nothing to stderr";
  const words = quotable(stderr);
  return words === undefined ? " and wrote credentials to stderr" : `: ${printable(words)}`;
}
