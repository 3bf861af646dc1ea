/**
 * `~/.llama/config.json`: what `llama bootstrap` made, for the commands that come after it.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { closest } from "../closest.ts";
import type { Environment } from "../environment.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import { writeWhole } from "../files.ts";

/** What the file may say. What it does not say is absent. */
export interface Settings {
  /** The AWS region that llama was set up in. */
  readonly region?: string | undefined;
  /** The object store's URL. */
  readonly store?: string | undefined;
  /** The ARN of the role that functions run as. */
  readonly role?: string | undefined;
  /** The ARN of the runtime's layer version for x86_64. */
  readonly layer?: string | undefined;
  /** The ARN of the runtime's layer version for arm64. */
  readonly layerArm64?: string | undefined;
  /** The URI of the ECR repository that images are pushed to, without a tag. */
  readonly repository?: string | undefined;
  /** The name of the CloudFormation stack that all of it belongs to. */
  readonly stack?: string | undefined;
}

/** The name of a setting. */
export type SettingName = keyof Settings;

/** What is known of a setting. */
interface SettingDescription {
  /** What it is, in a few words. */
  readonly what: string;
  /** The environment variables that win over it. */
  readonly variables: readonly string[];
  /** What its value looks like. */
  readonly pattern: RegExp;
  /** The same in words. */
  readonly mustBe: string;
}

const layerVersion = {
  pattern: /^arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:layer:[\w-]+:\d+$/,
  mustBe: "a layer version's ARN, with its number",
};

/** What settings there are. */
export const settingNames: Readonly<Record<SettingName, SettingDescription>> = {
  region: {
    what: "AWS region",
    variables: ["AWS_REGION", "AWS_DEFAULT_REGION"],
    pattern: /^[a-z]{2,4}(-[a-z]+)+-\d+$/,
    mustBe: "an AWS region, such as us-west-2",
  },
  store: {
    what: "object store",
    variables: ["LLAMA_OBJECT_STORE"],
    pattern: /^(s3|file):\/\/./,
    mustBe: "s3://BUCKET/PREFIX/ or file:///DIRECTORY",
  },
  role: {
    what: "role of the functions",
    variables: ["LLAMA_ROLE"],
    pattern: /^arn:[a-z-]+:iam::\d{12}:role\/./,
    mustBe: "a role's ARN",
  },
  layer: { what: "layer with the runtime", variables: ["LLAMA_LAYER"], ...layerVersion },
  layerArm64: { what: "the same for arm64", variables: ["LLAMA_LAYER_ARM64"], ...layerVersion },
  repository: {
    what: "ECR repository for images",
    variables: ["LLAMA_REPOSITORY"],
    pattern: /^[\w.:-]+(\/[a-z0-9._-]+)+$/,
    mustBe: "a repository's URI, without a tag",
  },
  stack: {
    what: "CloudFormation stack",
    variables: ["LLAMA_STACK"],
    // CloudFormation takes 128, but the layer, which is called after it, may have 140 with its end.
    pattern: /^[A-Za-z][A-Za-z0-9-]{0,99}$/,
    mustBe: "1 to 100 letters, digits and -, a letter first",
  },
};

/**
 * Whether a word names a setting.
 *
 * @param name The word.
 * @returns True if it does.
 */
export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(settingNames, name);
}

/**
 * What was meant by a name that no setting has.
 *
 * @param name The name as written.
 * @returns A hint.
 */
export function settingHint(name: string): string {
  const names = Object.keys(settingNames);
  const near = closest(name, names);
  return near === undefined ? `the settings are ${names.join(", ")}` : `did you mean ${near}?`;
}

/**
 * Where the settings are.
 *
 * @param environment `LLAMA_DIR` names the directory; otherwise it is `.llama` of the home.
 * @returns The file's path.
 * @throws {LlamaError} `config` if there is no home either.
 */
export function settingsPath(environment: Environment): string {
  const { LLAMA_DIR: directory, HOME: home } = environment;
  if (directory) return join(directory, "config.json");
  if (home) return join(home, ".llama", "config.json");
  throw new LlamaError("config", "no place for llama's settings: HOME is not set", {
    hint: "set LLAMA_DIR to a directory of your own",
  });
}

/**
 * Reads the settings.
 *
 * @param environment Says where they are.
 * @returns What the file says; nothing where there is no file.
 * @throws {LlamaError} `config`, naming the file and what is wrong with it.
 */
