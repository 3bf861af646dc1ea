/**
 * `llama bootstrap` creates or updates the AWS resources that llama needs.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import type { Stack } from "../aws/api/cloudformation.ts";
import { hasRepository } from "../aws/api/ecr.ts";
import { trustPolicy } from "../aws/api/iam.ts";
import { bucketState } from "../aws/api/s3_bucket.ts";
import { callerIdentity } from "../aws/api/sts.ts";
import { chooseBucket } from "../deploy/bucket.ts";
import { changeGrants, type Grants, grantsOf, noGrants } from "../deploy/grants.ts";
import { limitLogs, logDays } from "../deploy/log_group.ts";
import { belongsTo, listOurs } from "../deploy/owned_functions.ts";
import { pause } from "../deploy/pause.ts";
import { publishRuntime, type RuntimeLayer } from "../deploy/runtime_layer.ts";
import { runtimeZip } from "../deploy/runtime_zip.ts";
import {
  isPreference,
  isSettingName,
  preferencesOf,
  settingNames,
  type Settings,
} from "../settings.ts";
import {
  checkWritable,
  readSettings,
  settingInForce,
  writeSettings,
} from "../deploy/settings_file.ts";
import { deployStack, findStack, type StackWork } from "../deploy/stack.ts";
import {
  defaultStackName,
  outputsOf,
  type StackOutputs,
  storeUrl,
} from "../deploy/stack_template.ts";
import { LlamaError } from "../errors.ts";
import { bucketOwner } from "../store/bucket_owner.ts";
import { runnable } from "../cli/command.ts";
import { type CommandContext, openAws } from "./context.ts";
import { exitCodes } from "../cli/exit_status.ts";
import { showEvent } from "./messages.ts";
import { bootstrapCommand } from "./spec/setup.ts";

/** The `bootstrap` command. */
export const bootstrap = runnable(
  bootstrapCommand,
  async (values, _args, context: CommandContext): Promise<number> => {
    const { output, signal, environment } = context;
    const architecture = values.arch ?? "x86_64";
    // Checked before anything is created, so that no resources are left without settings.
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
      grants: { read: values.read, write: values.write },
      revoked: values.revoke,
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

    await output.message(`runtime layer: a zip of ${(zip.length / 1e6).toFixed(1)} MB`);
    const store = { url: storeUrl(outputs.bucket), bucketOwner: owner };
    const runtime = { zip, architecture, stack: name, store };
    const layer = await publish(client, runtime, {
      bucket: outputs.bucket,
      owner,
      signal,
    });
    await output.message(`the layer is ${layer.isNew ? "published" : "already published"}`);
    if (!isNew) await checkParts(client, name, outputs, { owner, signal });
    made = { ...made, [architecture === "arm64" ? "layerArm64" : "layer"]: layer.arn };
    const path = await writeSettings(environment, made);

    for (const each of Object.keys(settingNames).filter(isSettingName)) {
      if (made[each] !== undefined) await output.line(`${each.padEnd(12)}${made[each]}`);
    }
    await output.message(`written to ${path}`);
    if (isBucketOwn) {
      await output.message(
        `the bucket ${outputs.bucket} is your own: llama does not make its objects expire`,
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
  { named, owner, grants: added, revoked }: {
    readonly named: string | undefined;
    readonly owner: string | undefined;
    readonly grants: Grants;
    readonly revoked: readonly string[];
  },
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
    const grants = changeGrants(existing ? grantsOf(existing.outputs) : noGrants, added, revoked);
    const { outputs, change } = await deployStack(work, name, bucket, existing, grants);
    await output.message(`the stack ${name} is ${change}`);
    for (const url of grants.read) await output.message(`functions may read ${url}`);
    for (const url of grants.write) await output.message(`functions may write ${url}`);
    const before = existing && outputsOf(existing.outputs);
    if (before && before.bucket !== outputs.bucket) {
      await output.message(
        `llama no longer uses the bucket ${before.bucket}; it is kept unless it is empty`,
      );
    }
    return { outputs, isBucketOwn: outputs.bucketKind === "own", isNew: change === "created" };
  } catch (error) {
    if (signal.aborted) {
      await output.message(
        `CloudFormation is still working on the stack ${name}: run this again, or llama teardown`,
      );
    }
    throw error;
  }
}

/** Checks that the parts exist: CloudFormation does not notice a deletion outside of the stack. */
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
      // Permission to use CloudFormation does not imply permission to look at each resource.
      if (error instanceof LlamaError && error.code === "credentials") return;
      throw error;
    }
    throw partIsGone(stack, name);
  }));
}

function partIsGone(stack: string, part: string, cause?: unknown): LlamaError {
  return new LlamaError("config", `the stack ${stack} exists, but its ${part} does not`, {
    cause,
    hint: "run `llama teardown` first, then `llama bootstrap` again",
  });
}

/**
 * Sets the retention of existing functions' logs; `update-function` does so for new functions. A
 * failure is reported, but does not fail the command.
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
    await output.message(`cannot set the retention of function logs: ${error.message}`);
    if (error.hint !== undefined) await output.message(`hint: ${error.hint}`);
  }
}

/** Publishes the layer. The hint of an error also says that the stack is complete. */
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
    const done = "the stack is complete: run this again to publish the layer, or llama teardown";
    throw new LlamaError(cause.code, cause.message, {
      cause,
      hint: cause.hint === undefined ? done : `${cause.hint}; ${done}`,
    });
  }
}

/** Returns the preferences, and the layers that an earlier run published for the same stack. */
async function otherSettings(
  { environment }: CommandContext,
  region: string,
  stack: string,
): Promise<Settings> {
  const settings = await readSettings(environment);
  const isSame = settings.region === region && settings.stack === stack;
  const { layer, layerArm64 } = isSame ? settings : {};
  return { ...preferencesOf(settings), layer, layerArm64 };
}

async function warnOfEnvironment(
  { environment, output }: CommandContext,
  made: Settings,
): Promise<void> {
  for (const name of Object.keys(settingNames).filter(isSettingName)) {
    const found = settingInForce(name, made, environment);
    if (!found || found.isFile || found.value === made[name] || isPreference(name)) continue;
    await output.message(`${found.from} is set and overrides the new setting: ${found.value}`);
  }
}
