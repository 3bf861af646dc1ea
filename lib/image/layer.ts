/**
 * Layers of container images: deterministic tar files, compressed only where a registry needs them.
 *
 * @module
 */

import type { LayerEntry } from "./entry.ts";
import { createHash, type Hash } from "node:crypto";
import { join } from "node:path";
import { LlamaError, reasonOf } from "../errors.ts";
import { gzip } from "./gzip.ts";
import { tarEnd, tarHeader, tarPadding } from "./tar.ts";

/** A layer that was compressed, in a file that is gone when it is disposed of. */
export interface CompressedLayer extends Disposable {
  /** The digest of the compressed bytes: what a registry knows the layer by. */
  readonly digest: string;
  /** The size of the compressed bytes. */
  readonly size: number;
  /** Reads the compressed bytes from `start` up to, but not including, `end`. */
  readonly read: (start: number, end: number) => Promise<Uint8Array<ArrayBuffer>>;
}

/** How much of a file is read at a time. */
const readBytes = 1024 * 1024;

/** A layer. The same entries with the same contents have the same bytes. */
export class Layer {
  /** Its entries, by path. */
  readonly entries: readonly LayerEntry[];
  #diffId: string | undefined;

  /** @param entries What is in it, in any order. */
  constructor(entries: readonly LayerEntry[]) {
    this.entries = entries.toSorted((a, b) => a.path < b.path ? -1 : 1);
  }

  /** The bytes of its files together. */
  get fileBytes(): number {
    return this.entries.reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * Returns the digest of the layer's tar file, which an image's configuration names.
   *
   * @param signal Cancels the operation.
   * @throws {LlamaError} `input` if a file cannot be read, or is not as long as it was.
   */
  async diffId(signal?: AbortSignal): Promise<string> {
    if (this.#diffId === undefined) {
      const hash = createHash("sha256");
      for await (const piece of this.#tar(signal)) hash.update(piece);
      this.#diffId = digestOf(hash);
    }
    return this.#diffId;
  }

  /**
   * Compresses the layer into a file without a name, so that nothing is left of it however llama
   * ends, and memory does not grow with its size.
   *
   * @param temporary A directory for the file.
   * @param signal Cancels the operation.
   * @returns The layer, to be disposed of.
   * @throws {LlamaError} `input` as {@linkcode diffId}, or if a file has changed since that was asked
   * for; `config` if the file cannot be written.
   */
  async compress(temporary: string, signal?: AbortSignal): Promise<CompressedLayer> {
    const expected = await this.diffId(signal);
    const [raw, compressed] = [createHash("sha256"), createHash("sha256")];
    const file = openUnnamed(temporary);
    try {
      let size = 0;
      for await (const piece of gzip(hashed(this.#tar(signal), raw), signal)) {
        compressed.update(piece);
        await writeAll(file, piece, temporary);
        size += piece.length;
      }
      if (digestOf(raw) !== expected) {
        throw new LlamaError("input", "a file was changed while it was being packed", {
          hint: "try again once it is left alone",
        });
      }
      return {
        digest: digestOf(compressed),
        size,
        read: (start, end) => readRange(file, start, end),
        [Symbol.dispose]: () => file.close(),
      };
    } catch (error) {
      file.close();
      throw error;
    }
  }

  async *#tar(signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, undefined> {
    for (const entry of this.entries) {
      signal?.throwIfAborted();
      yield tarHeader(entry);
      if (entry.kind !== "file") continue;
      for await (const piece of contentsOf(entry)) {
        signal?.throwIfAborted();
        yield piece;
      }
      yield tarPadding(entry.size);
    }
    yield tarEnd;
  }
}

/**
 * Yields the bytes of a file; throws if its size has changed since planning. The buffer is reused:
 * hash or copy each piece before requesting the next.
 */
async function* contentsOf(
  { path, source = new Uint8Array(), size, patch }: LayerEntry,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (typeof source !== "string") {
    if (size > 0) yield source;
    return;
  }
  let left = size;
  try {
    using file = await Deno.open(source);
    const buffer = new Uint8Array(Math.min(left, readBytes));
    while (left > 0) {
      const read = await file.read(buffer.subarray(0, Math.min(left, buffer.length)));
      if (read === null) break;
      // The first read has the first bytes.
      if (patch !== undefined && left === size) buffer.set(patch.bytes, patch.at);
      left -= read;
      yield buffer.subarray(0, read);
    }
    if (left === 0 && await file.read(new Uint8Array(1)) === null) return;
  } catch (cause) {
    throw new LlamaError("input", `cannot read ${JSON.stringify(path)}: ${reasonOf(cause)}`, {
      cause,
    });
  }
  throw new LlamaError("input", `${JSON.stringify(path)} was changed while it was being packed`, {
    hint: "try again once it is left alone",
  });
}

async function* hashed(
  pieces: AsyncIterable<Uint8Array>,
  hash: Hash,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
}

function digestOf(hash: Hash): string {
  return `sha256:${hash.copy().digest("hex")}`;
}

/** Opens a file for reading and writing that has no name any more. */
function openUnnamed(directory: string): Deno.FsFile {
  const path = join(directory, `llama-layer-${crypto.randomUUID()}`);
  try {
    const file = Deno.openSync(path, { read: true, write: true, createNew: true, mode: 0o600 });
    Deno.removeSync(path);
    return file;
  } catch (cause) {
    throw cannotKeep(directory, cause);
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array, directory: string): Promise<void> {
  try {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await file.write(rest));
  } catch (cause) {
    throw cannotKeep(directory, cause);
  }
}

function cannotKeep(directory: string, cause: unknown): LlamaError {
  return new LlamaError("config", `cannot keep a layer in ${directory}: ${reasonOf(cause)}`, {
    cause,
    hint: "set TMPDIR to a directory with room for the compressed image",
  });
}

async function readRange(
  file: Deno.FsFile,
  start: number,
  end: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(end - start);
  await file.seek(start, Deno.SeekMode.Start);
  for (let filled = 0; filled < bytes.length;) {
    const read = await file.read(bytes.subarray(filled));
    if (read === null) throw new RangeError(`a layer ends before byte ${end}`);
    filled += read;
  }
  return bytes;
}
