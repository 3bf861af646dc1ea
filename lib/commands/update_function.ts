/**
 * `llama update-function` creates or changes a function.
 *
 * @module
 */

import { imageKind, registryLogin } from "../aws/api/ecr.ts";
import type { FunctionCode } from "../aws/api/lambda_functions.ts";
import { knownFunctionsOf } from "../aws/known_functions.ts";
import type { DeployedFunction } from "../aws/api/lambda_types.ts";
import { deployFunction } from "../deploy/function.ts";
import { type FunctionOptions, type FunctionPlan, planFunction } from "../deploy/function_plan.ts";
import {
  buildImage,
  builtArchitecture,
  checkArchitecture,
  type ContainerTool,
  pushImage,
} from "../deploy/image.ts";
import { codeSha256, type CodeStore, maxDirectZipBytes, zipSource } from "../deploy/layer.ts";
import { limitLogs } from "../deploy/log_group.ts";
import { findOurs } from "../deploy/owned_functions.ts";
import { checkPackage, readDefinition, readPackage } from "../deploy/package.ts";
import { pause } from "../deploy/pause.ts";
import { otherRuntimes } from "../deploy/runtime_layer.ts";
import { defaultStackName } from "../deploy/stack_template.ts";
import { LlamaError } from "../errors.ts";
import { type FunctionDefinition, programMemory } from "../functions/definition.ts";
import { repositoryOf } from "../image/repository.ts";
import { runnable } from "../cli/command.ts";
import { type Aws, type CommandContext, openAws } from "./context.ts";
import { noteDirectory } from "../store/known_objects.ts";
import { exitCodes } from "../cli/exit_status.ts";
import {
  changesRuntimeAlone,
  updateFunctionCommand,
  type UpdateFunctionValues,
} from "./spec/functions.ts";
import {
  type FunctionUpdate,
  listFiles,
  type PackedPrograms,
  packPrograms,
  pushPrograms,
} from "./programs.ts";
import { updateAllRuntimes, updateOneRuntime } from "./update_runtimes.ts";

/** The `update-function` command. */
export const updateFunction = runnable(
  updateFunctionCommand,
  async (values, [name = ""], context: CommandContext): Promise<number> => {
    const { output, signal } = context;
    // What cannot become an image is refused before anything is sent.
    await using programs = await packPrograms(values, name, context);
    if (programs && values["dry-run"]) {
      await listFiles(programs, name, context);
      return exitCodes.ok;
    }
    const aws = await openAws(context);
    if (values.all) return await updateAllRuntimes(context, aws);
    const current = await findOurs(aws.client, name, aws.settings, signal);
    const { region } = await aws.client.location();
    checkKind(values, name, region, current);
    if (current && changesRuntimeAlone(values)) {
      await updateOneRuntime(context, aws, current);
      return exitCodes.ok;
    }
    const update = { name, current, values, context, aws };
    const prepared = programs ? await prepareOfPrograms(programs, update) : await prepare(update);
    const { isNew, changes, function: deployed } = await deployFunction(
      { client: aws.client, pause, onWait: (what) => void output.message(what), signal },
      { name, ...prepared, stack: aws.settings.stack ?? defaultStackName },
      current,
    ).catch(async (error) => {
      if (signal.aborted) {
        await output.message("Lambda may still be changing the function: see llama functions");
      }
      throw error;
    });
    const { isPure } = prepared.plan;
    if (isPure !== undefined) {
      // Later runs on this machine know it without asking Lambda.
      const known = knownFunctionsOf(aws.client, noteDirectory(context.environment));
      await known.load(name);
      known.learn(name, { isPure });
      known.save();
    }
    const { kind, memory, timeout, architecture } = deployed;
    if (isNew) await limitItsLogs(name, context, aws);
    await output.line(
      isNew
        ? `created ${name}: ${kind}, ${memory} MB, ${timeout} s, ${architecture}`
        : changes.length === 0
        ? `${name} is up to date: nothing changed`
        : `updated ${name}: ${changes.join("; ")}`,
    );
    return exitCodes.ok;
  },
);

/** Sets the retention of a new function's logs. The function works without it, so a failure is only reported. */
async function limitItsLogs(
  name: string,
  { output, signal }: CommandContext,
  { client, settings: { stack = defaultStackName } }: Aws,
): Promise<void> {
  try {
    await limitLogs(client, name, stack, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof LlamaError)) throw error;
    await output.message(`the logs of ${name} will not expire: ${error.message}`);
    if (error.hint !== undefined) await output.message(`hint: ${error.hint}`);
  }
}

/** Rejects an impossible change before anything is built. */
function checkKind(
  { create, zip, build, image, program }: UpdateFunctionValues,
  name: string,
  region: string,
  current: DeployedFunction | undefined,
): void {
  if (!current) {
    if (create) return;
    const words = `no function ${JSON.stringify(name)} in ${region}`;
    throw new LlamaError("no-such-function", words, {
      hint: "add -create to create it; `llama functions` lists the existing ones",
    });
  }
  const wanted = zip ? "zip" : build || image || program.length > 0 ? "image" : current.kind;
  if (wanted === current.kind) return;
  const article = (kind: string) => kind === "zip" ? "a zip" : "an image";
  throw new LlamaError(
    "config",
    `${name} is ${article(current.kind)} function and cannot become ${article(wanted)} function`,
    { hint: `choose another name, or delete it first: llama delete-function ${name}` },
  );
}

