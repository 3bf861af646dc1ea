/**
 * What the beginning of a program's file tells.
 *
 * @module
 */

/** What is wrong with a binary that the kernel does not take. */
export const foreign = `it is not a program for this machine (${Deno.build.arch})`;

/**
 * Reads the beginning of a file.
 *
 * @param path The file.
 * @returns Up to 256 bytes; none if it cannot be read.
 */
export function beginning(path: string): Uint8Array {
  const bytes = new Uint8Array(256);
  try {
    using file = Deno.openSync(path);
    return bytes.subarray(0, file.readSync(bytes) ?? 0);
  } catch {
    // Executable but not readable: then there is nothing to tell.
    return bytes.subarray(0, 0);
  }
}

/**
 * Reads the beginning of a file as text.
 *
 * @param path The file.
 * @returns What {@linkcode beginning} returns, decoded.
 */
export function textBeginning(path: string): string {
  return new TextDecoder().decode(beginning(path));
}

/**
 * Says what is wrong with a script that was written on Windows: the kernel takes the CR at the end of
 * its first line for a part of the interpreter's name, or of its argument.
 *
 * @param path The file.
 * @returns What to do; undefined if its first line is all right.
 */
export function windowsLine(path: string): string | undefined {
  return /^#![^\n]*\r(\n|$)/.test(textBeginning(path))
    ? "its first line ends in CR LF, as on Windows: convert it with dos2unix"
    : undefined;
}
