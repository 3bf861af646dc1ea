/**
 * The zip of llama's layer: the runtime as `bootstrap`.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Architecture } from "../aws/lambda_function.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import { compileRuntime } from "./compile_runtime.ts";
import { checkModes } from "./package.ts";
import { programKind } from "./program.ts";
import { type ZipEntry, zipOf } from "./zip.ts";
import { zipMembers } from "./zip_directory.ts";

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

/** How the zip is come by. */
export interface RuntimeZipOptions {
  /** The compiled runtime, or the zip. @default {what lies beside llama, or is made} */
  readonly named?: string | undefined;
  /** Told when the runtime is compiled, which takes a while. */
  readonly onCompile?: () => void;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

/**
 * Makes the layer's zip.
 *
 * @param architecture The processor that it is for.
 * @param options How it is come by. Where no runtime is named, and none lies beside llama, the
 * compiled llama is taken itself, which has the runtime too; one that runs from its sources compiles
 * it.
 * @returns The zip; the same for the same runtime.
 * @throws {LlamaError} `input` if there is no runtime, or it cannot be read, cannot be compiled or is
 * for another processor; the signal's reason.
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
    hint: `get llama-runtime-${architecture}.zip of the same release, and name it: -runtime FILE`,
  });
}

const ownArchitecture: Architecture = Deno.build.arch === "aarch64" ? "arm64" : "x86_64";

function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b;
}

function checked(bytes: Uint8Array, path: string, architecture: Architecture): ZipEntry {
  const kind = programKind(bytes) ?? "no processor that is known";
  if (kind === architecture) return { name: "bootstrap", bytes, mode: 0o755 };
  throw new LlamaError("input", `${path} is made for ${kind}, not for ${architecture}`, {
    hint: "name the runtime's program for that processor, or its zip: -runtime FILE",
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
