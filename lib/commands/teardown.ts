/**
 * `llama teardown` removes everything that llama has in AWS.
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import { callerIdentity } from "../aws/api/sts.ts";
import type { Stack } from "../aws/api/cloudformation.ts";
import {
  deleteLayerVersion,
  type LayerVersionState,
  listLayerVersions,
} from "../aws/api/lambda_layers.ts";
import type { AwsClient } from "../aws/client.ts";
import { deleteFunction } from "../aws/api/lambda_functions.ts";
import type { DeployedFunction } from "../aws/api/lambda_types.ts";
import { deleteLogGroup } from "../aws/api/logs.ts";
import { emptyBucket, otherUsersOf } from "../deploy/bucket.ts";
import { logGroupOf } from "../deploy/log_group.ts";
import { listOurs } from "../deploy/owned_functions.ts";
import { pause } from "../deploy/pause.ts";
import { layerName } from "../deploy/runtime_layer.ts";
import { preferencesOf, type Settings } from "../settings.ts";
import { readSettings, settingsPath, writeSettings } from "../deploy/settings_file.ts";
import { findStack, removeStack, type StackWork } from "../deploy/stack.ts";
import { defaultStackName, llamaTag, outputsOf, storeUrl } from "../deploy/stack_template.ts";
import { LlamaError } from "../errors.ts";
import { removeIfThere } from "../files/whole.ts";
import { bucketOwner } from "../store/bucket_owner.ts";
import { canAsk, confirm } from "../terminal/ask.ts";
import type { Output } from "../terminal/output.ts";
import { runnable } from "../cli/command.ts";
import { type CommandContext, openAws } from "./context.ts";
import { exitCodes } from "../cli/exit_status.ts";
import { showEvent } from "./messages.ts";
import { teardownCommand } from "./spec/setup.ts";

/** The resources to remove. */
interface Found {
  readonly name: string;
  readonly owner: string | undefined;
  readonly stack: Stack | undefined;
  readonly functions: readonly DeployedFunction[];
  readonly layers: readonly (LayerVersionState & { readonly name: string })[];
}

/** The `teardown` command. */
export const teardown = runnable(
  teardownCommand,
  async (values, _args, context: CommandContext): Promise<number> => {
    const { output, signal } = context;
    if (!values.yes && !canAsk()) {
      throw new LlamaError(
        "usage",
        "teardown asks for confirmation, and there is no terminal to ask on",
        {
          hint: "add -yes to remove everything without asking",
        },
      );
    }
    const { client, settings } = await openAws(context, values.region);
    const name = values.stack || settings.stack || defaultStackName;
    const { account } = await callerIdentity(client, signal);
    const { region } = await client.location();
    const work: StackWork = {
      client,
      pause,
      signal,
      onEvent: (event) => void showEvent(output, event),
    };
    const stack = await findStack(work, name);
    const functions = (await listOurs(client, signal)).filter(({ tags }) =>
      tags[llamaTag] === name
    );
    const layers = [];
    for (const architecture of ["x86_64", "arm64"] as const) {
      const layer = layerName(name, architecture);
      const versions = await listLayerVersions(client, layer, signal);
      layers.push(...versions.map((version) => ({ ...version, name: layer })));
    }
    const owner = bucketOwner(context.environment, account);
    const found = { name, owner, stack, functions, layers };
    if (!stack && functions.length === 0 && layers.length === 0) {
      await output.message(
        `no resources of the stack ${name} in account ${account}, region ${region}`,
      );
      await forget(context, found, region);
      return exitCodes.ok;
    }
    const question = `From account ${account}, region ${region}, remove ${listOf(found)}?`;
    if (!values.yes && !await confirm(question)) {
      await output.message("nothing was removed");
      return exitCodes.no;
    }
    try {
      await remove(context, work, found);
    } catch (error) {
      await output.message(
        "not everything was removed: run llama teardown again to remove the rest",
      );
      throw error;
    }
    await forget(context, found, region);
    return exitCodes.ok;
  },
);

function listOf({ name, stack, functions, layers }: Found): string {
  const outputs = stack && outputsOf(stack.outputs);
  const parts = [];
  if (functions.length > 0) {
    parts.push(`the functions ${functions.map((each) => each.name).join(", ")} with their logs`);
  }
  if (layers.length > 0) {
    parts.push(`${layers.length} version${layers.length === 1 ? "" : "s"} of llama's layer`);
  }
  if (outputs) parts.push(`llama's objects in the bucket ${outputs.bucket}`);
  if (stack) parts.push(`the stack ${name} with its role, repository and images`);
  return parts.join("; ");
}

