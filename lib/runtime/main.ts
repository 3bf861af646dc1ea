/**
 * The runtime's entry point.
 *
 * @module
 */

import type { Environment } from "../environment.ts";
import { RuntimeApi } from "./api.ts";
import { textLog } from "./log.ts";
import { runLoop } from "./loop.ts";

/**
 * Runs the runtime in this process, with its standard streams and signals.
 *
 * @param args The program's arguments: an image's `CMD`, or none.
 * @param environment The environment variables.
 * @returns The exit status: 0 if it was told to end, 1 if it could not continue, 2 if it was not
 * started by Lambda. The caller must exit then, since a read of standard input may be pending.
 */
export async function runtimeMain(
  args: readonly string[],
  environment: Environment,
): Promise<number> {
  const write = (line: string) => console.error(line);
  const address = environment["AWS_LAMBDA_RUNTIME_API"];
  if (!address) {
    write(
      "llama: this is the runtime of a Lambda function: AWS Lambda starts it, or `llama local` " +
        "(AWS_LAMBDA_RUNTIME_API is not set)",
    );
    return 2;
  }
  const end = new AbortController();
  const terminate = () => end.abort();
  // Lambda sends SIGTERM to a runtime if the function has extensions.
  Deno.addSignalListener("SIGTERM", terminate);
  try {
    using api = new RuntimeApi(address);
    const log = environment["AWS_LAMBDA_LOG_FORMAT"] === "JSON"
      ? (await import("./json_log.ts")).jsonLog(write)
      : textLog(write);
    const options = { args, log, stdin: Deno.stdin, signal: end.signal };
    if (!environment["LLAMA_KEYS_ON_STDIN"]) return await runLoop(api, { ...options, environment });
    const { readKeys } = await import("./keys.ts");
    return await runLoop(api, {
      ...options,
      environment: { ...environment, ...await readKeys(Deno.stdin) },
    });
  } finally {
    Deno.removeSignalListener("SIGTERM", terminate);
  }
}
