/**
 * `/etc/ld.so.cache`, by which glibc's loader finds libraries in directories that it does not search
 * by itself, such as `/usr/local/lib`.
 *
 * @module
 */

import { isFile } from "../files/is_file.ts";
import type { Architecture } from "../functions/architecture.ts";
import { LlamaError, reasonOf } from "../errors.ts";

/** A library that programs find by the cache. */
export interface CachedLibrary {
  /** The name that programs are linked with, such as `libfoo.so.1`. */
  readonly name: string;
  /** Its absolute path. */
  readonly path: string;
}

/** Where Debian and others keep it; `PATH` of a user may not say so. */
const programs = ["/usr/sbin/ldconfig", "/sbin/ldconfig"];

/** Directories that the loader searches without the cache. */
const searched = /^(\/usr)?\/lib(64|\/(x86_64|aarch64)-linux-gnu)?\/[^/]+$/;

/**
 * Lists the libraries of this machine that programs find only by the cache.
 *
 * @param signal Cancels the operation.
 * @returns The libraries; none where there is no ldconfig.
 * @throws {LlamaError} `config` if ldconfig cannot be run.
 */
export async function cachedLibraries(signal?: AbortSignal): Promise<CachedLibrary[]> {
  const program = programs.find(isFile);
  if (program === undefined) return [];
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(program, {
      args: ["-p"],
      env: { LC_ALL: "C" },
      stdin: "null",
      ...(signal === undefined ? {} : { signal }),
    }).output();
  } catch (cause) {
    signal?.throwIfAborted();
    throw new LlamaError("config", `cannot run ${program}: ${reasonOf(cause)}`, { cause });
  }
  signal?.throwIfAborted();
  // "	libfoo.so.1 (libc6,x86-64) => /usr/local/lib/libfoo.so.1"
  const lines = new TextDecoder().decode(output.stdout)
    .matchAll(/^\t(\S+) \(libc6,(?:x86-64|AArch64)\b.*\) => (\/.*)$/gm);
  return Array.from(lines, ([, name = "", path = ""]) => ({ name, path }))
    .filter(({ path }) => !searched.test(path));
}

/** FLAG_ELF_LIBC6 with FLAG_X8664_LIB64 or FLAG_AARCH64_LIB64 of glibc's ldconfig.h. */
const flags: Readonly<Record<Architecture, number>> = { x86_64: 0x0303, arm64: 0x0a03 };

const magic = "glibc-ld.so.cache1.1";
const headerBytes = 48;
const entryBytes = 24;
const littleEndian = 2;

/**
 * Writes a cache in the format that glibc has read since 2.2, and written alone since 2.32: `struct
 * cache_file_new` of its dl-cache.h.
 *
 * @param libraries What is in it, in any order.
 * @param architecture The processor that they are for.
 * @returns The cache; the same for the same libraries.
 */
export function writeLoaderCache(
  libraries: readonly CachedLibrary[],
  architecture: Architecture,
): Uint8Array<ArrayBuffer> {
  // The loader looks a name up by bisection, the largest first.
  const sorted = libraries.toSorted((a, b) =>
    compareNames(b.name, a.name) || (a.path < b.path ? -1 : 1)
  );
  const encoder = new TextEncoder();
  const stringsAt = headerBytes + entryBytes * sorted.length;
  const strings: Uint8Array[] = [];
  let end = stringsAt;
  const add = (text: string) => {
    const at = end;
    const bytes = encoder.encode(`${text}\0`);
    strings.push(bytes);
    end += bytes.length;
    return at;
  };
  const places = sorted.map(({ name, path }) => [add(name), add(path)] as const);
  const bytes = new Uint8Array(end);
  const view = new DataView(bytes.buffer);
  bytes.set(encoder.encode(magic));
  view.setUint32(20, sorted.length, true);
  view.setUint32(24, end - stringsAt, true);
  view.setUint8(28, littleEndian);
  for (const [index, [name, path]] of places.entries()) {
    const at = headerBytes + entryBytes * index;
    view.setInt32(at, flags[architecture], true);
    view.setUint32(at + 4, name, true);
    view.setUint32(at + 8, path, true);
  }
  let at = stringsAt;
  for (const text of strings) {
    bytes.set(text, at);
    at += text.length;
  }
  return bytes;
}

/** `_dl_cache_libcmp` of glibc: numbers within names count as numbers, and after letters. */
function compareNames(a: string, b: string): number {
  const [first, second] = [a, b].map((name) => name.match(/\d+|\D/g) ?? []);
  for (const [index, part] of (first ?? []).entries()) {
    const other = second?.[index];
    if (other === undefined) return 1;
    const [isNumber, isOther] = [/\d/.test(part), /\d/.test(other)];
    if (isNumber !== isOther) return isNumber ? 1 : -1;
    const difference = isNumber
      ? Number(part) - Number(other)
      : part.charCodeAt(0) - other.charCodeAt(0);
    if (difference !== 0) return difference;
  }
  return (first?.length ?? 0) - (second?.length ?? 0);
}
