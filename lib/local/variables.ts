/**
 * The environment variables of a runtime process.
 *
 * @module
 */

import { join } from "node:path";
import type { Environment } from "../environment.ts";
import type { FunctionDefinition } from "../functions/definition.ts";

/** Where programs are looked for if the user's environment does not say. */
export const defaultPath = "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin";

/** What is the same for all runtimes of a run. */
export interface HostVariables {
  /** Where programs are looked for. */
  readonly PATH: string;
  /** Deno's directory and where it finds certificates, where the user's environment tells. */
  readonly [name: string]: string;
}

/**
 * Takes from the user's environment what a runtime needs, and nothing else: the rest may be
 * secret.
 *
 * @param environment The user's environment.
 * @returns The variables.
 */
export function hostVariables(environment: Environment): HostVariables {
  const variables: Record<string, string> = {};
  // Without its own directory, Deno would fetch again what it has already; and where a proxy
  // stands between this machine and the world, it needs that proxy's certificates.
  const denoDirectory = findDenoDirectory(environment);
  if (denoDirectory) variables["DENO_DIR"] = denoDirectory;
  for (const name of ["DENO_TLS_CA_STORE", "DENO_CERT", "SSL_CERT_FILE", "SSL_CERT_DIR"]) {
    const value = environment[name];
    if (value) variables[name] = value;
  }
  return { ...variables, PATH: environment["PATH"] || defaultPath };
}

/** https://docs.deno.com/runtime/reference/env_variables/, DENO_DIR; relative to nothing else. */
function findDenoDirectory(environment: Environment): string | undefined {
  const { DENO_DIR: own, XDG_CACHE_HOME: cache, HOME: home } = environment;
  if (own) return own;
  if (Deno.build.os === "darwin") return home ? join(home, "Library/Caches/deno") : undefined;
  if (cache) return join(cache, "deno");
  return home ? join(home, ".cache/deno") : undefined;
}

/** What differs from one environment to the next. */
export interface EnvironmentVariables {
  /** The same for all. */
  readonly host: HostVariables;
  /** The function. */
  readonly definition: FunctionDefinition;
  /** The function's folder. */
  readonly taskRoot: string;
  /** The environment's id. */
  readonly id: string;
  /** The environment's own directory. */
  readonly directory: string;
  /** `HOST:PORT/...`, to which a runtime appends the Runtime API's paths. */
  readonly runtimeApi: string;
  /** The region. */
  readonly region: string;
  /** The store's URL. */
  readonly storeUrl: string;
  /** What the store asks for. */
  readonly storeEnvironment: Environment;
}

/** Whether a variable belongs to the user's keys, which no job may see. */
function isKey(name: string): boolean {
  return name === "AWS_ACCESS_KEY_ID" || name === "AWS_SECRET_ACCESS_KEY" ||
    name === "AWS_SESSION_TOKEN";
}

/**
 * The user's keys for an S3 store. They go to a runtime by its standard input: a job can read the
 * variables that the runtime was started with.
 *
 * @param storeUrl The store's URL.
 * @param storeEnvironment What the store asks for.
 * @returns The keys; undefined for a store that has none.
 */
export function storeKeys(
  storeUrl: string,
  storeEnvironment: Environment,
): Environment | undefined {
  if (!storeUrl.startsWith("s3:")) return undefined;
  return Object.fromEntries(Object.entries(storeEnvironment).filter(([name]) => isKey(name)));
}

/**
 * All variables of a runtime process, without {@linkcode storeKeys}, as Lambda sets them:
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 *
 * @param options What the environment is for.
 * @returns The variables.
 */
export function runtimeVariables(options: EnvironmentVariables): Record<string, string> {
  const { host, definition, taskRoot, id, region, storeUrl } = options;
  const { name, memory, handler } = definition;
  const store: Record<string, string> = {};
  if (storeUrl.startsWith("s3:")) {
    for (const [key, value] of Object.entries(options.storeEnvironment)) {
      if (value !== undefined && !isKey(key)) store[key] = value;
    }
    store["LLAMA_KEYS_ON_STDIN"] = "1";
  }
  const day = new Date().toISOString().slice(0, 10).replaceAll("-", "/");
  return {
    ...host,
    LANG: "en_US.UTF-8",
    TZ: ":UTC",
    NO_COLOR: "1",
    DENO_NO_UPDATE_CHECK: "1",
    ...definition.environment,
    TMPDIR: options.directory,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    ...store,
    ...(handler === undefined ? {} : { _HANDLER: handler }),
    AWS_LAMBDA_RUNTIME_API: options.runtimeApi,
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memory),
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: `${day}/[$LATEST]${id.replaceAll("-", "")}`,
    LAMBDA_TASK_ROOT: taskRoot,
    LAMBDA_RUNTIME_DIR: "/var/runtime",
    LLAMA_OBJECT_STORE: storeUrl,
    LLAMA_LOCAL: "1",
    LLAMA_ENVIRONMENT: id,
  };
}
