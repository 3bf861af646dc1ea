/**
 * How a runtime is started on this machine.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

/** The hidden subcommand by which the compiled `llama` is the runtime. */
export const runtimeSubcommand = "__runtime";

/**
 * The command that starts the runtime: this program itself where it is compiled, otherwise Deno
 * with the runtime's source, which lies beside this file's.
 *
 * @returns A program and its arguments; those of the function follow.
 */
export function runtimeCommand(): string[] {
  if (Deno.build.standalone) return [Deno.execPath(), runtimeSubcommand];
  const runtime = new URL("../../runtime.ts", import.meta.url);
  return [
    Deno.execPath(),
    "run",
    "--allow-all",
    "--quiet",
    "--no-prompt",
    // The runtime works in the function's folder, whose deno.json, lock file and node_modules are
    // none of its business.
    "--no-config",
    "--no-lock",
    "--node-modules-dir=none",
    runtime.protocol === "file:" ? fileURLToPath(runtime) : runtime.href,
  ];
}
