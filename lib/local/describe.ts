/**
 * The emulator's answer to GetFunction.
 *
 * @module
 */

import { join } from "node:path";
import { hashFile, sha256 } from "../files/hash.ts";
import { open } from "../files/quick.ts";
import type { FunctionDefinition } from "../functions/definition.ts";
import { listDirectory } from "../system/list.ts";
import { version } from "../version.ts";

/** A function to describe. */
export interface Describable {
  /** Its definition. */
  readonly definition: FunctionDefinition;
  /** Its folder; undefined if it was given on the command line and has none. */
  readonly folder: string | undefined;
  /** The directory of programs with relative paths. */
  readonly directory: string;
  /** Its ARN. */
  readonly arn: string;
  /** The value of `PATH`. */
  readonly path: string;
}

/**
 * Returns the answer to GetFunction: https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
 *
 * Its `CodeSha256` is a hash of the definition, of all files in the function's folder, and of the
 * programs of this machine that its command names. `RevisionId` is the same, so that it changes with
 * them.
 */
export async function describeFunction(described: Describable): Promise<unknown> {
  const { definition, arn } = described;
  const code = await codeHash(described);
  return {
    Configuration: {
      FunctionName: definition.name,
      FunctionArn: arn,
      Version: "$LATEST",
      RevisionId: code,
      Role: "",
      PackageType: definition.command === undefined ? "Zip" : "Image",
      Architectures: [Deno.build.arch === "aarch64" ? "arm64" : "x86_64"],
      MemorySize: definition.memory,
      Timeout: definition.timeout,
      Environment: { Variables: definition.environment },
      ...(definition.command === undefined
        ? { Handler: definition.handler }
        : { ImageConfigResponse: { ImageConfig: { Command: definition.command } } }),
      CodeSha256: code,
      // The runtime is that of this llama.
      RuntimeVersionConfig: { RuntimeVersionArn: `llama:${version}` },
      State: "Active",
      LastUpdateStatus: "Successful",
    },
    // It belongs to no stack.
    Tags: { llama: "", ...(definition.pure ? { "llama-pure": "true" } : {}) },
  };
}

async function codeHash({ definition, folder, directory, path }: Describable): Promise<string> {
  // What a result does not depend on.
  const { memory: _memory, timeout: _timeout, concurrency: _concurrency, ...rest } = definition;
  const { name: _name, description: _description, ephemeralStorage: _storage, ...more } = rest;
  const { pure: _pure, ...own } = more;
  const parts: unknown[] = [own];
  if (folder !== undefined) {
    for (const file of filesBelow(folder)) {
      if (file === "function.json") continue;
      parts.push([file, ...await stateOf(join(folder, file))]);
    }
  }
  for (const program of programsOf(definition)) {
    const file = findProgram(program, directory, path);
    if (file !== undefined) parts.push([program, ...await stateOf(file)]);
  }
  return sha256(JSON.stringify(parts));
}

/**
 * Returns the words of a function's command, any of which may be a program: a shell's script names
 * its programs in its text.
 */
function programsOf({ handler, command = [], programs = [] }: FunctionDefinition): Set<string> {
  const words = [handler ?? "", ...programs, ...command].flatMap((text) => [
    text,
    ...text.split(/[\s;|&()<>"'`$={}]+/),
  ]);
  return new Set(words.filter((word) => word !== ""));
}

/** Returns the file of a program; undefined if the word is not a program. */
function findProgram(word: string, directory: string, path: string): string | undefined {
  const files = word.includes("/")
    ? [word.startsWith("/") ? word : join(directory, word)]
    : path.split(":").filter((folder) => folder !== "").map((folder) => join(folder, word));
  return files.find((file) => {
    try {
      return Deno.statSync(file).isFile;
    } catch {
      // It is not a program.
      return false;
    }
  });
}

/** Lists what is not a directory below a folder, as relative paths, sorted. */
function filesBelow(folder: string, below = ""): string[] {
  return listDirectory(join(folder, below)).flatMap(({ name, shown, kind }) => {
    const path = join(below, name ?? shown);
    return kind === "directory" ? filesBelow(folder, path) : [path];
  });
}

/** Returns the kind, the mode and the contents of a file, or where a link leads to. */
async function stateOf(path: string): Promise<(string | number)[]> {
  let target: string | undefined;
  try {
    target = Deno.readLinkSync(path);
  } catch {
    // It is not a link.
  }
  try {
    const { isFile, mode } = Deno.statSync(path);
    if (!isFile) return ["other", target ?? ""];
    using file = await open(path);
    return ["file", (mode ?? 0) & 0o111, (await hashFile(file)).id, target ?? ""];
  } catch (error) {
    if (target !== undefined && error instanceof Deno.errors.NotFound) return ["link", target];
    throw error;
  }
}
