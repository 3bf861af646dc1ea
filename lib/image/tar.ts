/**
 * Entries of tar files in the pax format, which GNU tar and Go's archive/tar read.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
 *
 * @module
 */

import type { LayerEntry } from "./entry.ts";

/** Headers and contents are padded to blocks of this size. */
const blockBytes = 512;

/** The end of a tar file: two empty blocks. */
export const tarEnd: Uint8Array = new Uint8Array(2 * blockBytes);

/** What a field of 11 octal digits can hold. */
const maxOctal = 0o77777777777;

/** What the fields for names can hold, in bytes. */
const maxName = 100;

const encoder = new TextEncoder();

/**
 * Returns what precedes an entry's contents.
 *
 * @param entry The entry, owned by root.
 * @returns Its header, after one with records for what does not fit into its fields.
 */
export function tarHeader(entry: LayerEntry): Uint8Array<ArrayBuffer> {
  const { kind, mode, mtimeSeconds, target = "" } = entry;
  const name = entry.path.slice(1) + (kind === "directory" ? "/" : "");
  const size = kind === "file" ? entry.size : 0;
  const records = [
    ...fits(name) ? [] : [record("path", name)],
    ...fits(target) ? [] : [record("linkpath", target)],
    ...size <= maxOctal ? [] : [record("size", String(size))],
  ].join("");
  const type = kind === "file" ? "0" : kind === "link" ? "2" : "5";
  const own = header({ name, mode, size, mtimeSeconds, type, target });
  if (records === "") return own;
  const bytes = encoder.encode(records);
  const extended = header({
    ...{ name: "PaxHeader", mode: 0o644, size: bytes.length, mtimeSeconds: 0, type: "x" },
    target: "",
  });
  const all = new Uint8Array(2 * blockBytes + bytes.length + tarPadding(bytes.length).length);
  all.set(extended);
  all.set(bytes, blockBytes);
  all.set(own, all.length - blockBytes);
  return all;
}

/**
 * Returns what follows contents of a size, up to a whole block.
 *
 * @param size The contents' size in bytes.
 */
export function tarPadding(size: number): Uint8Array {
  return new Uint8Array((blockBytes - size % blockBytes) % blockBytes);
}

/** Fields are of bytes, and only of ASCII do all readers agree what they mean. */
function fits(text: string): boolean {
  // deno-lint-ignore no-control-regex
  return text.length <= maxName && /^[\x01-\x7f]*$/.test(text);
}

/** `LENGTH KEY=VALUE` and a line's end, where the length counts its own digits too. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = encoder.encode(rest).length;
  let length = bytes;
  while (length !== bytes + String(length).length) length = bytes + String(length).length;
  return `${length}${rest}`;
}

/** The fields of a ustar header. */
interface Fields {
  readonly name: string;
  readonly mode: number;
  readonly size: number;
  readonly mtimeSeconds: number;
  readonly type: string;
  readonly target: string;
}

function header(
  { name, mode, size, mtimeSeconds, type, target }: Fields,
): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(blockBytes);
  const text = (value: string, at: number, length: number) =>
    encoder.encodeInto(value, block.subarray(at, at + length));
  const octal = (value: number, at: number, length: number) =>
    text(value.toString(8).padStart(length - 1, "0"), at, length);
  text(name, 0, maxName);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size <= maxOctal ? size : 0, 124, 12);
  octal(Math.min(Math.max(mtimeSeconds, 0), maxOctal), 136, 12);
  // While it is computed, the checksum counts as spaces.
  text("        ", 148, 8);
  text(type, 156, 1);
  text(target, 157, maxName);
  text("ustar\0" + "00", 257, 8);
  octal(block.reduce((sum, byte) => sum + byte, 0), 148, 7);
  block[154] = 0;
  return block;
}
