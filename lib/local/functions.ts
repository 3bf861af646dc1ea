/**
 * Finds local functions: those in a directory, and those of the command line.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { isMissing, LlamaError, reasonOf } from "../errors.ts";
import {
  defaultMemory,
  defaultTimeout,
  type FunctionDefinition,
  parseFunctionJson,
} from "../functions/definition.ts";

/** A local function. */
export interface LocalFunction {
  /** Its name. */
  readonly name: string;
  /** Its origin, for messages. */
  readonly from: string;
  /** Its directory, the `LAMBDA_TASK_ROOT` of its runtime. */
  readonly directory: string;
  /** Whether the directory is the function's own, with its `function.json`. */
  readonly hasFolder?: boolean | undefined;
  /** Its definition, or the error in it, which only its callers see. */
  readonly definition: FunctionDefinition | LlamaError;
}

/** Options for {@linkcode loadFunctions}. */
export interface LoadFunctionsOptions {
  /** The directory whose subdirectories have a `function.json`; it may be missing. */
  readonly directory: string;
  /** Functions with a shell command; they take precedence over those of the directory. */
  readonly explicit: readonly { readonly name: string; readonly command: string }[];
  /** The directory that relative paths are relative to. */
  readonly cwd: string;
}

/**
 * Finds all functions, including those with an invalid `function.json`, so that others still work.
 *
 * @param options The directory and explicit functions.
 * @returns The functions, sorted by name.
 * @throws {LlamaError} `config` if the directory cannot be read.
 */
export async function loadFunctions(options: LoadFunctionsOptions): Promise<LocalFunction[]> {
  const { directory, explicit, cwd } = options;
  const functions = new Map<string, LocalFunction>();
  for (const folder of await readFolders(resolve(cwd, directory), directory)) {
    const path = join(directory, folder, "function.json");
    const found = await loadFunction(resolve(cwd, directory, folder), path, folder);
    if (!found) continue;
    const other = functions.get(found.name);
    functions.set(found.name, other ? twice(other, found) : found);
  }
  for (const { name, command } of explicit) {
    functions.set(name, {
      name,
      from: `-function ${name}=${command}`,
      directory: cwd,
      definition: {
        name,
        // Like an image's CMD in shell form, to which the runtime appends the arguments.
        command: ["/bin/sh", "-c", command],
        memory: defaultMemory,
        timeout: defaultTimeout,
        environment: {},
      },
    });
  }
  return [...functions.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

async function readFolders(directory: string, shown: string): Promise<string[]> {
  const folders: string[] = [];
  try {
    for await (const entry of Deno.readDir(directory)) {
      if (!entry.isFile) folders.push(entry.name);
    }
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [];
    throw new LlamaError("config", `cannot read functions in ${shown}: ${reasonOf(cause)}`, {
      cause,
      hint: "use -functions to name the directory that has one subdirectory per function",
    });
  }
  // Sorted, so that the message for two functions with one name is always the same.
  return folders.sort();
}

async function loadFunction(
  directory: string,
  path: string,
  folder: string,
): Promise<LocalFunction | undefined> {
  let json;
  try {
    json = await Deno.readTextFile(join(directory, "function.json"));
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    const definition = new LlamaError("config", `cannot read ${path}: ${reasonOf(cause)}`, {
      cause,
    });
    return { name: folder, from: path, directory, definition };
  }
  try {
    const definition = parseFunctionJson(json, path, folder);
    return { name: definition.name, from: path, directory, hasFolder: true, definition };
  } catch (error) {
    if (!(error instanceof LlamaError)) throw error;
    return { name: nameIn(json) ?? folder, from: path, directory, definition: error };
  }
}

/** Returns the name in an otherwise invalid `function.json`, so that its callers see the error. */
function nameIn(json: string): string | undefined {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value !== "object" || value === null || !("name" in value)) return undefined;
    return typeof value.name === "string" ? value.name : undefined;
  } catch {
    return undefined;
  }
}

function twice(first: LocalFunction, second: LocalFunction): LocalFunction {
  const definition = new LlamaError(
    "config",
    `two functions are named ${JSON.stringify(first.name)}: ${first.from} and ${second.from}`,
    { hint: 'give one of them another "name"' },
  );
  return { ...first, from: `${first.from} and ${second.from}`, definition };
}

/**
 * Checks that a function's handler can be started.
 *
 * @param handler The handler: a file in the function's directory, or a program on `PATH`.
 * @param directory The function's directory.
 * @param from The function's origin, for messages.
 * @param path The value of `PATH`.
 * @throws {LlamaError} `config` if the program does not exist or is not executable.
 */
export function checkHandler(handler: string, directory: string, from: string, path: string): void {
  const file = join(directory, handler);
  const mode = fileMode(file);
  if (mode === undefined) {
    const onPath = !handler.includes("/") &&
      path.split(":").some((folder) => folder !== "" && isProgram(join(folder, handler)));
    if (onPath) return;
    throw new LlamaError("config", `${from}: handler: ${file} does not exist`, {
      hint: "a handler is a file in the function's directory, or a program on PATH",
    });
  }
  if ((mode & 0o111) === 0) {
    throw new LlamaError("config", `${from}: handler: ${file} is not executable`, {
      hint: `chmod +x ${file}`,
    });
  }
}

function isProgram(file: string): boolean {
  return ((fileMode(file) ?? 0) & 0o111) !== 0;
}

/** Returns the mode of a regular file; undefined if there is none. */
function fileMode(file: string): number | undefined {
  try {
    const info = Deno.statSync(file);
    return info.isFile ? info.mode ?? 0o755 : undefined;
  } catch {
    return undefined;
  }
}
