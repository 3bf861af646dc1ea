/**
 * Creates the zip of llama's layer, with the runtime as `bootstrap`.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Architecture, ownArchitecture } from "../functions/architecture.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import { compileRuntime } from "./compile_runtime.ts";
import { checkModes } from "./package.ts";
import { programKind } from "./executable.ts";
import { type ZipEntry, zipOf } from "./zip_writer.ts";
import { zipMembers } from "./zip_reader.ts";

/**
 * Returns where the runtime's program may be: next to the compiled llama, or in a checkout's `dist`.
 *
 * @param architecture The processor that it is for.
 */
export function programPath(architecture: Architecture): string | undefined {
  const name = `bootstrap-linux-${architecture}`;
  if (Deno.build.standalone) return join(dirname(Deno.execPath()), name);
  const url = new URL(`../../dist/${name}`, import.meta.url);
  return url.protocol === "file:" ? fileURLToPath(url) : undefined;
}

/** Options for {@linkcode runtimeZip}. */
export interface RuntimeZipOptions {
  /** The compiled runtime, or its zip. @default {the one next to llama, or a newly compiled one} */
  readonly named?: string | undefined;
  /** Called before the runtime is compiled, which takes a while. */
  readonly onCompile?: () => void;
  /** Aborts the work. */
  readonly signal: AbortSignal;
}

/**
 * Creates the layer's zip. If no runtime is named and none is next to llama, a compiled llama uses
 * itself, since it contains the runtime; one that runs from its sources compiles the runtime.
 *
 * @param architecture The layer's architecture.
 * @param options The options.
 * @returns The zip; the same runtime gives the same zip.
 * @throws {LlamaError} `input` if there is no runtime, or it cannot be read, cannot be compiled or is
 * for another architecture; the signal's reason.
 */
export async function runtimeZip(
  architecture: Architecture,
  { named, onCompile, signal }: RuntimeZipOptions,
): Promise<Uint8Array> {
  if (named !== undefined) {
    const bytes = await readIfThere(named);
    if (!bytes) throw new LlamaError("input", `cannot read ${named}: no such file or directory`);
    if (isZip(bytes)) {
      checkModes(zipMembers(bytes, named), named);
      return bytes;
    }
    return zipOf([checked(bytes, named, architecture)]);
  }
  const path = programPath(architecture);
  const there = path && await readIfThere(path);
  if (there) return zipOf([checked(there, path, architecture)]);
  if (!Deno.build.standalone) {
    onCompile?.();
    const bytes = await compileRuntime(architecture, signal);
    return zipOf([{ name: "bootstrap", bytes, mode: 0o755 }]);
  }
  if (Deno.build.os === "linux" && ownArchitecture === architecture) {
    const llama = await Deno.readFile(Deno.execPath());
    const start = new TextEncoder().encode('#!/bin/sh\nexec /opt/llama __runtime "$@"\n');
    return zipOf([
      { name: "llama", bytes: llama, mode: 0o755 },
      { name: "bootstrap", bytes: start, mode: 0o755 },
    ]);
  }
  throw new LlamaError("input", `there is no compiled runtime for ${architecture}`, {
    hint: `download llama-runtime-${architecture}.zip of the same release, and add -runtime FILE`,
  });
}

function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b;
}

function checked(bytes: Uint8Array, path: string, architecture: Architecture): ZipEntry {
  const kind = programKind(bytes) ?? "an unknown platform";
  if (kind === architecture) return { name: "bootstrap", bytes, mode: 0o755 };
  throw new LlamaError("input", `${path} is built for ${kind}, not for ${architecture}`, {
    hint: "add -runtime FILE with the runtime for that architecture, or its zip",
  });
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw new LlamaError("input", `cannot read ${path}: ${reasonOf(cause)}`, { cause });
  }
}
