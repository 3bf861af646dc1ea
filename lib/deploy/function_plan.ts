/**
 * Plans a function's configuration from its `function.json`, the flags, llama's settings, and the
 * existing function.
 *
 * @module
 */

import type { Architecture } from "../functions/architecture.ts";
import {
  defaultStorage,
  type DeployedFunction,
  type FunctionSettings,
  type Vpc,
} from "../aws/api/lambda_types.ts";
import { LlamaError } from "../errors.ts";
import { defaultMemory, defaultTimeout, type FunctionDefinition } from "../functions/definition.ts";
import { compatibleRuntime } from "./layer.ts";
import type { Settings } from "../settings.ts";

/** Options from the command line; they take precedence over everything else. */
export interface FunctionOptions {
  /** Memory in MB. */
  readonly memory?: number | undefined;
  /** The time limit of an invocation in seconds. */
  readonly timeout?: number | undefined;
  /** The size of its /tmp in MB. */
  readonly storage?: number | undefined;
  /** A zip function's program. */
  readonly handler?: string | undefined;
  /** Its architecture. */
  readonly architecture?: Architecture | undefined;
  /** Additional environment variables. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

/** The inputs of a plan. */
export interface PlanInput {
  /** The function's name. */
  readonly name: string;
  /** The kind of its code. */
  readonly kind: "zip" | "image";
  /** Options from the command line. */
  readonly options: FunctionOptions;
  /** Its `function.json`; without one, the function keeps its configuration. */
  readonly definition: FunctionDefinition | undefined;
  /** llama's settings. */
  readonly settings: Settings;
  /** The existing function; undefined for a new one. */
  readonly current: DeployedFunction | undefined;
  /** Whether it gets the runtime from llama's layer; otherwise its layers are kept. */
  readonly needsLayer: boolean;
  /** Layers with another stack's runtime, to be replaced by this stack's. @default {[]} */
  readonly replacedLayers?: readonly string[] | undefined;
  /** Whether its code is kept, so that only the named settings change. @default {false} */
  readonly keepsCode?: boolean;
}

/** A function's planned configuration. */
export interface FunctionPlan {
  /** Its settings. */
  readonly settings: FunctionSettings;
  /** Its architecture. */
  readonly architecture: Architecture;
  /** Its reserved concurrency; undefined keeps the current one. */
  readonly concurrency: number | undefined;
  /** Whether its author promises that it is pure; undefined keeps what was said before. */
  readonly isPure: boolean | undefined;
}

/**
 * Plans a function's configuration.
 *
 * @param input The inputs.
 * @returns The plan.
 * @throws {LlamaError} `config` if something is missing or inconsistent.
 */
export function planFunction(input: PlanInput): FunctionPlan {
  const { kind, options, definition, settings, current, keepsCode = false } = input;
  const architecture = architectureOf(input);
  // The role may come from a function.json, which is not read if only settings change.
  const known = keepsCode ? current?.role : undefined;
  const role = definition?.role ?? known ?? settings.role ?? current?.role;
  if (role === undefined) {
    throw new LlamaError("config", "no execution role for the function", {
      hint: "run `llama bootstrap`, or set one: llama config role ARN",
    });
  }
  const base = definition ?? current;
  return {
    architecture,
    concurrency: definition?.concurrency,
    isPure: definition && (definition.pure ?? false),
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
  // The last is Lambda's own default.
  return options.architecture ?? definition?.architecture ?? current?.architecture ?? "x86_64";
}

const storeVariable = "LLAMA_OBJECT_STORE";

function environmentOf(
  { options, definition, settings: { store }, current }: PlanInput,
): Record<string, string> {
  // Lambda cannot reach a local store.
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
        hint: "a zip function needs a handler, a program in the zip; -build DIR builds an image",
      },
    );
  }
  const handler = definition?.handler ?? current?.handler;
  if (handler === undefined) {
    throw new LlamaError("config", `no handler for ${name}`, {
      hint: "name the program in the zip that the function runs: -handler FILE",
    });
  }
  return handler;
}

function commandOf({ name, options, definition, current }: PlanInput): readonly string[] {
  if (options.handler !== undefined) {
    throw new LlamaError("config", "-handler is only for a zip: an image has a command", {
      hint: 'set CMD in the Dockerfile, or "command" in function.json',
    });
  }
  if (definition?.handler !== undefined) {
    throw new LlamaError(
      "config",
      `the function.json of ${name} has a "handler", which is only for a zip`,
      {
        hint: 'set "command", the image\'s CMD, or deploy it with -zip DIR',
      },
    );
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
      hint: `run \`llama bootstrap -arch ${architecture}\` to publish it`,
    });
  }
  // The user's own layers are kept; llama's is replaced, whatever its version or architecture.
  const ours = [settings.layer, settings.layerArm64].map(withoutVersion);
  const isKept = (arn: string) =>
    !ours.includes(withoutVersion(arn)) && !replacedLayers.includes(arn);
  const layers = [...theirs.filter(isKept), layer];
  if (layers.length <= maxLayers) return layers;
  throw new LlamaError(
    "config",
    `${name} would have ${layers.length} layers with llama's, and Lambda allows ${maxLayers}`,
    { hint: 'list fewer "layers" in its function.json, or put their files into the zip' },
  );
}

function withoutVersion(arn: string | undefined): string | undefined {
  return arn?.replace(/:\d+$/, "");
}

/**
 * Lists how a function's settings differ from its plan.
 *
 * @param current The existing function.
 * @param plan The plan.
 * @returns A short description of each difference, without the values of variables.
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

/** Describes a VPC for comparison, regardless of the order of its parts. */
function vpcWords(vpc: Vpc | undefined): string {
  const { subnets = [], securityGroups = [] } = vpc ?? {};
  return [subnets, securityGroups].map((list) => list.toSorted().join(" ")).join(" ").trim();
}
