/**
 * Writes traces and reports to files.
 *
 * @module
 */

import { createWriteStream } from "node:fs";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip, createZstdCompress } from "node:zlib";
import { LlamaError, reasonOf } from "../errors.ts";
import { temporaryName, writeWhole } from "../files/whole.ts";

/**
 * Writes text to a file atomically, compressed if its name ends in `.gz` or `.zst`.
 *
 * @param path The file.
 * @param pieces The text, in chunks.
 * @param signal Aborts the write.
 * @throws {LlamaError} `output` if the file cannot be written.
 */
export async function writeCompressed(
  path: string,
  pieces: Iterable<string>,
  signal?: AbortSignal,
): Promise<void> {
  const through = path.endsWith(".gz")
    ? [createGzip()]
    : path.endsWith(".zst")
    ? [createZstdCompress()]
    : [];
  try {
    await writeWhole(path, async (temporary) => {
      const target = createWriteStream(temporary, { flags: "wx" });
      await pipeline(
        [Readable.from(chunked(pieces)), ...through, target],
        signal ? { signal } : {},
      );
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
 * @throws {LlamaError} `output` if it cannot be written.
 */
export async function checkWritable(path: string): Promise<void> {
  const temporary = temporaryName(path);
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    (await Deno.open(temporary, { write: true, createNew: true })).close();
    await Deno.remove(temporary);
    if (await isDirectory(path)) throw new Deno.errors.IsADirectory();
  } catch (cause) {
    throw cannotWrite(path, cause);
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
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

function* chunked(pieces: Iterable<string>): Generator<string, void, undefined> {
  let chunk = "";
  for (const piece of pieces) {
    chunk += piece;
    if (chunk.length < chunkSize) continue;
    yield chunk;
    chunk = "";
  }
  yield chunk;
}
