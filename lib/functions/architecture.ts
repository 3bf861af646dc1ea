/**
 * The processors that Lambda has.
 *
 * @module
 */

/** The architectures that Lambda supports, by its names for them. */
export type Architecture = "x86_64" | "arm64";

/** The architecture of this machine. */
export const ownArchitecture: Architecture = Deno.build.arch === "aarch64" ? "arm64" : "x86_64";

/** The architectures by ELF's `e_machine` (elf(5)). */
export const elfArchitectures: Readonly<Record<number, Architecture>> = {
  62: "x86_64",
  183: "arm64",
};
