/**
 * Buffers standard input until it can be sent.
 *
 * @module
 */

import { join } from "node:path";
import type { BlobSource } from "../store/blob.ts";
import type { Environment } from "../environment.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import { removeIfThere } from "../files/whole.ts";
import { maxInlineBytes } from "../protocol.ts";
import { writeToFile } from "../files/quick.ts";
import { makeOwnDirectory, removeStaleDirectories } from "../files/run_directory.ts";
import { readPiece } from "./lines.ts";
import { joinBytes } from "../files/bytes.ts";

/**
 * Reads a stream to its end: into memory if it is small enough to be inlined, else into a temporary
 * file.
 *
 * @param environment `TMPDIR` names the parent of the file's directory; the default is `/tmp`.
 * @param signal Ends the work early.
 * @param onProgress Called with the number of bytes read so far.
 * @returns The bytes, or a file in a directory of its own, which the caller removes. After a SIGKILL,
 * the next run that spools removes it.
 * @throws {LlamaError} `input` if the stream cannot be read or buffered.
 */
export async function spool(
  input: ReadableStream<Uint8Array>,
  environment: Environment,
  signal?: AbortSignal,
  onProgress?: (bytes: number) => void,
): Promise<BlobSource> {
  const directory = environment["TMPDIR"] || "/tmp";
  const reader = input.getReader();
  const cancel = () => void reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener("abort", cancel, { once: true });
  const pieces: Uint8Array[] = [];
  let size = 0;
  let own: string | undefined;
  let path = "";
  let file: Deno.FsFile | undefined;
  try {
    for (;;) {
      const { done, value } = await readPiece(reader);
      signal?.throwIfAborted();
      if (done) break;
      size += value.length;
      onProgress?.(size);
      if (file === undefined && size <= maxInlineBytes) {
        pieces.push(value);
        continue;
      }
      if (file === undefined) {
        await removeStaleDirectories(directory);
        own = makeOwnDirectory(directory);
        path = join(own, "stdin");
        file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
        for (const piece of pieces.splice(0)) await writeToFile(file, piece);
      }
      await writeToFile(file, value);
    }
  } catch (cause) {
    if (own !== undefined) await removeIfThere(own);
    signal?.throwIfAborted();
    if (cause instanceof LlamaError) throw cause;
    const message = `cannot buffer standard input in ${directory}: ${reasonOf(cause)}`;
    throw new LlamaError("input", message, {
      cause,
      hint: "set TMPDIR to a directory with enough free space",
    });
  } finally {
    signal?.removeEventListener("abort", cancel);
    file?.close();
    cancel();
  }
  if (own !== undefined) return { path, size };
  return joinBytes(pieces);
}
