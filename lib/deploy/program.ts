/**
 * What a program is made for, as its first bytes say.
 *
 * @module
 */

import type { Architecture } from "../aws/api/lambda_types.ts";

/** ELF's numbers for the processors that Lambda has (`e_machine`). */
const machines: Readonly<Record<number, Architecture>> = { 62: "x86_64", 183: "arm64" };

/**
 * The processor that a program is made for.
 *
 * @param program The program, or at least its first 20 bytes.
 * @returns The processor, words for what Lambda cannot run, or undefined for a script or whatever
 * else runs on any.
 */
export function programKind(program: Uint8Array): string | undefined {
  if (program.length < 20) return undefined;
  const view = new DataView(program.buffer, program.byteOffset, program.length);
  if (view.getUint32(0) === 0x7f454c46) {
    const isLittleEndian = view.getUint8(5) === 1;
    const machine = view.getUint16(18, isLittleEndian);
    return machines[machine] ?? `another processor (ELF machine ${machine})`;
  }
  // Mach-O of one processor or of several; a Java class begins as the latter, and is no program.
  if ([0xcffaedfe, 0xcefaedfe, 0xcafebabe].includes(view.getUint32(0))) return "macOS";
  if (view.getUint16(0) === 0x4d5a) return "Windows";
  return undefined;
}
