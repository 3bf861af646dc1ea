/**
 * `~/.llama/config.json`, in which `llama bootstrap` records what the other commands need.
 *
 * @module
 */

import { dirname, join } from "node:path";
import type { Environment } from "../environment.ts";
import { isMissing, LlamaError, reasonOf } from "../errors.ts";
import { writeWhole } from "../files/whole.ts";
import {
  isSettingName,
  preferencesOf,
  settingHint,
  type SettingName,
  settingNames,
  type Settings,
} from "../settings.ts";

/**
 * Returns the path of the settings file.
 *
 * @param environment `LLAMA_DIR` names the directory; otherwise it is `.llama` in `HOME`.
 * @returns The path.
 * @throws {LlamaError} `config` if neither variable is set.
 */
export function settingsPath(environment: Environment): string {
  const { LLAMA_DIR: directory, HOME: home } = environment;
  if (directory) return join(directory, "config.json");
  if (home) return join(home, ".llama", "config.json");
  throw new LlamaError("config", "cannot locate llama's settings: HOME is not set", {
    hint: "set LLAMA_DIR to a directory of your own",
  });
}

/**
 * Reads the settings.
 *
 * @param environment Determines the file's path.
 * @returns The settings; empty if there is no file.
 * @throws {LlamaError} `config`, naming the file and the problem.
 */
export async function readSettings(environment: Environment): Promise<Settings> {
  // Without HOME there is no file, but the environment may define all settings.
  if (!environment["LLAMA_DIR"] && !environment["HOME"]) return {};
  const path = settingsPath(environment);
  let json;
  try {
    json = await Deno.readTextFile(path);
  } catch (cause) {
    if (isMissing(cause)) return {};
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

const repair = "fix the file, or remove it and run `llama bootstrap` to write it again";

/**
 * Checks settings.
 *
 * @param value The value to check.
 * @param from Its source, for messages.
 * @returns The settings.
 * @throws {LlamaError} `config`, naming the invalid setting.
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
 * Writes the settings atomically.
 *
 * @param environment Determines the file's path.
 * @param settings All settings.
 * @returns The file's path.
 * @throws {LlamaError} `config` if a setting is invalid, `output` if the file cannot be written.
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
 * Checks that the settings can be written, before any resource is created.
 *
 * @param environment Determines the file's path.
 * @throws {LlamaError} `config` if the path cannot be determined, `output` if the file cannot be
 * written.
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
 * Drops the settings that belong to a stack other than the one that the environment names: with the
 * role and store of one stack, a function of the other would depend on both.
 *
 * @param settings The settings in the file.
 * @param environment `LLAMA_STACK` may name another stack.
 * @returns The settings that are valid for the named stack.
 */
export function ofNamedStack(settings: Settings, environment: Environment): Settings {
  const { region, stack } = settings;
  const named = environment["LLAMA_STACK"];
  if (!named || stack === undefined || named === stack) return settings;
  return { region, stack, ...preferencesOf(settings) };
}

/** A setting's value and its source. */
export interface Setting {
  /** Its value. */
  readonly value: string;
  /** The environment variable or the file that it is from. */
  readonly from: string;
  /** Whether it is from the file. */
  readonly isFile: boolean;
}

/**
 * Returns the effective value of a setting: the environment overrides the file.
 *
 * @param name The setting.
 * @param settings The settings in the file.
 * @param environment The environment variables.
 * @returns The setting, or undefined if it is not set.
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
 * Returns the effective values of all settings.
 *
 * @param settings The settings in the file.
 * @param environment The environment variables, which override the file. With another stack in
 * `LLAMA_STACK`, only the file's region is used.
 * @returns The settings.
 */
export function inForce(settings: Settings, environment: Environment): Settings {
  const valid = ofNamedStack(settings, environment);
  return Object.fromEntries(
    Object.keys(settingNames).filter(isSettingName)
      .map((name) => [name, settingInForce(name, valid, environment)?.value]),
  );
}