/** The parts of a deployment besides its names. */
interface Prepared {
  readonly plan: FunctionPlan;
  readonly code: FunctionCode | undefined;
  readonly codeSha256?: string | undefined;
}

function optionsOf(values: UpdateFunctionValues): FunctionOptions {
  return {
    memory: values.memory,
    timeout: values.timeout,
    storage: values.storage,
    handler: values.handler || undefined,
    architecture: values.arch,
    environment: Object.fromEntries(values.env),
  };
}

async function prepareOfPrograms(
  programs: PackedPrograms,
  update: FunctionUpdate,
): Promise<Prepared> {
  const { name, current, values, aws } = update;
  const { definition, architecture } = programs;
  const options = { ...optionsOf(values), architecture };
  const plan = planFunction({
    name,
    kind: "image",
    options: current || definition
      ? options
      : { ...options, memory: options.memory ?? programMemory },
    definition,
    settings: aws.settings,
    // The image itself has the command.
    current: current && { ...current, command: [] },
    needsLayer: false,
  });
  const image = await pushPrograms(programs, update);
  const isThere = current?.image === image && current.state === "Active" &&
    current.architecture === architecture;
  return { plan, code: isThere ? undefined : { ImageUri: image } };
}

async function prepare(update: FunctionUpdate): Promise<Prepared> {
  const { name, current, values, context, aws } = update;
  const input = { name, options: optionsOf(values), settings: aws.settings, current };
  if (values.zip) {
    const source = await readPackage(values.zip, name);
    const { definition, zip, members } = source;
    const needsLayer = !members.some((member) => member.name === "bootstrap");
    const { layer, layerArm64 } = aws.settings;
    const replacedLayers = needsLayer && current
      ? await otherRuntimes(aws.client, current.layers ?? [], [layer, layerArm64], context.signal)
      : [];
    const plan = planFunction({ ...input, kind: "zip", definition, needsLayer, replacedLayers });
    checkPackage(source, plan.settings.handler ?? "", plan.architecture);
    const hash = codeSha256(zip);
    // The function already has this code, so nothing is uploaded.
    const isThere = current?.codeSha256 === hash && current.state === "Active" &&
      current.architecture === plan.architecture;
    const store = zip.length > maxDirectZipBytes ? s3Store(aws) : undefined;
    const code = isThere
      ? undefined
      : await zipSource(aws.client, zip, values.zip, store, context.signal);
    return { plan, code, codeSha256: hash };
  }
  const definition = values.build ? await readDefinition(values.build, name) : undefined;
  const kind = values.build || values.image ? "image" : current?.kind ?? "zip";
  const keepsCode = !values.build && !values.image;
  const plan = planFunction({ ...input, kind, definition, needsLayer: false, keepsCode });
  if (values.build) {
    const image = await buildAndPush(update, definition, plan);
    return { plan, code: { ImageUri: image } };
  }
  if (!values.image) return { plan, code: undefined };
  const made = await imageKind(aws.client, values.image, context.signal);
  checkArchitecture(values.image, made, plan.architecture);
  return { plan, code: { ImageUri: values.image } };
}

function s3Store({ settings: { store, bucketOwner } }: Aws): CodeStore | undefined {
  return store?.startsWith("s3:") ? { url: store, bucketOwner } : undefined;
}

async function buildAndPush(
  { name, values, context, aws: { client, settings: { repository } } }: FunctionUpdate,
  definition: FunctionDefinition | undefined,
  { architecture, settings }: FunctionPlan,
): Promise<string> {
  const { environment, output, signal } = context;
  const image = imageOf(values.registry || undefined, definition?.image, repository, name);
  const tool: ContainerTool = {
    program: values["container-tool"] || environment["LLAMA_CONTAINER_TOOL"] || "docker",
    environment,
    onOutput: (chunk) => void output.talk(chunk),
    signal,
  };
  await buildImage(tool, values.build, image, architecture, settings.command);
  const made = await builtArchitecture(tool, image);
  checkArchitecture(image, { isList: false, architecture: made }, architecture);
  const [host = ""] = image.split("/");
  await pushImage(tool, image, await registryLogin(client, host, signal));
  return image;
}

/** The name of an image that is built: `-registry` wins over its `function.json`. */
function imageOf(
  registry: string | undefined,
  named: string | undefined,
  own: string | undefined,
  name: string,
): string {
  if (named === undefined || registry?.includes("/")) {
    const repository = repositoryOf(own, registry);
    return `${repository.host}/${repository.name}:${name}`;
  }
  return registry === undefined ? named : registry + named.slice(named.indexOf("/"));
}
