/**
 * Moves functions to this llama's version of its layer.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import { getLayerVersion, listLayerVersions } from "../aws/lambda_account.ts";
import type { Architecture, DeployedFunction } from "../aws/lambda_function.ts";
import { LlamaError } from "../errors.ts";
import { isOlder, version } from "../version.ts";
import { deployFunction, type FunctionWork } from "./function.ts";
import { versionOfLayer } from "./runtime_layer.ts";
import type { Settings } from "./settings.ts";

/** The versions of llama's layers. Each is looked up once. */
export class RuntimeLayers {
  readonly #client: AwsClient;
  readonly #settings: Settings;
  readonly #signal: AbortSignal | undefined;
  readonly #current = new Map<Architecture, Promise<string>>();
  readonly #versions = new Map<string, Promise<string | undefined>>();

  /**
   * @param client Signs and sends.
   * @param settings The settings in force, which name the layers.
   * @param signal Ends it early.
   */
  constructor(client: AwsClient, settings: Settings, signal?: AbortSignal) {
    this.#client = client;
    this.#settings = settings;
    this.#signal = signal;
  }

  /**
   * Returns the layer version with this llama's runtime.
   *
   * @param architecture The processor that it is for.
   * @returns Its ARN.
   * @throws {LlamaError} `config` if none is published.
   */
  current(architecture: Architecture): Promise<string> {
    return memoized(this.#current, architecture, () => this.#findCurrent(architecture));
  }

  /**
   * Returns which llama a layer version has the runtime of.
   *
   * @param arn The layer version's ARN.
   * @returns Such as `0.1.0`; undefined if that is not known.
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
      ? "run `llama bootstrap`, which publishes it"
      : `run \`llama bootstrap -arch ${architecture}\`, which publishes it`;
    const { layer, layerArm64 } = this.#settings;
    const configured = architecture === "arm64" ? layerArm64 : layer;
    if (configured === undefined) {
      throw new LlamaError("config", `no layer with llama's runtime for ${architecture}`, { hint });
    }
    if (await this.versionOf(configured) === version) return configured;
    // Somebody else who works with the same stack may have published it.
    const [, name = ""] = /:layer:([^:]+)/.exec(configured) ?? [];
    const versions = await listLayerVersions(this.#client, name, this.#signal);
    const found = versions.find(({ description }) => versionOfLayer(description) === version);
    if (found) return found.arn;
    throw new LlamaError(
      "config",
      `no version of the layer ${name} has the runtime of this llama, ${version}`,
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
 * Moves a function to this llama's version of its layer, and waits until it can be invoked. All else
 * of it stays as it is.
 *
 * @param work What is needed of the outside.
 * @param layers The versions of llama's layers.
 * @param found The function as it is.
 * @param stack The name of llama's stack.
 * @returns A few words for each thing that changed.
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
    throw new LlamaError("config", `${name} is an image, which has the runtime inside`, {
      hint: rebuilding(name),
    });
  }
  const wanted = await layers.current(architecture);
  const old = before.find((arn) => layerOf(arn) === layerOf(wanted));
  if (old === undefined) {
    throw new LlamaError("config", `${name} does not get its runtime from ${layerOf(wanted)}`, {
      hint: "deploy its code again: a zip with a `bootstrap` of its own has the runtime inside, " +
        `any other gets the layer: llama update-function -zip PATH ${name}`,
    });
  }
  if (old === wanted) return [];
  const runtime = await layers.versionOf(old);
  if (runtime !== undefined && isOlder(version, runtime)) {
    throw new LlamaError(
      "config",
      `the runtime of ${name} is ${runtime}, which is newer than this llama, ${version}`,
      { hint: "update llama" },
    );
  }
  const { description, role, memory, timeout, ephemeralStorage, environment } = found;
  const { changes } = await deployFunction(work, {
    name,
    plan: {
      architecture,
      concurrency: undefined,
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
 * Says how the runtime inside an image is updated.
 *
 * @param name The function's name.
 * @returns The commands.
 */
export function rebuilding(name: string): string {
  return `of programs, make it again: \`llama update-function -program PROGRAM ${name}\`; of a ` +
    "Dockerfile, `docker build -t llama .` in this llama's sources, then " +
    `\`llama update-function -build DIR ${name}\``;
}

function layerOf(arn: string): string {
  return arn.replace(/:\d+$/, "");
}
