/**
 * Moves functions to this llama's version of its layer.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import { getLayerVersion, listLayerVersions } from "../aws/api/lambda_layers.ts";
import type { Architecture } from "../functions/architecture.ts";
import type { DeployedFunction } from "../aws/api/lambda_types.ts";
import { LlamaError } from "../errors.ts";
import { isOlder, version } from "../version.ts";
import { deployFunction, type FunctionWork } from "./function.ts";
import { versionOfLayer } from "./runtime_layer.ts";
import type { Settings } from "../settings.ts";

/** Looks up versions of llama's layers, each only once. */
export class RuntimeLayers {
  readonly #client: AwsClient;
  readonly #settings: Settings;
  readonly #signal: AbortSignal | undefined;
  readonly #current = new Map<Architecture, Promise<string>>();
  readonly #versions = new Map<string, Promise<string | undefined>>();

  /**
   * @param client The AWS client.
   * @param settings The settings in effect, which name the layers.
   * @param signal Aborts the work.
   */
  constructor(client: AwsClient, settings: Settings, signal?: AbortSignal) {
    this.#client = client;
    this.#settings = settings;
    this.#signal = signal;
  }

  /**
   * Returns the layer version with this llama's runtime.
   *
   * @param architecture The layer's architecture.
   * @returns Its ARN.
   * @throws {LlamaError} `config` if none is published.
   */
  current(architecture: Architecture): Promise<string> {
    return memoized(this.#current, architecture, () => this.#findCurrent(architecture));
  }

  /**
   * Returns the llama version that a layer version contains.
   *
   * @param arn The layer version's ARN.
   * @returns The version, such as `0.1.0`; undefined if it is unknown.
   * @throws {LlamaError} As `callRest`.
   */
  versionOf(arn: string): Promise<string | undefined> {
    return memoized(this.#versions, arn, async () => {
      const found = await getLayerVersion(this.#client, arn, this.#signal);
      return found && versionOfLayer(found.description);
    });
  }

  async #findCurrent(architecture: Architecture): Promise<string> {
    const hint = architecture === "x86_64"
      ? "run `llama bootstrap` to publish it"
      : `run \`llama bootstrap -arch ${architecture}\` to publish it`;
    const { layer, layerArm64 } = this.#settings;
    const configured = architecture === "arm64" ? layerArm64 : layer;
    if (configured === undefined) {
      throw new LlamaError("config", `no layer with llama's runtime for ${architecture}`, { hint });
    }
    if (await this.versionOf(configured) === version) return configured;
    // Another user of the same stack may have published it.
    const [, name = ""] = /:layer:([^:]+)/.exec(configured) ?? [];
    const versions = await listLayerVersions(this.#client, name, this.#signal);
    const found = versions.find(({ description }) => versionOfLayer(description) === version);
    if (found) return found.arn;
    throw new LlamaError(
      "config",
      `no version of the layer ${name} contains the runtime of this llama, ${version}`,
      { hint },
    );
  }
}

function memoized<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const value = make();
  map.set(key, value);
  return value;
}

/**
 * Moves a function to this llama's version of its layer, and waits until it can be invoked. Nothing
 * else is changed.
 *
 * @param work The dependencies.
 * @param layers The versions of llama's layers.
 * @param found The function.
 * @param stack The name of llama's stack.
 * @returns A short description of each change.
 * @throws {LlamaError} `config` if its runtime is not from llama's layer, or newer than this llama;
 * as `deployFunction`.
 */
export async function updateRuntime(
  work: FunctionWork,
  layers: RuntimeLayers,
  found: DeployedFunction,
  stack: string,
): Promise<readonly string[]> {
  const { name, kind, architecture, layers: before = [] } = found;
  if (kind === "image") {
    throw new LlamaError("config", `${name} is an image, which contains the runtime`, {
      hint: rebuilding(name),
    });
  }
  const wanted = await layers.current(architecture);
  const old = before.find((arn) => layerOf(arn) === layerOf(wanted));
  if (old === undefined) {
    throw new LlamaError(
      "config",
      `the runtime of ${name} is not from the layer ${layerOf(wanted)}`,
      {
        hint: "deploy its code again: a zip with its own `bootstrap` contains the runtime, " +
          `any other gets the layer: llama update-function -zip PATH ${name}`,
      },
    );
  }
  if (old === wanted) return [];
  const runtime = await layers.versionOf(old);
  if (runtime !== undefined && isOlder(version, runtime)) {
    throw new LlamaError(
      "config",
      `the runtime of ${name}, ${runtime}, is newer than this llama, ${version}`,
      { hint: "update llama" },
    );
  }
  const { description, role, memory, timeout, ephemeralStorage, environment } = found;
  const { changes } = await deployFunction(work, {
    name,
    plan: {
      architecture,
      concurrency: undefined,
      isPure: undefined,
      settings: {
        ...{ description, role, memory, timeout, ephemeralStorage, environment },
        runtime: found.runtime,
        handler: found.handler,
        layers: before.map((arn) => arn === old ? wanted : arn),
      },
    },
    code: undefined,
    stack,
  }, found);
  return changes;
}

/**
 * Returns a hint for updating the runtime inside an image.
 *
 * @param name The function's name.
 * @returns The hint.
 */
export function rebuilding(name: string): string {
  return `for programs, run \`llama update-function -program PROGRAM ${name}\`; for a Dockerfile, ` +
    "run `docker build -t llama .` in this llama's source tree, then " +
    `\`llama update-function -build DIR ${name}\``;
}

function layerOf(arn: string): string {
  return arn.replace(/:\d+$/, "");
}
