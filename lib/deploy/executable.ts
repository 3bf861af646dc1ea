/**
 * Detects a program's platform from its first bytes.
 *
 * @module
 */

import { elfArchitectures } from "../functions/architecture.ts";

/**
 * Returns the platform that a program is built for.
 *
 * @param program The program, or at least its first 20 bytes.
 * @returns The architecture, a description of a platform that Lambda does not support, or undefined
 * for scripts and other portable programs.
 */
export function programKind(program: Uint8Array): string | undefined {
  if (program.length < 20) return undefined;
  const view = new DataView(program.buffer, program.byteOffset, program.length);
  if (view.getUint32(0) === 0x7f454c46) {
    const isLittleEndian = view.getUint8(5) === 1;
    const machine = view.getUint16(18, isLittleEndian);
    return elfArchitectures[machine] ?? `another architecture (ELF machine ${machine})`;
  }
  // Mach-O, for one architecture or universal. A Java class begins like the latter, but cannot be
  // executed by itself.
  if ([0xcffaedfe, 0xcefaedfe, 0xcafebabe].includes(view.getUint32(0))) return "macOS";
  if (view.getUint16(0) === 0x4d5a) return "Windows";
  return undefined;
}
