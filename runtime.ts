/**
 * The `bootstrap` of a Lambda function, which runs a command for each invocation.
 *
 * @module
 */

import { readEnvironment } from "./lib/environment.ts";
import { runtimeMain } from "./lib/runtime/main.ts";

if (import.meta.main) Deno.exit(await runtimeMain(Deno.args, readEnvironment()));
