/**
 * Finds llama's functions.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import { getFunction, getFunctionMarks, listFunctions } from "../aws/api/lambda_functions.ts";
import type { DeployedFunction } from "../aws/api/lambda_types.ts";
import { pureTag } from "../aws/api/lambda_identity.ts";
import { mapConcurrently } from "../async/concurrency.ts";
import { LlamaError } from "../errors.ts";
import { layerName } from "./runtime_layer.ts";
import type { Settings } from "../settings.ts";
import { defaultStackName, llamaTag } from "./stack_template.ts";

/** Lambda limits `GetFunction` to 100 calls per second. */
const lookupsAtOnce = 8;

const storeVariable = "LLAMA_OBJECT_STORE";

/**
 * Reports whether a function is llama's, of any stack: it is tagged, or was set up by hand as the
 * documentation describes.
 *
 * @param found The function.
 * @returns True if it is.
 */
export function isOurs(
  { tags, environment }: Pick<DeployedFunction, "tags" | "environment">,
): boolean {
  return Object.hasOwn(tags, llamaTag) || Object.hasOwn(environment, storeVariable);
}

/**
 * Reports whether one of llama's functions belongs to the current stack, by its tag. A function
 * created by hand has no tag, or one without a value, and belongs to every stack that uses its
 * store.
 *
 * @param found One of llama's functions.
 * @param settings The settings in effect.
 * @returns True if it does.
 */
export function belongsTo(
  { tags, environment }: DeployedFunction,
  { stack = defaultStackName, store }: Pick<Settings, "stack" | "store">,
): boolean {
  const owner = tags[llamaTag];
  if (owner) return owner === stack;
  return store === undefined || environment[storeVariable] === store;
}

/**
 * Asks Lambda whether a function uses llama's runtime.
 *
 * @param client The AWS client.
 * @param name A function's name, `NAME:ALIAS` or ARN.
 * @param signal Aborts the work.
 * @returns Whether its tags, environment or layers show it: false proves nothing, since a function set
 * up by hand may have none of them. And whether it is tagged as pure.
 * @throws {LlamaError} As `callRest`, such as if GetFunction is not permitted.
 */
export async function looksLikeLlama(
  client: AwsClient,
  name: string,
  signal: AbortSignal,
): Promise<{ isLlama: boolean; isPure: boolean }> {
  const found = await getFunctionMarks(client, name, signal);
  const hasLayer = () => found.layers?.some((arn) => ownLayers.has(arn.split(":")[6] ?? ""));
  return {
    isLlama: isOurs(found) || hasLayer() === true,
    isPure: found.tags[pureTag] === "true",
  };
}

/** The names of the layers that `llama bootstrap` and scripts/publish-runtime publish. */
const ownLayers: ReadonlySet<string> = new Set([
  layerName(defaultStackName, "x86_64"),
  layerName(defaultStackName, "arm64"),
]);

/**
 * Lists llama's functions in the region, of all stacks.
 *
 * @param client The AWS client.
 * @param signal Aborts the work.
 * @returns The functions, sorted by name.
 * @throws {LlamaError} As `callRest`.
 */
export async function listOurs(
  client: AwsClient,
  signal?: AbortSignal,
): Promise<DeployedFunction[]> {
  // Lambda's list contains neither tags nor states.
  const names = (await listFunctions(client, signal)).map(({ name }) => name);
  const found = await mapConcurrently(
    names,
    lookupsAtOnce,
    (name) => getFunction(client, name, signal),
    signal,
  );
  return found.filter((each) => each !== undefined).filter(isOurs);
}

/**
 * Finds a function of the current stack, which may be changed or deleted.
 *
 * @param client The AWS client.
 * @param name Its name.
 * @param settings The settings in effect.
 * @param signal Aborts the work.
 * @returns The function, or undefined if there is none.
 * @throws {LlamaError} `config` if it is not llama's, or belongs to another stack; or as `callRest`.
 */
export async function findOurs(
  client: AwsClient,
  name: string,
  settings: Pick<Settings, "stack" | "store">,
  signal?: AbortSignal,
): Promise<DeployedFunction | undefined> {
  const found = await getFunction(client, name, signal);
  if (!found || (isOurs(found) && belongsTo(found, settings))) return found;
  const { stack = defaultStackName, store } = settings;
  const owner = found.tags[llamaTag];
  if (owner) {
    throw new LlamaError(
      "config",
      `the function ${name} belongs to the stack ${owner}, not to ${stack}`,
      {
        hint: `choose another name; or switch to that stack: llama bootstrap -stack ${owner}`,
      },
    );
  }
  const why = isOurs(found)
    ? found.environment[storeVariable]
      ? `uses another store, ${found.environment[storeVariable]}, not ${store}`
      : `belongs to no stack: its tag ${llamaTag} is empty`
    : `is not llama's: it has no tag ${llamaTag}`;
  throw new LlamaError("config", `the function ${name} ${why}`, {
    hint: "choose another name; or assign it to this stack: " +
      `aws lambda tag-resource --resource ${found.arn} --tags ${llamaTag}=${stack}`,
  });
}
