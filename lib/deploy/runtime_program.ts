/**
 * The runtime's program, for images.
 *
 * @module
 */

import type { RuntimeProgram } from "../image/pack.ts";
import { join } from "node:path";
import { type Architecture, ownArchitecture } from "../functions/architecture.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import { removeIfThere } from "../files/whole.ts";
import { runtimeSubcommand } from "../local/runtime_command.ts";
import { compileRuntime } from "./compile_runtime.ts";
import { programKind } from "./executable.ts";
import { programPath, type RuntimeZipOptions } from "./runtime_zip.ts";

/**
 * Finds the runtime's program as `runtimeZip` does for the layer.
 *
 * @param architecture The processor that it is for.
 * @param options How it is found.
 * @returns The program.
 * @throws {LlamaError} `config` if there is none, or it is for another processor; `input` if it cannot
 * be compiled; the signal's reason.
 */
export async function findRuntimeProgram(
  architecture: Architecture,
  { named, onCompile, signal }: RuntimeZipOptions,
): Promise<RuntimeProgram> {
  const path = named ?? programPath(architecture);
  const kind = path === undefined ? undefined : await kindOf(path, named !== undefined);
  if (path !== undefined && kind !== undefined) {
    if (kind === architecture) return { path, args: [], [Symbol.asyncDispose]: nothing };
    throw new LlamaError("config", `${path} is made for ${kind}, not for ${architecture}`, {
      hint: "name the runtime's program for that processor, not its zip: -runtime FILE",
    });
  }
  if (!Deno.build.standalone) {
    onCompile?.();
    const bytes = await compileRuntime(architecture, signal);
    const directory = await Deno.makeTempDir({ prefix: "llama-runtime-" });
    const program = join(directory, "bootstrap");
    await Deno.writeFile(program, bytes, { mode: 0o755 });
    const remove = () => removeIfThere(directory);
    return { path: program, args: [], [Symbol.asyncDispose]: remove };
  }
  if (Deno.build.os === "linux" && architecture === ownArchitecture) {
    // The compiled llama has the runtime, too.
    const path = Deno.execPath();
    return { path, args: [runtimeSubcommand], [Symbol.asyncDispose]: nothing };
  }
  throw new LlamaError("config", `there is no compiled runtime for ${architecture}`, {
    hint: "get bootstrap of the same release, and name it: -runtime FILE",
  });
}

function nothing(): Promise<void> {
  return Promise.resolve();
}

/** Undefined where there is no such file and none was named. */
async function kindOf(path: string, isNamed: boolean): Promise<string | undefined> {
  try {
    using file = await Deno.open(path);
    const bytes = new Uint8Array(20);
    await file.read(bytes);
    return programKind(bytes) ?? "no processor that is known";
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound && !isNamed) return undefined;
    throw new LlamaError("config", `cannot read ${path}: ${reasonOf(cause)}`, { cause });
  }
}
