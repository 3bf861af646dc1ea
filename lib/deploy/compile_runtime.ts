/**
 * The runtime, compiled by the Deno that runs llama from its sources: one installed from a URL has
 * no compiled runtime beside it.
 *
 * @module
 */

import { join } from "node:path";
import type { Architecture } from "../aws/lambda_function.ts";
import { LlamaError, messageOf } from "../errors.ts";
import { removeIfThere } from "../files/whole.ts";
import { compileCommand, runDeno } from "./deno.ts";

const targets: Readonly<Record<Architecture, string>> = {
  x86_64: "x86_64-unknown-linux-gnu",
  arm64: "aarch64-unknown-linux-gnu",
};

/**
 * Compiles the runtime. The same sources give the same program with the same Deno.
 *
 * @param architecture The processor that it is for.
 * @param signal Ends it early.
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
    // A compiled program has the times of its files in it.
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
      hint: "name the runtime's zip of a release: -runtime FILE",
    });
  } finally {
    await removeIfThere(directory);
  }
}
