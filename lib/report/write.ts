/**
 * Writes traces and reports to files.
 *
 * @module
 */

import { dirname } from "node:path";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip, createZstdCompress } from "node:zlib";
import { LlamaError, reasonOf } from "../errors.ts";
import { temporaryName } from "../files/whole.ts";
import { isDescriptor, writeNamedFile } from "../jobs/output_target.ts";

/** What a file holds, by which one that may be replaced is known. */
export interface Format {
  /** What the file is, with its article, such as `a report`. */
  readonly name: string;
  /** How its text begins, not counting white space. */
  readonly start: string;
}

/** The format of {@linkcode reportPage}. */
export const reportFormat: Format = { name: "a report", start: "<!DOCTYPE html>" };

/** The format of {@linkcode traceText}. */
export const traceFormat: Format = { name: "a trace", start: '{"displayTimeUnit":' };

/**
 * Writes text to a file atomically, compressed if its name ends in `.gz` or `.zst`. Links are
 * followed; devices and pipes are written to.
 *
 * @param path The file.
 * @param pieces The text, in chunks.
 * @param format What the text is.
 * @param signal Aborts the write.
 * @throws {LlamaError} `output` if the file cannot be written, or is there and of another format.
 */
export async function writeCompressed(
  path: string,
  pieces: Iterable<string>,
  format: Format,
  signal?: AbortSignal,
): Promise<void> {
  const through = path.endsWith(".gz")
    ? [createGzip()]
    : path.endsWith(".zst")
    ? [createZstdCompress()]
    : [];
  const writeTo = async (options: Deno.OpenOptions, target: string) => {
    using file = await Deno.open(target, options);
    await pipeline(
      [Readable.from(chunked(pieces)), ...through, writableTo(file)],
      signal ? { signal } : {},
    );
  };
  try {
    await checkReplaceable(path, format);
    await writeNamedFile(path, {
      fill: (temporary) => writeTo({ write: true, createNew: true }, temporary),
      pour: (target) => writeTo({ append: true }, target),
      mode: 0o666,
    });
  } catch (cause) {
    signal?.throwIfAborted();
    throw cannotWrite(path, cause);
  }
}

/**
 * Checks that a file can be written, so that a run fails before its first job and not at its end.
 *
 * @param path The file.
 * @param format The format of what will be written.
 * @throws {LlamaError} `output` if it cannot be written, or is there and of another format.
 */
export async function checkWritable(path: string, format: Format): Promise<void> {
  try {
    const target = await checkReplaceable(path, format);
    if (target === undefined) return;
    const temporary = temporaryName(target);
    await Deno.mkdir(dirname(target), { recursive: true });
    (await Deno.open(temporary, { write: true, createNew: true })).close();
    await Deno.remove(temporary);
  } catch (cause) {
    throw cannotWrite(path, cause);
  }
}

/**
 * Makes sure that nothing is lost when a file is written: only a new file, an empty one or one of
 * the same format is replaced.
 *
 * @returns The path of the file, links followed; undefined if a device or a pipe is written to.
 */
async function checkReplaceable(path: string, format: Format): Promise<string | undefined> {
  const info = await statIfThere(path);
  if (info === undefined) return path;
  if (info.isDirectory) throw new Deno.errors.IsADirectory();
  if (!info.isFile || isDescriptor(path)) return undefined;
  if (info.size > 0 && !await begins(path, format)) {
    throw new LlamaError("output", `the file exists and is not ${format.name}`);
  }
  return await Deno.realPath(path);
}

/** A stream into an open file. That of the file itself would lose a failed write: ENOSPC, for one. */
function writableTo(file: Deno.FsFile): Writable {
  return new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      writeAll(file, chunk).then(() => done(), done);
    },
  });
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await file.write(bytes.subarray(written));
  }
}

/** How compressed files begin. */
const magics = { ".gz": [0x1f, 0x8b], ".zst": [0x28, 0xb5, 0x2f, 0xfd] };

async function begins(path: string, { start }: Format): Promise<boolean> {
  using file = await Deno.open(path);
  const buffer = new Uint8Array(64);
  const head = buffer.subarray(0, await file.read(buffer) ?? 0);
  for (const [extension, magic] of Object.entries(magics)) {
    if (path.endsWith(extension)) return magic.every((byte, at) => head[at] === byte);
  }
  return new TextDecoder().decode(head).trimStart().startsWith(start);
}

async function statIfThere(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function cannotWrite(path: string, cause: unknown): LlamaError {
  return new LlamaError("output", `cannot write ${JSON.stringify(path)}: ${reasonOf(cause)}`, {
    cause,
    hint: "name another file",
  });
}

/** The number of characters to compress at a time; one call per event would be slower. */
const chunkSize = 64 * 1024;

/**
 * Joins pieces of text.
 *
 * @param pieces The pieces.
 * @returns The text in chunks of 64 K characters and more.
 */
export function* chunked(pieces: Iterable<string>): Generator<string, void, undefined> {
  let chunk = "";
  for (const piece of pieces) {
    chunk += piece;
    if (chunk.length < chunkSize) continue;
    yield chunk;
    chunk = "";
  }
  yield chunk;
}
