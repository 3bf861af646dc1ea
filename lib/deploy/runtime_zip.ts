/**
 * The zip of llama's layer: the runtime as `bootstrap`.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Architecture } from "../aws/lambda_function.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import { programKind } from "./program.ts";
import { type ZipEntry, zipOf } from "./zip.ts";

/** Where the programs may be: of a checkout, and beside the compiled llama. */
function programPaths(architecture: Architecture): string[] {
  const name = `bootstrap-linux-${architecture}`;
  return Deno.build.standalone
    ? [join(dirname(Deno.execPath()), name)]
    : [fileURLToPath(new URL(`../../dist/${name}`, import.meta.url))];
}

/**
 * Makes the layer's zip.
 *
 * @param architecture The processor that it is for.
 * @param named The compiled runtime, or the zip; without it, what lies beside llama is taken, or
 * llama itself, which has the runtime too.
 * @returns The zip; the same for the same runtime.
 * @throws {LlamaError} `input` if there is no runtime, or it cannot be read or is for another
 * processor.
 */
export async function runtimeZip(
  architecture: Architecture,
  named: string | undefined,
): Promise<Uint8Array> {
  if (named !== undefined) {
    const bytes = await readIfThere(named);
    if (!bytes) throw new LlamaError("input", `cannot read ${named}: no such file or directory`);
    if (isZip(bytes)) return bytes;
    return zipOf([checked(bytes, named, architecture)]);
  }
  for (const path of programPaths(architecture)) {
    const bytes = await readIfThere(path);
    if (bytes) return zipOf([checked(bytes, path, architecture)]);
  }
  if (Deno.build.standalone && Deno.build.os === "linux" && ownArchitecture === architecture) {
    const llama = await Deno.readFile(Deno.execPath());
    const start = new TextEncoder().encode('#!/bin/sh\nexec /opt/llama __runtime "$@"\n');
    return zipOf([
      { name: "llama", bytes: llama, mode: 0o755 },
      { name: "bootstrap", bytes: start, mode: 0o755 },
    ]);
  }
  throw new LlamaError("input", `there is no compiled runtime for ${architecture}`, {
    hint: Deno.build.standalone
      ? "get it from the same release, and name it: -runtime FILE"
      : "`deno task compile` makes it; or name one: -runtime FILE",
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
