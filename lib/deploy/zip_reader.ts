/**
 * Lists the contents of a zip archive without unpacking it.
 *
 * @module
 */

import { inflateSync } from "npm:fflate@0.8.3";
import { LlamaError } from "../errors.ts";

/** A file or directory in an archive. */
export interface ZipMember {
  /** Its path in the archive. */
  readonly name: string;
  /** Its unpacked size in bytes. */
  readonly bytes: number;
  /** Its Unix mode; undefined if the archive has none. */
  readonly mode: number | undefined;
  /** Unpacks it. */
  readonly read: () => Uint8Array;
}

const endSignature = 0x06054b50;
const entrySignature = 0x02014b50;
const endLength = 22;
const entryLength = 46;
/** The maximum length of the comment at an archive's end. */
const maxComment = 0xffff;
const unix = 3;

/**
 * Reads an archive's central directory (PKWARE's APPNOTE.TXT, 4.3.12 and 4.3.16). Zip64, for more
 * than 65,535 files or 4 GB, is not supported: it exceeds Lambda's limits.
 *
 * @param zip The archive.
 * @param from Its path, for messages.
 * @returns Its files and directories.
 * @throws {LlamaError} `input` if it is not a complete zip archive.
 */
export function zipMembers(zip: Uint8Array, from: string): ZipMember[] {
  const broken = () =>
    new LlamaError("input", `${from} is not a complete zip file`, {
      hint: "create it again, or pass the folder that it is made from",
    });
  const view = new DataView(zip.buffer, zip.byteOffset, zip.length);
  let end = zip.length - endLength;
  const first = Math.max(0, end - maxComment);
  while (end >= first && view.getUint32(end, true) !== endSignature) end--;
  if (end < first) throw broken();

  const members: ZipMember[] = [];
  const decoder = new TextDecoder();
  let at = view.getUint32(end + 16, true);
  for (let count = view.getUint16(end + 10, true); count > 0; count--) {
    if (at + entryLength > end || view.getUint32(at, true) !== entrySignature) throw broken();
    const nameLength = view.getUint16(at + 28, true);
    const name = decoder.decode(zip.subarray(at + entryLength, at + entryLength + nameLength));
    const attributes = view.getUint32(at + 38, true);
    const method = view.getUint16(at + 10, true);
    const packed = view.getUint32(at + 20, true);
    const local = view.getUint32(at + 42, true);
    members.push({
      name,
      bytes: view.getUint32(at + 24, true),
      mode: view.getUint8(at + 5) === unix ? attributes >>> 16 || undefined : undefined,
      read: () => {
        if (local + 30 > end) throw broken();
        const start = local + 30 + view.getUint16(local + 26, true) +
          view.getUint16(local + 28, true);
        const bytes = zip.subarray(start, start + packed);
        try {
          return method === 0 ? bytes : inflateSync(bytes);
        } catch {
          throw broken();
        }
      },
    });
    at += entryLength + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return members;
}
