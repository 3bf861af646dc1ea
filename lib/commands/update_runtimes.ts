/**
 * `llama update-function` without changes: moves functions to this llama's version of the layer.
 *
 * @module
 */

import type { DeployedFunction } from "../aws/api/lambda_types.ts";
import { mapConcurrently } from "../async/concurrency.ts";
import type { FunctionWork } from "../deploy/function.ts";
import { belongsTo, listOurs } from "../deploy/owned_functions.ts";
import { pause } from "../deploy/pause.ts";
import { rebuilding, RuntimeLayers, updateRuntime } from "../deploy/runtime_update.ts";
import { defaultStackName } from "../deploy/stack_template.ts";
import { LlamaError } from "../errors.ts";
import type { Aws, CommandContext } from "./context.ts";
import { exitCodes } from "../cli/exit_status.ts";
import { reportError } from "./messages.ts";

/** A change takes Lambda only seconds, and a higher concurrency runs into its API rate limits. */
const functionsAtOnce = 4;

/**
 * Moves one function to this llama's version of the layer.
 *
 * @param context The output and the signal.
 * @param aws The connection and the settings.
 * @param found The function as it is.
 * @throws {LlamaError} As `updateRuntime`.
 */
export async function updateOneRuntime(
  context: CommandContext,
  aws: Aws,
  found: DeployedFunction,
): Promise<void> {
  await update(context, aws, new RuntimeLayers(aws.client, aws.settings, context.signal), found);
}

/**
 * Moves all functions of the stack to this llama's version of the layer. A failure of one does not
 * stop the others.
 *
 * @param context The output and the signal.
 * @param aws The connection and the settings.
 * @returns The exit status.
 * @throws {LlamaError} As `listOurs`.
 */
export async function updateAllRuntimes(context: CommandContext, aws: Aws): Promise<number> {
  const { output, signal } = context;
  const { client, settings } = aws;
  const functions = (await listOurs(client, signal)).filter((each) => belongsTo(each, settings));
  if (functions.length === 0) {
    const { stack = defaultStackName } = settings;
    const { region } = await client.location();
    await output.message(`the stack ${stack} has no functions in ${region}`);
  }
  const layers = new RuntimeLayers(client, settings, signal);
  const isDone = await mapConcurrently(functions, functionsAtOnce, async (found) => {
    if (found.kind === "image") {
      await output.message(`${found.name} is an image, which contains the runtime`);
      await output.message(`hint: ${rebuilding(found.name)}`);
      return true;
    }
    try {
      await update(context, aws, layers, found);
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof LlamaError)) throw error;
      await reportError(output, error);
      return false;
    }
  }, signal);
  return isDone.every(Boolean) ? exitCodes.ok : exitCodes.failed;
}

async function update(
  { output, signal }: CommandContext,
  { client, settings: { stack = defaultStackName } }: Aws,
  layers: RuntimeLayers,
  found: DeployedFunction,
): Promise<void> {
  const work: FunctionWork = {
    client,
    pause,
    onWait: (what) => void output.message(what),
    signal,
  };
  const changes = await updateRuntime(work, layers, found, stack);
  await output.line(
    changes.length === 0
      ? `${found.name} is up to date: nothing changed`
      : `updated ${found.name}: ${changes.join("; ")}`,
  );
}
