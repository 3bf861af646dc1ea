/**
 * The `llama` command.
 *
 * @module
 */

import { main } from "./lib/commands/main.ts";
import { readEnvironment } from "./lib/environment.ts";

if (import.meta.main) {
  const [first, ...rest] = Deno.args;
  if (first === "__runtime") {
    // llama starts itself as the runtime of local functions. The runtime is loaded only then; the
    // literal import lets a compiled program, and one run from a URL, find it.
    const { runtimeMain } = await import("./lib/runtime/main.ts");
    Deno.exit(await runtimeMain(rest, readEnvironment()));
  } else {
    await main(Deno.args, readEnvironment());
  }
}
