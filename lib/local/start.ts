/**
 * Starts the emulator with the user's settings.
 *
 * @module
 */

import type { Account } from "../aws/account.ts";
import type { Environment } from "../environment.ts";
import { loadFunctions, LocalLambda, type LocalLambdaOptions, runtimeCommand } from "./mod.ts";
import { hideProcess } from "../system/hide.ts";

/** Options for the emulator. */
export interface LocalOptions {
  /** The directory with `NAME/function.json`. @default {LLAMA_FUNCTIONS, or "images"} */
  readonly functions?: string | undefined;
  /** Functions given as shell commands, in addition to those found. @default {[]} */
  readonly commands?: readonly { readonly name: string; readonly command: string }[] | undefined;
  /** The maximum number of execution environments. @default {the number of processors} */
  readonly concurrency?: number | undefined;
}

/** The user's object store, and the account that accesses it. */
export interface StoreSettings extends Account {
  /** The store's URL; absent for the emulator's own store. */
  readonly store?: string | undefined;
}

/**
 * Starts the emulator.
 *
 * @param options Functions and concurrency.
 * @param settings The user's object store, if it is to be used.
 * @param environment The user's environment variables.
 * @param more The address to listen on, and a listener for the functions' logs.
 * @returns The emulator; close it when done.
 * @throws {LlamaError} `config` if it cannot be started, `credentials` if there are none for an S3
 * store.
 */
export async function startLocal(
  options: LocalOptions,
  settings: StoreSettings,
  environment: Environment,
  more: Pick<LocalLambdaOptions, "listen" | "onLog"> = {},
): Promise<LocalLambda> {
  const directory = functionsDirectory(options, environment);
  // This process's environment and memory may contain the user's keys.
  if (settings.store?.startsWith("s3:")) hideProcess();
  return await LocalLambda.start({
    functionsFrom: directory,
    functions: await loadFunctions({
      directory,
      explicit: [...options.commands ?? []],
      cwd: Deno.cwd(),
    }),
    runtimeCommand: runtimeCommand(),
    environment,
    storeUrl: settings.store || undefined,
    storeEnvironment: settings.store?.startsWith("s3:")
      ? await storeVariables(settings, environment)
      : undefined,
    concurrency: options.concurrency,
    ...more,
  });
}

/**
 * Returns the directory in which functions are found.
 */
export function functionsDirectory(
  { functions }: Pick<LocalOptions, "functions">,
  environment: Environment,
): string {
  return functions || environment["LLAMA_FUNCTIONS"] || "images";
}

/** Returns only those of the user's variables that a runtime needs to access the user's bucket. */
async function storeVariables(
  settings: StoreSettings,
  environment: Environment,
): Promise<Environment> {
  const credentials = await settings.credentials();
  const { region, endpoints, caBundle } = await settings.location();
  const proxies = Object.entries(environment).filter(([name]) =>
    /^(https?|all|no)_proxy$/i.test(name)
  );
  return {
    ...Object.fromEntries(proxies),
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ENDPOINT_URL_S3: endpoints.s3,
    AWS_CA_BUNDLE: caBundle,
    LLAMA_BUCKET_OWNER: environment["LLAMA_BUCKET_OWNER"],
    LLAMA_OBJECT_LIFETIME_DAYS: environment["LLAMA_OBJECT_LIFETIME_DAYS"],
  };
}
