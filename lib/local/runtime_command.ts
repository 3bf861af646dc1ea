/**
 * The command that starts a runtime locally.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

/** The hidden subcommand that runs the runtime in the compiled `llama`. */
export const runtimeSubcommand = "__runtime";

/**
 * Returns the command that starts the runtime: this program if it is compiled, otherwise Deno with
 * the runtime's source. The function's command is to be appended.
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
    // The runtime starts in the function's directory, and must ignore its deno.json, lock file and
    // node_modules.
    "--no-config",
    "--no-lock",
    "--node-modules-dir=none",
    runtime.protocol === "file:" ? fileURLToPath(runtime) : runtime.href,
  ];
}
