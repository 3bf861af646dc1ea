/**
 * Diagnoses programs by the beginning of their files.
 *
 * @module
 */

/** The reason why the kernel refuses a binary. */
export const foreign = `it is not a program for this machine (${Deno.build.arch})`;

/**
 * Returns up to the first 256 bytes of a file; none if it cannot be read.
 */
export function beginning(path: string): Uint8Array {
  const bytes = new Uint8Array(256);
  try {
    using file = Deno.openSync(path);
    return bytes.subarray(0, file.readSync(bytes) ?? 0);
  } catch {
    // It may be executable but not readable.
    return bytes.subarray(0, 0);
  }
}

/**
 * Returns {@linkcode beginning} as text.
 */
export function textBeginning(path: string): string {
  return new TextDecoder().decode(beginning(path));
}

/**
 * Returns advice for a script with Windows line ends: the kernel takes the CR at the end of its first
 * line for a part of the interpreter's name or argument. Returns undefined for other files.
 */
export function windowsLine(path: string): string | undefined {
  return /^#![^\n]*\r(\n|$)/.test(textBeginning(path))
    ? "its first line ends in CR LF, as on Windows: convert it with dos2unix"
    : undefined;
}