async function remove(
  context: CommandContext,
  work: StackWork,
  found: Found,
): Promise<void> {
  const { output, signal } = context;
  const { owner, stack, functions, layers } = found;
  const { client } = work;
  for (const each of functions) {
    await deleteFunction(client, each.name, signal);
    await output.line(`deleted the function ${each.name}`);
    await removeLogs(output, client, each.name, signal);
    if (each.image !== undefined) await removeOtherImage(context, client, found, each);
  }
  for (const { name, version } of layers) {
    await deleteLayerVersion(client, name, version, signal);
    await output.line(`deleted the layer ${name}, version ${version}`);
  }
  if (!stack) return;
  // Objects first: CloudFormation only deletes an empty bucket.
  const outputs = outputsOf(stack.outputs);
  const users = outputs?.bucketKind === "own"
    ? await otherUsersOf(client, outputs.bucket, stack.name, signal)
    : [];
  const other = outputs && users.length === 0
    ? await emptyBucket(client, outputs.bucket, { owner, signal })
    : undefined;
  const isBucketLeft = await removeStack(work, stack);
  await output.line(`deleted the stack ${stack.name}`);
  if (outputs?.bucketKind === "own") {
    const also = users.length === 0
      ? ""
      : ` and whose objects are also used by: ${users.join(", ")}`;
    await output.message(`left: the bucket ${outputs.bucket}, which was yours before${also}`);
  } else if (isBucketLeft) {
    const what = other ?? "other versions of objects";
    await output.message(`left: the bucket ${outputs?.bucket}, which also holds ${what}`);
  }
}

/** The stack's repository goes with all that is in it; images elsewhere are removed one by one. */
async function removeOtherImage(
  { environment, output, signal }: CommandContext,
  client: AwsClient,
  { name, stack }: Found,
  found: DeployedFunction,
): Promise<void> {
  const repository = stack && outputsOf(stack.outputs)?.repository;
  if (repository !== undefined && found.image?.startsWith(repository)) return;
  try {
    const { removeImage } = await import("../image/remove.ts");
    const removed = await removeImage(found, {
      ...{ client, environment, repository, stack: name, signal },
      // All functions of the stack go, and images of other stacks have other labels.
      others: [],
    });
    if (removed !== undefined) await output.line(`deleted the image ${removed}`);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof LlamaError)) throw error;
    await output.message(`left: the image ${found.image}: ${error.message}`);
    if (error.hint !== undefined) await output.message(`hint: ${error.hint}`);
  }
}

/** Deletes a function's logs. A failure is reported, but does not stop the teardown. */
async function removeLogs(
  output: Output,
  client: AwsClient,
  functionName: string,
  signal: AbortSignal,
): Promise<void> {
  const group = logGroupOf(functionName);
  try {
    if (!await deleteLogGroup(client, group, signal)) return;
    await output.line(`deleted the log group ${group}`);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof LlamaError)) throw error;
    await output.message(`left: the log group ${group}: ${error.message}`);
    if (error.hint !== undefined) await output.message(`hint: ${error.hint}`);
  }
}

/** Removes the deleted resources from the settings. */
async function forget(
  { environment, output }: CommandContext,
  { name, stack, layers }: Found,
  region: string,
): Promise<void> {
  const settings = await readSettings(environment);
  if (settings.region !== region || (settings.stack ?? defaultStackName) !== name) return;
  // Resources created by hand still exist, except for the layers.
  const left = settings.stack === name
    ? { ...preferencesOf(settings), ...storeOfOneself(settings, stack) }
    : Object.fromEntries(
      Object.entries(settings).filter(([, value]) => !layers.some(({ arn }) => arn === value)),
    );
  if (isDeepStrictEqual(left, settings)) return;
  const path = settingsPath(environment);
  if (Object.keys(left).length > 0) await writeSettings(environment, left);
  else await removeIfThere(path);
  await output.message(`${path} no longer names the removed resources`);
}

/** Returns the store setting if the store is not in the stack's bucket. */
function storeOfOneself({ store }: Settings, stack: Stack | undefined): Settings {
  const outputs = stack && outputsOf(stack.outputs);
  return store === undefined || !outputs || store === storeUrl(outputs.bucket) ? {} : { store };
}
