/**
 * `llama functions` lists llama's functions in AWS.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import type { DeployedFunction } from "../aws/api/lambda_types.ts";
import { mapConcurrently } from "../async/concurrency.ts";
import { findOurs, listOurs } from "../deploy/owned_functions.ts";
import { llamaTag } from "../deploy/stack_template.ts";
import { LlamaError } from "../errors.ts";
import type { ImageContents } from "../image/labels.ts";
import { printableLine } from "../text/printable.ts";
import { tableText } from "../text/table.ts";
import { runnable } from "../cli/command.ts";
import { type CommandContext, openAws } from "./context.ts";
import { exitCodes } from "../cli/exit_status.ts";
import { functionsCommand } from "./spec/functions.ts";
import { reportError } from "./messages.ts";

/** The `functions` command. */
export const functions = runnable(
  functionsCommand,
  async (_values, [name], context: CommandContext): Promise<number> => {
    if (name !== undefined) return await showOne(name, context);
    const { output, signal } = context;
    const { client } = await openAws(context);
    const found = await listOurs(client, signal);
    if (found.length === 0) {
      const { region } = await client.location();
      await output.message(`no llama functions in ${region}`);
      await output.message("hint: `llama update-function -create` creates one");
      return exitCodes.ok;
    }
    const contents = await contentsOf(found, context, client);
    const rows = found.map((each) => [
      each.name,
      each.kind,
      `${each.memory} MB`,
      `${each.timeout} s`,
      each.architecture,
      each.update === "Successful" ? each.state : `${each.state}, update ${each.update}`,
      each.lastModified.slice(0, 16),
      each.tags[llamaTag] || "-",
      ...contents === undefined ? [] : [contents.get(each.name) ?? "-"],
    ]);
    await output.text(tableText([
      [
        ...["NAME", "KIND", "MEMORY", "TIMEOUT", "ARCHITECTURE", "STATE", "CHANGED", "STACK"],
        ...contents === undefined ? [] : ["CONTENTS"],
      ],
      ...rows.map((row) => row.map(printableLine)),
    ]));
    return exitCodes.ok;
  },
);

/** Prints all that is known of what is in one function's image. */
async function showOne(name: string, context: CommandContext): Promise<number> {
  const { environment, output, signal } = context;
  const { client, settings } = await openAws(context);
  const found = await findOurs(client, name, settings, signal);
  if (!found) {
    const { region } = await client.location();
    throw new LlamaError("no-such-function", `no function ${JSON.stringify(name)} in ${region}`, {
      hint: "`llama functions` shows those there are",
    });
  }
  const { imageState } = await import("../image/contents.ts");
  const state = await imageState(found, client, environment, signal);
  const lines = [`function  ${name}`, `kind      ${found.kind}`];
  if (state) lines.push(`image     ${found.image}`);
  const { contents } = state ?? {};
  if (contents) {
    lines.push(
      `stack     ${contents.stack}`,
      `runtime   ${contents.runtime}`,
      ...contents.programs.map(({ path }) => `program   ${path}`),
      ...contents.packages.map(({ name, version }) => `package   ${name} ${version}`),
    );
  }
  await output.data(lines.map((line) => printableLine(line) + "\n").join(""));
  if (state && !state.isThere) await output.message("the registry no longer has this image");
  return exitCodes.ok;
}

/** Registries answer a few questions at once. */
const lookupsAtOnce = 4;

/**
 * What is in the images of functions, in a few words; undefined where none was made of programs. A
 * registry that cannot be asked leaves the rest of the list as it is.
 */
async function contentsOf(
  found: readonly DeployedFunction[],
  { environment, output, signal }: CommandContext,
  client: AwsClient,
): Promise<Map<string, string> | undefined> {
  const images = found.filter(({ image }) => image !== undefined);
  if (images.length === 0) return undefined;
  const { imageState } = await import("../image/contents.ts");
  const contents = new Map<string, string>();
  await mapConcurrently(images, lookupsAtOnce, async (each) => {
    try {
      const state = await imageState(each, client, environment, signal);
      if (state?.contents) contents.set(each.name, contentsText(state.contents));
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof LlamaError)) throw error;
      await reportError(output, error, `${each.name}: `);
      contents.set(each.name, "?");
    }
  }, signal);
  return contents.size === 0 ? undefined : contents;
}

function contentsText({ programs, packages }: ImageContents): string {
  const named = programs.map(({ path, package: owner }) => {
    const version = packages.find(({ name }) => name === owner)?.version;
    return version === undefined ? path : `${path} (${owner} ${version})`;
  });
  const count = packages.length === 1 ? "1 package" : `${packages.length} packages`;
  return printableLine([...named, count].join(", "));
}
