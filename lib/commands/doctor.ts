/**
 * `llama doctor` checks llama's setup and suggests fixes.
 *
 * @module
 */

import { examine, type Finding } from "../deploy/doctor.ts";
import { readSettings, settingsPath } from "../deploy/settings_file.ts";
import type { Environment } from "../environment.ts";
import { LlamaError } from "../errors.ts";
import type { Output } from "../terminal/output.ts";
import { runnable } from "../cli/command.ts";
import { type CommandContext, openAws, openStore } from "./context.ts";
import { exitCodes } from "../cli/exit_status.ts";
import { doctorCommand } from "./spec/setup.ts";

/** The `doctor` command. */
export const doctor = runnable(
  doctorCommand,
  async (_values, _args, context: CommandContext): Promise<number> => {
    const { output, environment, signal } = context;
    const file = await examineSettings(environment);
    await show(output, file);
    const isFileBroken = !file.isGood;
    const { client, settings } = await openAws(context, undefined, isFileBroken ? {} : undefined);
    let isAllGood = !isFileBroken;
    const findings = examine({
      client,
      settings,
      isFileBroken,
      openStore: (url) => openStore(context, client, url, settings.bucketOwner),
      imageState: async (found) => {
        const { imageState } = await import("../image/contents.ts");
        return await imageState(found, client, environment, signal);
      },
      now: () => new Date(),
      signal,
    });
    let next = await findings.next();
    for (; !next.done; next = await findings.next()) {
      await show(output, next.value);
      isAllGood &&= next.value.isGood;
    }
    for (const [need, subjects] of next.value) {
      await output.line(`- not checked (needs ${need}): ${subjects.join(", ")}`);
    }
    return isAllGood ? exitCodes.ok : exitCodes.no;
  },
);

async function examineSettings(environment: Environment): Promise<Finding> {
  const subject = "settings";
  try {
    const settings = await readSettings(environment);
    const words = Object.keys(settings).length === 0 ? "nothing is set in " : "";
    return { subject, isGood: true, words: words + settingsPath(environment) };
  } catch (error) {
    if (!(error instanceof LlamaError)) throw error;
    return { subject, isGood: false, words: error.message, hint: error.hint };
  }
}

async function show(output: Output, { subject, isGood, words, hint }: Finding): Promise<void> {
  await output.line(`${isGood ? "✓" : "✗"} ${subject}: ${words}`);
  if (hint !== undefined) await output.line(`  ${hint}`);
}
