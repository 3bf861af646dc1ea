/**
 * Which functions are llama's.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import { getFunction, getFunctionMarks, listFunctions } from "../aws/lambda_control.ts";
import type { DeployedFunction } from "../aws/lambda_function.ts";
import { mapConcurrently } from "../concurrency.ts";
import { LlamaError } from "../errors.ts";
import { layerName } from "./runtime_layer.ts";
import type { Settings } from "./settings.ts";
import { defaultStackName, llamaTag } from "./template.ts";

/** Lambda answers `GetFunction` 100 times a second at most. */
const lookupsAtOnce = 8;

const storeVariable = "LLAMA_OBJECT_STORE";

/**
 * Returns whether a function is llama's, of any stack: tagged, or set up by hand as llama's
 * documentation says.
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
 * Returns whether a function of llama's belongs to the current stack, by its tag. One made by
 * hand has no tag, and belongs to those who use its store.
 *
 * @param found A function of llama's.
 * @param settings The settings in force.
 * @returns True if it does.
 */
export function belongsTo(
  { tags, environment }: DeployedFunction,
  { stack = defaultStackName, store }: Pick<Settings, "stack" | "store">,
): boolean {
  const owner = tags[llamaTag];
  if (owner) return owner === stack;
  return owner === "" || store === undefined || environment[storeVariable] === store;
}

/**
 * Asks Lambda whether a function has llama's runtime.
 *
 * @param client Signs and sends.
 * @param name A function's name, `NAME:ALIAS` or ARN.
 * @param signal Ends it early.
 * @returns True if its tags, its environment or its layers say so. False proves nothing: a function
 * set up by hand may have none of them.
 * @throws {LlamaError} As `callRest`, such as where GetFunction is not permitted.
 */
export async function looksLikeLlama(
  client: AwsClient,
  name: string,
  signal: AbortSignal,
): Promise<boolean> {
  const found = await getFunctionMarks(client, name, signal);
  return isOurs(found) ||
    found.layers?.some((arn) => ownLayers.has(arn.split(":")[6] ?? "")) === true;
}

/** The names of the layers that `llama bootstrap` and scripts/publish-runtime publish. */
const ownLayers: ReadonlySet<string> = new Set([
  layerName(defaultStackName, "x86_64"),
  layerName(defaultStackName, "arm64"),
]);

/**
 * Lists llama's functions in the region, of all its stacks.
 *
 * @param client Signs and sends.
 * @param signal Ends it early.
 * @returns The functions, by name.
 * @throws {LlamaError} As `callRest`.
 */
export async function listOurs(
  client: AwsClient,
  signal?: AbortSignal,
): Promise<DeployedFunction[]> {
  // Lambda's list has neither tags nor states.
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
 * Finds a function that may be changed or deleted: one of the current stack.
 *
 * @param client Signs and sends.
 * @param name Its name.
 * @param settings The settings in force.
 * @param signal Ends it early.
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
        hint: `take another name; or work with that stack: \`llama bootstrap -stack ${owner}\` ` +
          "writes its settings",
      },
    );
  }
  const why = isOurs(found)
    ? `belongs to another store: ${found.environment[storeVariable]}, and ours is ${store}`
    : `is not llama's: it has no tag ${llamaTag}`;
  throw new LlamaError("config", `the function ${name} ${why}`, {
    hint: "take another name; or make it this stack's: " +
      `aws lambda tag-resource --resource ${found.arn} --tags ${llamaTag}=${stack}`,
  });
}
