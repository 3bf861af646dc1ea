/**
 * Programs and libraries of Linux, as far as their headers tell.
 *
 * @module
 */

import { type Architecture, elfArchitectures } from "../functions/architecture.ts";

/** What an ELF file's headers say. */
export interface ElfHeaders {
  /** Whether addresses have 32 or 64 bits. */
  readonly bits: 32 | 64;
  /** The processor that it is for; undefined for one that Lambda does not have. */
  readonly architecture: Architecture | undefined;
  /** The program that loads it, of a program with shared libraries. */
  readonly interpreter: string | undefined;
  /** Whether it has a dynamic section: it is a library, or is linked with some. */
  readonly isDynamic: boolean;
}

/** Types of program headers: PT_DYNAMIC and PT_INTERP of elf(5). */
const dynamicHeader = 2;
const interpreterHeader = 3;

/** Program headers follow the ELF header at once, and few programs have more than a dozen. */
const readBytes = 4096;

/**
 * Reads the headers of an ELF file.
 *
 * @param path The file.
 * @returns What they say; undefined if it is not an ELF file.
 * @throws What the file system throws.
 */
export function readElf(path: string): ElfHeaders | undefined {
  using file = Deno.openSync(path);
  const bytes = new Uint8Array(readBytes);
  const length = file.readSync(bytes) ?? 0;
  const view = new DataView(bytes.buffer, 0, length);
  if (length < 52 || view.getUint32(0) !== 0x7f454c46) return undefined;
  const bits = view.getUint8(4) === 2 ? 64 : 32;
  const isLittle = view.getUint8(5) === 1;
  const architecture = bits === 64 && isLittle
    ? elfArchitectures[view.getUint16(18, true)]
    : undefined;
  // Nothing else is loaded in Lambda, and so nothing more is asked of it.
  if (architecture === undefined) {
    return { bits, architecture, interpreter: undefined, isDynamic: false };
  }
  // The header of 64 bits is longer.
  if (length < 64) return undefined;
  const table = Number(view.getBigUint64(32, true));
  const size = view.getUint16(54, true);
  const count = view.getUint16(56, true);
  let interpreter: string | undefined;
  let isDynamic = false;
  for (let at = table; at < table + size * count && at + 40 <= length; at += size) {
    const type = view.getUint32(at, true);
    if (type === dynamicHeader) isDynamic = true;
    if (type !== interpreterHeader) continue;
    const start = Number(view.getBigUint64(at + 8, true));
    const pathBytes = Number(view.getBigUint64(at + 32, true));
    if (pathBytes > readBytes || !Number.isSafeInteger(start)) continue;
    const text = new Uint8Array(pathBytes);
    file.seekSync(start, Deno.SeekMode.Start);
    const read = file.readSync(text) ?? 0;
    interpreter = new TextDecoder().decode(text.subarray(0, read)).replace(/\0.*$/s, "");
  }
  return { bits, architecture, interpreter, isDynamic };
}
