/**
 * The outline of a zstd frame: https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1
 *
 * Deno's decompressor ignores a missing end and whatever follows the first frame, and ends the
 * process if a stream turns out to be damaged after its first output. So frames are outlined here:
 * incomplete ones and trailing bytes are refused, and the decompressor is given one block at a time,
 * whose output is at most 128 KiB.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";

const magic = 0xfd2fb528;

/** The sizes of the optional fields of a header, by the value of their flag. */
const dictionaryIdBytes = [0, 1, 2, 4] as const;
const contentSizeBytes = [0, 2, 4, 8] as const;

/** In a block's header: the block is a single byte, repeated. */
const repeatedBlock = 1;

/** Yields the lengths of a frame's parts, and is given each part. */
function* outline(): Generator<number, void, Uint8Array> {
  const start = yield 5;
  if (littleEndian(start.subarray(0, 4)) !== magic) throw damaged("it does not begin with one");
  const descriptor = start[4] ?? 0;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const contentSizeFlag = descriptor >> 6;
  const rest = (isSingleSegment ? 0 : 1) + (dictionaryIdBytes[descriptor & 3] ?? 0) +
    (isSingleSegment && contentSizeFlag === 0 ? 1 : contentSizeBytes[contentSizeFlag] ?? 0);
  if (rest > 0) yield rest;
  for (let isLast = false; !isLast;) {
    const header = littleEndian(yield 3);
    isLast = (header & 1) !== 0;
    const length = (header >> 1 & 3) === repeatedBlock ? 1 : header >> 3;
    if (length > 0) yield length;
  }
  if ((descriptor & 4) !== 0) yield 4;
}

/**
 * Checks that bytes are one whole frame. Its contents are not checked.
 *
 * @throws {LlamaError} `protocol` if there is no frame, it is truncated, or something follows it.
 */
export function checkFrame(bytes: Uint8Array): void {
  const parts = outline();
  let position = 0;
  for (let next = parts.next(nothing); !next.done;) {
    const end = position + next.value;
    if (end > bytes.length) throw truncated();
    next = parts.next(bytes.subarray(position, end));
    position = end;
  }
  if (position < bytes.length) throw trailing();
}

/**
 * Cuts a frame that arrives in pieces of any size into its parts.
 *
 * @param pieces The frame; each piece may be overwritten once the next is asked for.
 * @param options Whether to ignore what follows the frame. @default {refused}
 * @returns The parts, of at most 2 MiB each.
 * @throws {LlamaError} As {@linkcode checkFrame}.
 */
export async function* partsOf(
  pieces: AsyncIterable<Uint8Array>,
  { isFirst = false }: { isFirst?: boolean } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const parts = outline();
  let next = parts.next(nothing);
  let part = new Uint8Array(next.done ? 0 : next.value);
  let filled = 0;
  for await (const piece of pieces) {
    for (let rest = piece; rest.length > 0;) {
      if (next.done && isFirst) return;
      if (next.done) throw trailing();
      const taken = rest.subarray(0, part.length - filled);
      part.set(taken, filled);
      filled += taken.length;
      rest = rest.subarray(taken.length);
      if (filled < part.length) continue;
      next = parts.next(part);
      yield part;
      part = new Uint8Array(next.done ? 0 : next.value);
      filled = 0;
    }
  }
  if (!next.done) throw truncated();
}

/**
 * Returns the error for contents that are not what they should be.
 *
 * @param reason What is wrong.
 * @param cause The decompressor's error.
 */
export function damaged(reason: string, cause?: unknown): LlamaError {
  return new LlamaError("protocol", `the zstd frame is damaged: ${reason}`, { cause });
}

function truncated(): LlamaError {
  return damaged("it is truncated");
}

function trailing(): LlamaError {
  return damaged("more bytes follow it");
}

function littleEndian(bytes: Uint8Array): number {
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}

const nothing = new Uint8Array();