export async function readSettings(environment: Environment): Promise<Settings> {
  // Without a home there is no file either, and the environment may have all that is needed.
  if (!environment["LLAMA_DIR"] && !environment["HOME"]) return {};
  const path = settingsPath(environment);
  let json;
  try {
    json = await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory) {
      return {};
    }
    throw new LlamaError("config", `cannot read ${path}: ${reasonOf(cause)}`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new LlamaError("config", `${path} is not JSON`, { cause, hint: repair });
  }
  return checkSettings(value, path);
}

const repair = "mend the file, or remove it and run `llama bootstrap` again, which writes it";

/**
 * Checks settings.
 *
 * @param value What may be settings.
 * @param from Where it is from, for messages.
 * @returns The settings.
 * @throws {LlamaError} `config`, naming the setting that is wrong.
 */
export function checkSettings(value: unknown, from: string): Settings {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new LlamaError("config", `${from} must be an object of settings`, { hint: repair });
  }
  const settings: { -readonly [Name in SettingName]?: string } = {};
  for (const [name, text] of Object.entries(value)) {
    if (!isSettingName(name)) {
      throw new LlamaError("config", `${from}: unknown setting ${JSON.stringify(name)}`, {
        hint: settingHint(name),
      });
    }
    const { pattern, mustBe } = settingNames[name];
    if (text === undefined) continue;
    if (typeof text !== "string" || !pattern.test(text)) {
      throw new LlamaError("config", `${from}: ${name}: must be ${mustBe}`);
    }
    settings[name] = text;
  }
  return settings;
}

/**
 * Writes the settings; the file is whole at any time.
 *
 * @param environment Says where they are.
 * @param settings All settings.
 * @returns The file's path.
 * @throws {LlamaError} `config` if a setting makes no sense, `output` if the file cannot be written.
 */
export async function writeSettings(environment: Environment, settings: Settings): Promise<string> {
  const path = settingsPath(environment);
  const json = JSON.stringify(checkSettings(settings, path), undefined, 2);
  try {
    await writeWhole(path, (temporary) => Deno.writeTextFile(temporary, `${json}\n`), 0o644);
  } catch (cause) {
    throw new LlamaError("output", `cannot write ${path}: ${reasonOf(cause)}`, { cause });
  }
  return path;
}

/**
 * Checks that the settings can be written, before anything is created that they are to name.
 *
 * @param environment Says where they are.
 * @throws {LlamaError} `config` if there is nowhere to put them, `output` if they cannot be written.
 */
export async function checkWritable(environment: Environment): Promise<void> {
  const path = settingsPath(environment);
  const dir = dirname(path);
  try {
    await Deno.mkdir(dir, { recursive: true });
    await Deno.remove(await Deno.makeTempFile({ dir, prefix: ".config-" }));
  } catch (cause) {
    throw new LlamaError("output", `cannot write ${path}: ${reasonOf(cause)}`, {
      cause,
      hint: "set LLAMA_DIR to a directory of your own",
    });
  }
}

/**
 * Leaves out what belongs to another stack than the one that the environment names: with that
 * stack's role and store, functions would end up between two stacks.
 *
 * @param settings What the file says.
 * @param environment `LLAMA_STACK` may name another stack.
 * @returns The settings that are valid for the named stack.
 */
export function ofNamedStack(settings: Settings, environment: Environment): Settings {
  const { region, stack } = settings;
  const named = environment["LLAMA_STACK"];
  if (!named || stack === undefined || named === stack) return settings;
  return { region, stack };
}

/** A setting with where it is from. */
export interface Setting {
  /** Its value. */
  readonly value: string;
  /** The environment variable that has it, or the file. */
  readonly from: string;
  /** Whether it is from the file. */
  readonly isFile: boolean;
}

/**
 * One setting as it is in force: the environment wins over the file.
 *
 * @param name Which.
 * @param settings What the file says.
 * @param environment The environment variables.
 * @returns The setting, or undefined if neither has it.
 */
export function settingInForce(
  name: SettingName,
  settings: Settings,
  environment: Environment,
): Setting | undefined {
  for (const variable of settingNames[name].variables) {
    const value = environment[variable];
    if (value) return { value, from: variable, isFile: false };
  }
  const value = settings[name];
  if (value === undefined) return undefined;
  return { value, from: settingsPath(environment), isFile: true };
}

/**
 * All settings as they are in force.
 *
 * @param settings What the file says.
 * @param environment The environment variables, which win over it. `LLAMA_STACK` also decides whether
 * the rest of the file is about the stack in question.
 * @returns The settings.
 */
export function inForce(settings: Settings, environment: Environment): Settings {
  const valid = ofNamedStack(settings, environment);
  return Object.fromEntries(
    Object.keys(settingNames).filter(isSettingName)
      .map((name) => [name, settingInForce(name, valid, environment)?.value]),
  );
}
