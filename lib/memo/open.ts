/**
 * Opens the kept results of a function.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import { getFunctionIdentity } from "../aws/api/lambda_identity.ts";
import type { KnownFunctions } from "../aws/known_functions.ts";
import type { Environment } from "../environment.ts";
import { isAbort, LlamaError } from "../errors.ts";
import type { JobRunner } from "../jobs/run_options.ts";
import { noteDirectory } from "../store/known_objects.ts";
import { DirectoryStore } from "../store/directory.ts";
import { pathToFileURL } from "node:url";
import { DirectoryResults, resultsDirectory } from "./directory.ts";
import { History } from "./history.ts";
import { Memo } from "./memo.ts";
import type { CacheMode, MemoOptions, MemoPlace } from "./options.ts";

/** Options for {@linkcode openMemo}. */
export interface OpenMemoOptions
  extends Pick<MemoOptions, "explains" | "identifyObject" | "meter" | "notice"> {
  /** The function, as the user names it. */
  readonly functionName: string;
  /** What to do; undefined if the function is believed to be pure, and nothing was asked for. */
  readonly mode: CacheMode | undefined;
  /** The client of Lambda. */
  readonly client: AwsClient;
  /** The connection that runs the jobs. */
  readonly runner: JobRunner;
  /** What is known about functions. */
  readonly functions: KnownFunctions | undefined;
  /** Whether the store's objects are gone when the connection is closed. */
  readonly isStoreTemporary: boolean;
  /** The environment variables. */
  readonly environment: Environment;
  /** Ends the work early. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Opens the kept results of a function, with one call of GetFunction.
 *
 * @returns The kept results; undefined if they cannot be used, which the user was told, or if the
 * function turns out not to be pure and nothing was asked for.
 * @throws {LlamaError} `config` if `LLAMA_CACHE` is not valid, or forbids what was asked for; in modes `only` and `verify`, which
 * make no sense without kept results, why they cannot be used.
 */
export async function openMemo(options: OpenMemoOptions): Promise<Memo | undefined> {
  const { functionName, mode, client, functions, environment, signal } = options;
  const isReadOnly = readsOnly(environment);
  if (isReadOnly && mode === "refresh") {
    throw new LlamaError("config", "LLAMA_CACHE=read forbids replacing kept results", {
      hint: "unset it, or pass -no-cache to run all jobs",
    });
  }
  const identify = (signal: AbortSignal | undefined) =>
    getFunctionIdentity(client, functionName, signal);
  try {
    const first = await identify(signal);
    functions?.learn(functionName, { isPure: first.isPure });
    if (mode === undefined && !first.isPure) return undefined;
    if (first.unready !== undefined) {
      throw new LlamaError("config", `the function is not ready: ${first.unready}`);
    }
    return new Memo({
      ...options,
      mode: mode ?? "on",
      isReadOnly,
      first,
      identify,
      place: placeOf(options),
      history: historyOf(options),
    });
  } catch (error) {
    if (!(error instanceof LlamaError) || isAbort(error, signal)) throw error;
    // Without kept results, `only` would run jobs that must not run.
    if (mode === "only" || mode === "verify") throw error;
    // The jobs report the same, and end the run.
    if (error.code === "no-such-function") return undefined;
    const hint = error.hint ?? "all jobs run; see docs/cache.md";
    options.notice(`kept results of ${functionName} are not used: ${error.message}`, hint);
    return undefined;
  }
}

/** Reports whether `LLAMA_CACHE` forbids this client to write. */
function readsOnly({ LLAMA_CACHE: value }: Environment): boolean {
  if (value === undefined || value === "") return false;
  if (value === "read") return true;
  throw new LlamaError("config", `LLAMA_CACHE must be "read", not ${JSON.stringify(value)}`, {
    hint: "unset it to keep results, or pass -no-cache to run without them",
  });
}

function placeOf(
  { runner: { store }, isStoreTemporary, environment }: OpenMemoOptions,
): MemoPlace {
  if (store?.kept !== undefined) return { results: store.kept, objects: store };
  const directory = resultsDirectory(environment);
  if (directory === undefined) {
    throw new LlamaError("config", "there is no directory for kept results", {
      hint: "set LLAMA_DIR, XDG_CACHE_HOME or HOME",
    });
  }
  const results = new DirectoryResults(directory);
  if (store !== undefined && !isStoreTemporary) return { results, objects: store };
  const objects = new DirectoryStore(pathToFileURL(results.objects).href);
  if (store === undefined) return { results, objects };
  return {
    results,
    objects,
    keepObject: (blob, signal) => results.keepObject(store, blob, signal),
  };
}

function historyOf({ environment, functionName }: OpenMemoOptions): History | undefined {
  const directory = noteDirectory(environment) && resultsDirectory(environment);
  return directory === undefined ? undefined : new History(directory, functionName);
}
