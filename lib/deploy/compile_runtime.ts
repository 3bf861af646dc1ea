/**
 * Compiles the runtime with the Deno that runs llama: a llama installed from a URL comes without a
 * compiled runtime.
 *
 * @module
 */

import { join } from "node:path";
import type { Architecture } from "../functions/architecture.ts";
import { LlamaError, messageOf } from "../errors.ts";
import { removeIfThere } from "../files/whole.ts";
import { compileCommand, runDeno } from "./deno.ts";

const targets: Readonly<Record<Architecture, string>> = {
  x86_64: "x86_64-unknown-linux-gnu",
  arm64: "aarch64-unknown-linux-gnu",
};

/**
 * Compiles the runtime. The result is reproducible: it depends only on the sources and on Deno's
 * version.
 *
 * @param architecture The target architecture.
 * @param signal Aborts the work.
 * @returns The program.
 * @throws {LlamaError} `input` if it cannot be compiled; the signal's reason.
 */
export async function compileRuntime(
  architecture: Architecture,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const directory = await Deno.makeTempDir({ prefix: "llama-runtime-" });
  const [made, program] = [join(directory, "made"), join(directory, "bootstrap")];
  try {
    await runDeno([
      ...["bundle", "--quiet", "--no-config", "--no-lock", "--allow-import"],
      ...["--minify", "--platform", "deno", "--code-splitting", "--outdir", made],
      import.meta.resolve("../../runtime.ts"),
    ], { signal });
    // A compiled program contains the modification times of its files.
    for (const { name } of Deno.readDirSync(made)) await Deno.utime(join(made, name), 0, 0);
    await runDeno([
      ...compileCommand("bootstrap"),
      ...["--target", targets[architecture], "--output", program, join(made, "runtime.js")],
    ], { signal });
    return await Deno.readFile(program);
  } catch (cause) {
    signal.throwIfAborted();
    throw new LlamaError("input", `cannot compile the runtime: ${messageOf(cause)}`, {
      cause,
      hint: "add -runtime FILE with the runtime's zip from a release",
    });
  } finally {
    await removeIfThere(directory);
  }
}
