/**
 * `llama teardown`: all that llama has in AWS, removed.
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import { callerIdentity } from "../aws/sts.ts";
import type { Stack } from "../aws/cloudformation.ts";
import {
  deleteLayerVersion,
  type LayerVersionState,
  listLayerVersions,
} from "../aws/lambda_account.ts";
import type { AwsClient } from "../aws/client.ts";
import { deleteFunction } from "../aws/lambda_control.ts";
import type { DeployedFunction } from "../aws/lambda_function.ts";
import { deleteLogGroup } from "../aws/logs.ts";
import { emptyBucket, otherUsersOf } from "../deploy/bucket.ts";
import { logGroupOf } from "../deploy/log_group.ts";
import { listOurs } from "../deploy/ours.ts";
import { pause } from "../deploy/pause.ts";
import { layerName } from "../deploy/runtime_layer.ts";
import { readSettings, type Settings, settingsPath, writeSettings } from "../deploy/settings.ts";
import { findStack, removeStack, type StackWork } from "../deploy/stack.ts";
import { defaultStackName, llamaTag, outputsOf, storeUrl } from "../deploy/template.ts";
import { LlamaError } from "../errors.ts";
import { removeIfThere } from "../files.ts";
import { bucketOwner } from "../store/bucket_owner.ts";
import { canAsk, confirm } from "../terminal/ask.ts";
import type { Output } from "../terminal/output.ts";
import { runnable } from "./command.ts";
import { type CommandContext, openAws } from "./context.ts";
import { exitCodes } from "./exit.ts";
import { showEvent } from "./report.ts";
import { teardownCommand } from "./setup_tables.ts";

/** What there is to remove. */
interface Found {
  readonly name: string;
  readonly owner: string | undefined;
  readonly stack: Stack | undefined;
  readonly functions: readonly DeployedFunction[];
  readonly layers: readonly (LayerVersionState & { readonly name: string })[];
}

/** The command, as data and with what it does. */
export const teardown = runnable(
  teardownCommand,
  async (values, _args, context: CommandContext): Promise<number> => {
    const { output, signal } = context;
    if (!values.yes && !canAsk()) {
      throw new LlamaError(
        "usage",
        "teardown asks before it removes anything, and nobody is there",
        {
          hint: "add -yes to remove all of it without being asked",
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
        `nothing of llama's stack ${name} is in account ${account}, region ${region}`,
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
      await output.message("not all of it is removed: run llama teardown again for the rest");
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
  if (outputs) parts.push(`what llama stored in the bucket ${outputs.bucket}`);
  if (stack) parts.push(`the stack ${name} with its role, and its repository and images`);
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
    await output.data(`deleted the function ${each.name}\n`);
    await removeLogs(output, client, each.name, signal);
    if (each.image !== undefined) await removeOtherImage(context, client, found, each);
  }
  for (const { name, version } of layers) {
    await deleteLayerVersion(client, name, version, signal);
    await output.data(`deleted the layer ${name}, version ${version}\n`);
  }
  if (!stack) return;
  // Its objects first, since CloudFormation deletes no bucket that holds any.
  const outputs = outputsOf(stack.outputs);
  const users = outputs?.bucketKind === "own"
    ? await otherUsersOf(client, outputs.bucket, stack.name, signal)
    : [];
  const other = outputs && users.length === 0
    ? await emptyBucket(client, outputs.bucket, { owner, signal })
    : undefined;
  const isBucketLeft = await removeStack(work, stack);
  await output.data(`deleted the stack ${stack.name}\n`);
  if (outputs?.bucketKind === "own") {
    const also = users.length === 0
      ? ""
      : `, and what is stored in it, which is also used by: ${users.join(", ")}`;
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
    if (removed !== undefined) await output.data(`deleted the image ${removed}\n`);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof LlamaError)) throw error;
    await output.message(`left: the image ${found.image}: ${error.message}`);
    if (error.hint !== undefined) await output.message(`hint: ${error.hint}`);
  }
}

/** Deletes a function's logs. A refusal is reported, and the rest is removed all the same. */
async function removeLogs(
  output: Output,
  client: AwsClient,
  functionName: string,
  signal: AbortSignal,
): Promise<void> {
  const group = logGroupOf(functionName);
  try {
    if (!await deleteLogGroup(client, group, signal)) return;
    await output.data(`deleted the log group ${group}\n`);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof LlamaError)) throw error;
    await output.message(`left: the log group ${group}: ${error.message}`);
    if (error.hint !== undefined) await output.message(`hint: ${error.hint}`);
  }
}

/** Takes what is gone out of the settings. */
async function forget(
  { environment, output }: CommandContext,
  { name, stack, layers }: Found,
  region: string,
): Promise<void> {
  const settings = await readSettings(environment);
  if (settings.region !== region || (settings.stack ?? defaultStackName) !== name) return;
  // What was made by hand is there still, but for the layers.
  const left = settings.stack === name ? storeOfOneself(settings, stack) : Object.fromEntries(
    Object.entries(settings).filter(([, value]) => !layers.some(({ arn }) => arn === value)),
  );
  if (isDeepStrictEqual(left, settings)) return;
  const path = settingsPath(environment);
  if (Object.keys(left).length > 0) await writeSettings(environment, left);
  else await removeIfThere(path);
  await output.message(`${path} no longer names what is gone`);
}

/** The store, where it is not the stack's. */
function storeOfOneself({ store }: Settings, stack: Stack | undefined): Settings {
  const outputs = stack && outputsOf(stack.outputs);
  return store === undefined || !outputs || store === storeUrl(outputs.bucket) ? {} : { store };
}
