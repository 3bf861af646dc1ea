/**
 * `llama config` shows and changes llama's settings.
 *
 * @module
 */

import { isSettingName, type SettingName, settingNames } from "../settings.ts";
import {
  checkSettings,
  ofNamedStack,
  readSettings,
  settingInForce,
  settingsPath,
  writeSettings,
} from "../deploy/settings_file.ts";
import { shellQuote } from "../text/shell_quote.ts";
import { runnable } from "../cli/command.ts";
import type { CommandContext } from "./context.ts";
import { exitCodes } from "../cli/exit_status.ts";
import { configCommand } from "./spec/setup.ts";

const names = Object.keys(settingNames).filter(isSettingName);

/** The `config` command. */
export const config = runnable(
  configCommand,
  async ({ shell, unset }, [name, value], context: CommandContext): Promise<number> => {
    const { environment, output } = context;
    if (name !== undefined && isSettingName(name)) {
      if (unset || value !== undefined) return await set(context, name, value);
      const file = ofNamedStack(await readSettings(environment), environment);
      const found = settingInForce(name, file, environment);
      if (found) {
        await output.data(`${found.value}\n`);
        return exitCodes.ok;
      }
      await output.message(`${name} is not set`);
      return exitCodes.no;
    }
    const settings = ofNamedStack(await readSettings(environment), environment);
    for (const each of names) {
      const found = settingInForce(each, settings, environment);
      const [variable] = settingNames[each].variables;
      if (!found) continue;
      await output.data(
        shell
          ? `export ${variable}=${shellQuote([found.value])}\n`
          : `${each.padEnd(12)}${found.value}${found.isFile ? "" : ` (${found.from})`}\n`,
      );
    }
    if (!shell && names.every((each) => !settingInForce(each, settings, environment))) {
      await output.message(`nothing is set in ${settingsPath(environment)}`);
      await output.message("hint: `llama bootstrap` sets llama up in AWS");
    }
    return exitCodes.ok;
  },
);

async function set(
  { environment, output }: CommandContext,
  name: SettingName,
  value: string | undefined,
): Promise<number> {
  // The new value is checked by itself, so that an error in it is not reported as the file's.
  if (value !== undefined) checkSettings({ [name]: value }, "llama config");
  const settings = { ...await readSettings(environment), [name]: value };
  const path = await writeSettings(environment, settings);
  await output.message(`${name} ${value === undefined ? "is no longer" : "is"} set in ${path}`);
  const inForce = settingInForce(name, settings, environment);
  if (inForce && !inForce.isFile && inForce.value !== value) {
    await output.message(`the environment variable ${inForce.from} overrides it: ${inForce.value}`);
  }
  return exitCodes.ok;
}
