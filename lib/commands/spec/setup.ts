/**
 * The flags and the help of the commands that set llama up.
 *
 * @module
 */

import { isSettingName, settingHint, settingNames } from "../../settings.ts";
import { parseGrant } from "../../deploy/grants.ts";
import { LlamaError } from "../../errors.ts";
import { boolFlag, type Flag, FlagValueError, listFlag, stringFlag } from "../../cli/flags.ts";
import { quote } from "../../template/quote.ts";
import type { Command, UsageProblem } from "../../cli/command.ts";
import { entries } from "./entries.ts";
import { architectureFlag, examplesFor, noArguments, regionFlag, stackFlag } from "./shared.ts";

/** The flags of `llama bootstrap`. */
export const bootstrapFlags = {
  bucket: stringFlag({
    help: "bucket for the store: one of yours, or the name of a new one to create",
    placeholder: "NAME",
  }),
  region: regionFlag,
  arch: architectureFlag("architecture of the layer (default x86_64)"),
  runtime: stringFlag({
    help: "the compiled runtime or its zip (default: the one that comes with llama)",
    placeholder: "FILE",
  }),
  stack: stackFlag,
  read: grantFlag("let functions read an object, or all below a prefix; may be repeated"),
  write: grantFlag("let functions write an object, or all below a prefix; may be repeated"),
  revoke: grantFlag("undo an earlier -read or -write of the same URL; may be repeated"),
} as const;

function grantFlag(help: string): Flag<readonly string[]> {
  return listFlag({ help, placeholder: "s3://BUCKET/PREFIX/" }, (text) => {
    try {
      return parseGrant(text);
    } catch (error) {
      if (!(error instanceof LlamaError)) throw error;
      throw new FlagValueError(error.message, error.hint);
    }
  });
}

function wrongStack(name: string): UsageProblem | undefined {
  const { pattern, mustBe } = settingNames.stack;
  if (name === "" || pattern.test(name)) return undefined;
  return { message: `-stack: ${quote(name)} is not a stack name`, hint: `use ${mustBe}` };
}

/** The definition of `llama bootstrap`. */
export const bootstrapCommand: Command<typeof bootstrapFlags> = {
  ...entries.bootstrap,
  usage: "",
  details: `Creates a CloudFormation stack with a private bucket, whose objects expire after
31 days, a role for the functions and a repository for images; publishes the
runtime as a layer; and writes the names of all of these to
~/.llama/config.json for the other commands. The logs of functions expire after
14 days. Run it again to update everything, or with -arch arm64 to add the layer
for that architecture.`,
  examples: () => examplesFor("bootstrap"),
  flags: bootstrapFlags,
  validate({ bucket, stack }, args) {
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    if (bucket && !/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) {
      return {
        message: `-bucket: ${quote(bucket)} is not a bucket name`,
        hint: "use 3 to 63 lower-case letters, digits, - and .",
      };
    }
    return wrongStack(stack) ?? noArguments("bootstrap", args);
  },
};

/** The flags of `llama config`. */
export const configFlags = {
  shell: boolFlag({ help: "print `export` lines for a shell" }),
  unset: boolFlag({ help: "remove the setting NAME" }),
} as const;

const names = Object.keys(settingNames).filter(isSettingName);

/** The definition of `llama config`. */
export const configCommand: Command<typeof configFlags> = {
  ...entries.config,
  usage: "[NAME [VALUE]]",
  details: `Shows the settings in effect, or the setting NAME, or sets NAME to VALUE. llama
bootstrap writes them to ~/.llama/config.json; LLAMA_DIR names another
directory. An environment variable overrides the file:

${
    names.map((name) => {
      const { what, variables } = settingNames[name];
      return `  ${name.padEnd(12)}${what.padEnd(26)}${variables.join(", ")}`;
    }).join("\n")
  }`,
  examples: () => examplesFor("config"),
  flags: configFlags,
  validate({ shell, unset }, [name, value, extra]) {
    if (extra !== undefined) {
      return { message: `config takes one value: unexpected ${quote(extra)}` };
    }
    if (shell && unset) return { message: "-shell and -unset do not go together" };
    if (shell && name !== undefined) return { message: "config -shell takes no arguments" };
    if (unset && name === undefined) {
      return { message: "config -unset needs the name of a setting" };
    }
    if (unset && value !== undefined) return { message: "config -unset takes no value" };
    if (name !== undefined && !isSettingName(name)) {
      return { message: `there is no setting ${quote(name)}`, hint: settingHint(name) };
    }
    return undefined;
  },
};

/** The definition of `llama doctor`. */
export const doctorCommand: Command<Record<never, never>> = {
  ...entries.doctor,
  usage: "",
  details: `Checks settings, region, credentials, clock, stack, object store, role,
repository, layer, the account's concurrency and each function, and marks each
with a tick or a cross. Exits with status 1 if there is a cross. It writes one
small object to the store.`,
  flags: {},
  validate: (_values, args) => noArguments("doctor", args),
};

/** The flags of `llama teardown`. */
export const teardownFlags = {
  yes: boolFlag({ help: "do not ask" }),
  region: regionFlag,
  stack: stackFlag,
} as const;

/** The definition of `llama teardown`. */
export const teardownCommand: Command<typeof teardownFlags> = {
  ...entries.teardown,
  usage: "",
  details: `Removes the functions in llama's stack with their logs, its layers, the objects
in its store, and the stack that llama bootstrap created: bucket, role, and
repository with its images. It asks first. A bucket that was yours before, or
that contains anything else, is kept.`,
  examples: () => examplesFor("teardown"),
  flags: teardownFlags,
  validate: ({ stack }, args) => wrongStack(stack) ?? noArguments("teardown", args),
};
