/**
 * What a function shall be: of its `function.json`, the flags, llama's settings, and what it is.
 *
 * @module
 */

import {
  type Architecture,
  defaultStorage,
  type DeployedFunction,
  type FunctionSettings,
  type Vpc,
} from "../aws/lambda_function.ts";
import { LlamaError } from "../errors.ts";
import { defaultMemory, defaultTimeout, type FunctionDefinition } from "../function_json.ts";
import { compatibleRuntime } from "./layer.ts";
import type { Settings } from "./settings.ts";

/** What was asked for on the command line; it wins over all else. */
export interface FunctionOptions {
  /** Memory in MB. */
  readonly memory?: number | undefined;
  /** Seconds that an invocation may take. */
  readonly timeout?: number | undefined;
  /** The size of its /tmp in MB. */
  readonly storage?: number | undefined;
  /** A zip function's program. */
  readonly handler?: string | undefined;
  /** The processor that it is for. */
  readonly architecture?: Architecture | undefined;
  /** Environment variables, beside those that it has. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

/** What a plan is made of. */
export interface PlanInput {
  /** The function's name. */
  readonly name: string;
  /** What its code is. */
  readonly kind: "zip" | "image";
  /** What was asked for. */
  readonly options: FunctionOptions;
  /** Its `function.json`; without one, it stays what it is. */
  readonly definition: FunctionDefinition | undefined;
  /** llama's settings. */
  readonly settings: Settings;
  /** The function as it is; undefined for a new one. */
  readonly current: DeployedFunction | undefined;
  /** Whether it gets the runtime from llama's layer; otherwise its layers stay as they are. */
  readonly needsLayer: boolean;
  /** Layers with another stack's runtime, to be replaced by ours. @default {[]} */
  readonly replacedLayers?: readonly string[] | undefined;
  /** Whether its code is left alone, so that only the named settings change. @default {false} */
  readonly keepsCode?: boolean;
}

/** What a function shall be. */
export interface FunctionPlan {
  /** What is set. */
  readonly settings: FunctionSettings;
  /** Its processor. */
  readonly architecture: Architecture;
  /** Its reserved concurrency; undefined leaves it as it is. */
  readonly concurrency: number | undefined;
}

/**
 * Says what a function shall be.
 *
 * @param input What is known.
 * @returns The plan.
 * @throws {LlamaError} `config` if something is missing, or does not go together.
 */
export function planFunction(input: PlanInput): FunctionPlan {
  const { kind, options, definition, settings, current, keepsCode = false } = input;
  const architecture = architectureOf(input);
  // The role may come from a function.json, which is not at hand where only settings change.
  const known = keepsCode ? current?.role : undefined;
  const role = definition?.role ?? known ?? settings.role ?? current?.role;
  if (role === undefined) {
    throw new LlamaError("config", "no role for the function to run as", {
      hint: "run `llama bootstrap`, or set one: llama config role ARN",
    });
  }
  const base = definition ?? current;
  return {
    architecture,
    concurrency: definition?.concurrency,
    settings: {
      role,
      description: base?.description ?? "",
      memory: options.memory ?? base?.memory ?? defaultMemory,
      timeout: options.timeout ?? base?.timeout ?? defaultTimeout,
      ephemeralStorage: options.storage ?? base?.ephemeralStorage ?? defaultStorage,
      environment: environmentOf(input),
      ...(kind === "zip"
        ? {
          runtime: compatibleRuntime,
          handler: handlerOf(input),
          layers: layersOf(input, architecture),
        }
        : { command: commandOf(input) }),
      ...(definition?.vpc === undefined ? {} : { vpc: definition.vpc }),
    },
  };
}

function architectureOf({ options, definition, current }: PlanInput): Architecture {
  // Lambda's own default where nothing says anything.
  return options.architecture ?? definition?.architecture ?? current?.architecture ?? "x86_64";
}

const storeVariable = "LLAMA_OBJECT_STORE";

function environmentOf(
  { options, definition, settings: { store }, current }: PlanInput,
): Record<string, string> {
  // Only Lambda can tell what else than S3 it would reach.
  const ours = store?.startsWith("s3:") ? { [storeVariable]: store } : {};
  const environment = {
    ...(definition ? { ...ours, ...definition.environment } : { ...current?.environment, ...ours }),
    ...options.environment,
  };
  checkTemporary(environment);
  return environment;
}

/**
 * Deno ends a compiled program whose TMPDIR is empty or relative before a line of the runtime is run,
 * so that Lambda is told nothing.
 */
function checkTemporary({ TMPDIR: path }: Readonly<Record<string, string>>): void {
  if (path === undefined || (path.startsWith("/") && !path.split("/").includes(".."))) return;
  throw new LlamaError(
    "config",
    `TMPDIR of the function is ${JSON.stringify(path)}, with which its runtime does not start`,
    { hint: 'name an absolute path without "..", such as -env TMPDIR=/tmp, or leave it out' },
  );
}

function handlerOf({ name, options, definition, current }: PlanInput): string {
  if (options.handler !== undefined) return options.handler;
  if (definition && definition.handler === undefined) {
    throw new LlamaError(
      "config",
      `the function.json of ${name} has a "command" and no "handler"`,
      {
        hint: "a zip's function has a handler, a program in the zip; -build DIR makes an image",
      },
    );
  }
  const handler = definition?.handler ?? current?.handler;
  if (handler === undefined) {
    throw new LlamaError("config", `no handler for ${name}`, {
      hint: "name the program in the zip that it runs: -handler FILE",
    });
  }
  return handler;
}

function commandOf({ name, options, definition, current }: PlanInput): readonly string[] {
  if (options.handler !== undefined) {
    throw new LlamaError("config", "-handler is for zip files: an image has a command", {
      hint: 'write it into the Dockerfile as CMD, or into function.json as "command"',
    });
  }
  if (definition?.handler !== undefined) {
    throw new LlamaError("config", `the function.json of ${name} has a "handler", for a zip`, {
      hint: 'write "command", the image\'s CMD, or deploy it with -zip DIR',
    });
  }
  return definition?.command ?? current?.command ?? [];
}

/** Lambda's own limit: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const maxLayers = 5;

function layersOf(
  { name, settings, definition, current, needsLayer, replacedLayers = [] }: PlanInput,
  architecture: Architecture,
): readonly string[] {
  const layer = architecture === "arm64" ? settings.layerArm64 : settings.layer;
  const theirs = definition?.layers ?? current?.layers ?? [];
  if (!needsLayer) return theirs;
  if (layer === undefined) {
    throw new LlamaError("config", `no layer with llama's runtime for ${architecture}`, {
      hint: `run \`llama bootstrap -arch ${architecture}\`, which publishes it`,
    });
  }
  // Layers of the user's own stay; ours may have had another version, or processor.
  const ours = [settings.layer, settings.layerArm64].map(withoutVersion);
  const isKept = (arn: string) =>
    !ours.includes(withoutVersion(arn)) && !replacedLayers.includes(arn);
  const layers = [...theirs.filter(isKept), layer];
  if (layers.length <= maxLayers) return layers;
  throw new LlamaError(
    "config",
    `${name} would have ${layers.length} layers with llama's, and Lambda takes ${maxLayers}`,
    { hint: 'name fewer in "layers" of its function.json, or put their files into the zip' },
  );
}

function withoutVersion(arn: string | undefined): string | undefined {
  return arn?.replace(/:\d+$/, "");
}

/**
 * How a function differs from what it shall be.
 *
 * @param current The function as it is.
 * @param plan What it shall be.
 * @returns A few words for each difference in its settings, without the values of variables.
 */
export function settingChanges(
  current: DeployedFunction,
  { settings: wanted }: FunctionPlan,
): string[] {
  const changes: string[] = [];
  const compare = (what: string, before: string | number, after: string | number, unit = "") => {
    if (before !== after) changes.push(`${what} ${before || "none"} -> ${after || "none"}${unit}`);
  };
  const list = (values: readonly string[] | undefined) => (values ?? []).join(" ");
  compare("memory", current.memory, wanted.memory, " MB");
  compare("timeout", current.timeout, wanted.timeout, " s");
  compare("storage", current.ephemeralStorage, wanted.ephemeralStorage, " MB");
  compare("role", current.role, wanted.role);
  if (wanted.runtime !== undefined) {
    compare("runtime", current.runtime ?? "", wanted.runtime);
    compare("handler", current.handler ?? "", wanted.handler ?? "");
    compare("layers", list(current.layers), list(wanted.layers));
  } else {
    compare("command", list(current.command), list(wanted.command));
  }
  if (wanted.vpc) compare("vpc", vpcWords(current.vpc), vpcWords(wanted.vpc));
  if (current.description !== wanted.description) changes.push("description");
  const names = new Set([...Object.keys(current.environment), ...Object.keys(wanted.environment)]);
  const differing = [...names].filter((name) =>
    current.environment[name] !== wanted.environment[name]
  );
  if (differing.length > 0) changes.push(`environment: ${differing.sort().join(", ")}`);
  return changes;
}

/** Describes a VPC for comparison; the order of its parts does not matter. */
function vpcWords(vpc: Vpc | undefined): string {
  const { subnets = [], securityGroups = [] } = vpc ?? {};
  return [subnets, securityGroups].map((list) => list.toSorted().join(" ")).join(" ").trim();
}
