/**
 * `llama bootstrap`: all that llama needs in AWS.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import type { Stack } from "../aws/cloudformation.ts";
import { hasRepository } from "../aws/ecr.ts";
import { trustPolicy } from "../aws/iam.ts";
import { bucketState } from "../aws/s3_control.ts";
import { callerIdentity } from "../aws/sts.ts";
import { chooseBucket } from "../deploy/bucket.ts";
import { limitLogs, logDays } from "../deploy/log_group.ts";
import { belongsTo, listOurs } from "../deploy/ours.ts";
import { pause } from "../deploy/pause.ts";
import { publishRuntime, type RuntimeLayer } from "../deploy/runtime_layer.ts";
import { runtimeZip } from "../deploy/runtime_zip.ts";
import {
  checkWritable,
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
import { bucketOwner } from "../store/bucket_owner.ts";
import { runnable } from "./command.ts";
import { type CommandContext, openAws } from "./context.ts";
import { exitCodes } from "./exit.ts";
import { showEvent } from "./report.ts";
import { bootstrapCommand } from "./setup_tables.ts";

/** The command, as data and with what it does. */
export const bootstrap = runnable(
  bootstrapCommand,
  async (values, _args, context: CommandContext): Promise<number> => {
    const { output, signal, environment } = context;
    const architecture = values.arch ?? "x86_64";
    // Checked before anything is created, so that nothing is left half done.
    await checkWritable(environment);
    const zip = await runtimeZip(architecture, {
      named: values.runtime || undefined,
      onCompile: () => void output.message(`compiling the runtime for ${architecture}`),
      signal,
    });
    const { client, settings } = await openAws(context, values.region);
    const { region } = await client.location();
    const { account, arn } = await callerIdentity(client, signal);
    const owner = bucketOwner(environment, account);
    await output.message(`account ${account}, region ${region}, as ${arn}`);

    const name = values.stack || settings.stack || defaultStackName;
    const { outputs, isBucketOwn, isNew } = await makeStack(context, client, name, {
      named: values.bucket || undefined,
      owner,
    });
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
    const store = { url: storeUrl(outputs.bucket), bucketOwner: owner };
    const runtime = { zip, architecture, stack: name, store };
    const layer = await publish(client, runtime, {
      bucket: outputs.bucket,
      owner,
      signal,
    });
    await output.message(`the layer is ${layer.isNew ? "published" : "there already"}`);
    if (!isNew) await checkParts(client, name, outputs, { owner, signal });
    made = { ...made, [architecture === "arm64" ? "layerArm64" : "layer"]: layer.arn };
    const path = await writeSettings(environment, made);

    for (const each of Object.keys(settingNames).filter(isSettingName)) {
      if (made[each] !== undefined) await output.data(`${each.padEnd(12)}${made[each]}\n`);
    }
    await output.message(`written to ${path}`);
    if (isBucketOwn) {
      await output.message(
        `the bucket ${outputs.bucket} is yours: its objects do not expire by llama`,
      );
    }
    await warnOfEnvironment(context, made);
    if (!isNew) await limitAllLogs(context, client, made);
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
  { named, owner }: { readonly named: string | undefined; readonly owner: string | undefined },
): Promise<{ outputs: StackOutputs; isBucketOwn: boolean; isNew: boolean }> {
  const work: StackWork = {
    client,
    pause,
    signal,
    onEvent: (event) => void showEvent(output, event),
  };
  let existing: Stack | undefined;
  try {
    existing = await findStack(work, name);
    const bucket = await chooseBucket(client, named, existing, { owner, signal });
    const { outputs, change } = await deployStack(work, name, bucket, existing);
    await output.message(`the stack ${name} is ${change}`);
    const before = existing && outputsOf(existing.outputs);
    if (before && before.bucket !== outputs.bucket) {
      await output.message(
        `the bucket ${before.bucket} is no longer llama's; it is left if anything is in it`,
      );
    }
    return { outputs, isBucketOwn: outputs.bucketKind === "own", isNew: change === "created" };
  } catch (error) {
    if (signal.aborted) {
      await output.message(
        `CloudFormation goes on with the stack ${name}: run this again, or llama teardown`,
      );
    }
    throw error;
  }
}

/** CloudFormation does not notice if a part of the stack was deleted behind its back. */
async function checkParts(
  client: AwsClient,
  stack: string,
  { bucket, role, repository }: StackOutputs,
  options: { owner: string | undefined; signal: AbortSignal },
): Promise<void> {
  const { signal } = options;
  const bucketKind = async () => (await bucketState(client, bucket, options)).kind;
  const parts = [
    { name: `bucket ${bucket}`, isThere: async () => await bucketKind() !== "missing" },
    {
      name: `role ${role}`,
      isThere: async () => await trustPolicy(client, role, signal) !== undefined,
    },
    {
      name: `repository ${repository}`,
      isThere: async () => await hasRepository(client, repository, signal) !== false,
    },
  ];
  await Promise.all(parts.map(async ({ name, isThere }) => {
    try {
      if (await isThere()) return;
    } catch (error) {
      // Those who may use CloudFormation need not be allowed to look at everything themselves.
      if (error instanceof LlamaError && error.code === "credentials") return;
      throw error;
    }
    throw partIsGone(stack, name);
  }));
}

function partIsGone(stack: string, part: string, cause?: unknown): LlamaError {
  return new LlamaError("config", `the stack ${stack} is there, but its ${part} is not`, {
    cause,
    hint: "run `llama teardown` first, then `llama bootstrap` again",
  });
}

/**
 * Sets the retention of existing functions' logs; `update-function` does so for new functions. It is
 * the last step, and its failure is reported without failing the command.
 */
async function limitAllLogs(
  { output, signal }: CommandContext,
  client: AwsClient,
  settings: Settings,
): Promise<void> {
  const { stack = defaultStackName } = settings;
  try {
    const ours = (await listOurs(client, signal)).filter((each) => belongsTo(each, settings));
    for (const { name } of ours) {
      if (!await limitLogs(client, name, stack, signal)) continue;
      await output.message(`the logs of ${name} expire after ${logDays} days`);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof LlamaError)) throw error;
    await output.message(`logs of functions do not expire: ${error.message}`);
    if (error.hint !== undefined) await output.message(`hint: ${error.hint}`);
  }
}

/** Publishes the layer; what it fails with also says that the stack is there. */
async function publish(
  client: AwsClient,
  runtime: Parameters<typeof publishRuntime>[1],
  { bucket, owner, signal }: { bucket: string; owner: string | undefined; signal: AbortSignal },
): Promise<RuntimeLayer> {
  try {
    return await publishRuntime(client, runtime, signal);
  } catch (cause) {
    if (!(cause instanceof LlamaError)) throw cause;
    // S3's own hint is to create the bucket, which would then not belong to the stack.
    const isGone = /NoSuchBucket/.test(cause.message) &&
      (await bucketState(client, bucket, { owner, signal })).kind === "missing";
    if (isGone) throw partIsGone(runtime.stack, `bucket ${bucket}`, cause);
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
