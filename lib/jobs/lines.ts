/**
 * Splits input into lines.
 *
 * @module
 */

import { decodeBytes } from "../template/text.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import { joinBytes } from "../files/bytes.ts";

/** Options for {@linkcode readLines}. */
export interface ReadLinesOptions {
  /** The byte that ends a line. @default {10, a newline} */
  delimiter?: number;
  /** The maximum length of a line in bytes. @default {64 MiB} */
  maxLineBytes?: number;
  /** The input's name in messages. @default {"standard input"} */
  name?: string | undefined;
  /** Cancels the reading. */
  signal?: AbortSignal | undefined;
}

/**
 * Splits a stream of bytes into lines. The last one counts even without its delimiter.
 *
 * @param input The bytes.
 * @param options Delimiter, limit, signal.
 * @returns The lines without their delimiters, in the string form of templates: bytes that are not
 * UTF-8 become lone surrogates.
 * @throws {LlamaError} `input` if the input cannot be read, or a line is longer than the limit.
 */
export async function* readLines(
  input: ReadableStream<Uint8Array>,
  options: ReadLinesOptions = {},
): AsyncGenerator<string, void, undefined> {
  const { delimiter = 10, maxLineBytes = 64 * 1024 * 1024, name, signal } = options;
  const reader = input.getReader();
  // Cancelling ends a pending read, whose input may never come.
  const cancel = () => void reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    let pieces: Uint8Array[] = [];
    let held = 0;
    let number = 1;
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await readPiece(reader, name);
      if (done) break;
      let start = 0;
      for (;;) {
        const end = value.indexOf(delimiter, start);
        const piece = value.subarray(start, end < 0 ? undefined : end);
        held += piece.length;
        if (held > maxLineBytes) {
          throw new LlamaError("input", `line ${number} is longer than ${maxLineBytes} bytes`, {
            hint: "if lines do not end in a line feed, set their delimiter with -0 or -d",
          });
        }
        pieces.push(piece);
        if (end < 0) break;
        yield decodeBytes(join(pieces));
        pieces = [];
        held = 0;
        number++;
        start = end + 1;
      }
    }
    signal?.throwIfAborted();
    if (held > 0) yield decodeBytes(join(pieces));
  } finally {
    signal?.removeEventListener("abort", cancel);
    cancel();
  }
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces;
  return only !== undefined && pieces.length === 1 ? only : joinBytes(pieces);
}

/**
 * Reads the next piece of an input.
 *
 * @param name The input's name in messages.
 * @throws {LlamaError} `input` if it cannot be read, for example because it is a directory.
 */
export async function readPiece(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  name = "standard input",
): Promise<ReadableStreamReadResult<Uint8Array>> {
  try {
    return await reader.read();
  } catch (cause) {
    throw new LlamaError("input", `cannot read ${name}: ${reasonOf(cause)}`, { cause });
  }
}
