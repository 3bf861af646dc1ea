/**
 * The environment variables of a runtime process.
 *
 * @module
 */

import { join } from "node:path";
import type { Environment } from "../environment.ts";
import type { FunctionDefinition } from "../functions/definition.ts";
import { localBucketVariable } from "../limits.ts";

/** The default for `PATH`. */
export const defaultPath = "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin";

/** The variables that all runtimes of a run have in common. */
export interface HostVariables {
  /** The search path for programs. */
  readonly PATH: string;
  /** Deno's directory and certificates, if the user's environment sets them. */
  readonly [name: string]: string;
}

/**
 * Returns only those of the user's variables that a runtime needs, since others may be secret.
 */
export function hostVariables(environment: Environment): HostVariables {
  const variables: Record<string, string> = {};
  // Without its directory, Deno would download its dependencies again; behind a TLS-inspecting proxy
  // it needs the proxy's certificates.
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

/** Options for {@linkcode runtimeVariables}. */
export interface EnvironmentVariables {
  /** The common variables. */
  readonly host: HostVariables;
  /** The function. */
  readonly definition: FunctionDefinition;
  /** The function's directory. */
  readonly taskRoot: string;
  /** The environment's id. */
  readonly id: string;
  /** The environment's own directory. */
  readonly directory: string;
  /** The base of the Runtime API's paths, `HOST:PORT/...`. */
  readonly runtimeApi: string;
  /** The region. */
  readonly region: string;
  /** The store's URL. */
  readonly storeUrl: string;
  /** The directory of the emulator's bucket. */
  readonly bucket: string;
  /** The variables that the store needs. */
  readonly storeEnvironment: Environment;
}

/** Reports whether a variable is part of the user's keys, which jobs must not see. */
function isKey(name: string): boolean {
  return name === "AWS_ACCESS_KEY_ID" || name === "AWS_SECRET_ACCESS_KEY" ||
    name === "AWS_SESSION_TOKEN";
}

/**
 * Returns the user's keys for an S3 store; undefined for another store. They are passed to a runtime
 * through standard input, since jobs can read the variables that the runtime was started with.
 */
export function storeKeys(
  storeUrl: string,
  storeEnvironment: Environment,
): Environment | undefined {
  if (!storeUrl.startsWith("s3:")) return undefined;
  return Object.fromEntries(Object.entries(storeEnvironment).filter(([name]) => isKey(name)));
}

/**
 * Returns all variables of a runtime process except {@linkcode storeKeys}, as Lambda sets them:
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
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
    [localBucketVariable]: options.bucket,
    LLAMA_ENVIRONMENT: id,
  };
}
