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
    // The compiled llama starts itself as the runtime of its functions. It is loaded only then,
    // and named here so that a program run from a URL has it at hand too.
    const { runtimeMain } = await import("./lib/runtime/main.ts");
    Deno.exit(await runtimeMain(rest, readEnvironment()));
  } else {
    await main(Deno.args, readEnvironment());
  }
}
