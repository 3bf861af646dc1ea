/**
 * `llama bootstrap`: all that llama needs in AWS.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import type { Stack } from "../aws/cloudformation.ts";
import { callerIdentity } from "../aws/sts.ts";
import { chooseBucket } from "../deploy/bucket.ts";
import { pause } from "../deploy/pause.ts";
import { publishRuntime, type RuntimeLayer } from "../deploy/runtime_layer.ts";
import { runtimeZip } from "../deploy/runtime_zip.ts";
import {
  isSettingName,
  readSettings,
  settingInForce,
  settingNames,
  type Settings,
  writeSettings,
} from "../deploy/settings.ts";
import { deployStack, findStack, type StackWork } from "../deploy/stack.ts";
import { defaultStackName, outputsOf, type StackOutputs, storeUrl } from "../deploy/template.ts";
import { LlamaError } from "../errors.ts";
import { runnable } from "./command.ts";
import { type CommandContext, openAws, openStore } from "./context.ts";
import { exitCodes } from "./exit.ts";
import { showEvent } from "./report.ts";
import { bootstrapCommand } from "./setup_tables.ts";

/** The command, as data and with what it does. */
export const bootstrap = runnable(
  bootstrapCommand,
  async (values, _args, context: CommandContext): Promise<number> => {
    const { output, signal, environment } = context;
    const architecture = values.arch ?? "x86_64";
    // Before anything is made: without it, half would be missing.
    const zip = await runtimeZip(architecture, {
      named: values.runtime || undefined,
      onCompile: () => void output.message(`compiling the runtime for ${architecture}`),
      signal,
    });
    const { client, settings } = await openAws(context, values.region);
    const { region } = await client.location();
    const { account, arn } = await callerIdentity(client, signal);
    await output.message(`account ${account}, region ${region}, as ${arn}`);

    const name = values.stack || settings.stack || defaultStackName;
    const { outputs, isBucketOwn } = await makeStack(context, client, name, values.bucket);
    let made: Settings = {
      ...await otherSettings(context, region, name),
      region,
      stack: name,
      store: storeUrl(outputs.bucket),
      role: outputs.role,
      repository: outputs.repository,
    };
    await writeSettings(environment, made);

    await output.message(`the layer: a zip of ${(zip.length / 1e6).toFixed(1)} MB`);
    const store = openStore(context, client, storeUrl(outputs.bucket));
    const layer = await publish(client, { zip, architecture, stack: name, store }, signal);
    await output.message(`the layer is ${layer.isNew ? "published" : "there already"}`);
    made = { ...made, [architecture === "arm64" ? "layerArm64" : "layer"]: layer.arn };
    const path = await writeSettings(environment, made);

    for (const each of Object.keys(settingNames).filter(isSettingName)) {
      if (made[each] !== undefined) await output.text(`${each.padEnd(12)}${made[each]}\n`);
    }
    await output.message(`written to ${path}`);
    if (isBucketOwn) {
      await output.message(
        `the bucket ${outputs.bucket} is yours: its objects do not expire by llama`,
      );
    }
    await warnOfEnvironment(context, made);
    await output.message(
      "next: llama update-function -create -zip images/hello-llama hello; llama invoke hello world",
    );
    return exitCodes.ok;
  },
);

async function makeStack(
  { output, signal }: CommandContext,
  client: AwsClient,
  name: string,
  bucketName: string,
): Promise<{ outputs: StackOutputs; isBucketOwn: boolean }> {
  const work: StackWork = {
    client,
    pause,
    signal,
    onEvent: (event) => void showEvent(output, event),
  };
  let existing: Stack | undefined;
  try {
    existing = await findStack(work, name);
    const bucket = await chooseBucket(client, bucketName || undefined, existing, signal);
    const { outputs, change } = await deployStack(work, name, bucket, existing);
    await output.message(`the stack ${name} is ${change}`);
    const before = existing && outputsOf(existing.outputs);
    if (before && before.bucket !== outputs.bucket) {
      await output.message(
        `the bucket ${before.bucket} is no longer llama's; it is left if anything is in it`,
      );
    }
    return { outputs, isBucketOwn: outputs.bucketKind === "own" };
  } catch (error) {
    if (signal.aborted) {
      await output.message(
        `CloudFormation goes on with the stack ${name}: run this again, or llama teardown`,
      );
    }
    throw error;
  }
}

/** Publishes the layer; what it fails with also says that the stack is there. */
async function publish(
  client: AwsClient,
  runtime: Parameters<typeof publishRuntime>[1],
  signal: AbortSignal,
): Promise<RuntimeLayer> {
  try {
    return await publishRuntime(client, runtime, signal);
  } catch (cause) {
    if (!(cause instanceof LlamaError)) throw cause;
    const done = "the stack is there and complete: run this again for the layer, or llama teardown";
    throw new LlamaError(cause.code, cause.message, {
      cause,
      hint: cause.hint === undefined ? done : `${cause.hint}; ${done}`,
    });
  }
}

/** The layers that an earlier run for the same stack published. */
async function otherSettings(
  { environment }: CommandContext,
  region: string,
  stack: string,
): Promise<Settings> {
  const settings = await readSettings(environment);
  const isSame = settings.region === region && settings.stack === stack;
  return isSame ? { layer: settings.layer, layerArm64: settings.layerArm64 } : {};
}

async function warnOfEnvironment(
  { environment, output }: CommandContext,
  made: Settings,
): Promise<void> {
  for (const name of Object.keys(settingNames).filter(isSettingName)) {
    const found = settingInForce(name, made, environment);
    if (!found || found.isFile || found.value === made[name]) continue;
    await output.message(`${found.from} is set, and wins over what was made: ${found.value}`);
  }
}
