/**
 * A program that runs the emulator with a runtime that its first argument names, in JSON, and prints
 * what came of a job: the function's own command and the job's arguments are its other arguments.
 *
 * @module
 */

import { LocalLambda } from "../../lib/local/mod.ts";
import { Llama } from "../../lib/llama.ts";

const [runtime = "[]", command = "", ...args] = Deno.args;
const runtimeCommand: string[] = JSON.parse(runtime);
await using lambda = await LocalLambda.start({
  functions: [{
    name: "f",
    from: "here",
    directory: Deno.cwd(),
    definition: { name: "f", command: [command], memory: 512, timeout: 60, environment: {} },
  }],
  runtimeCommand,
  environment: Deno.env.toObject(),
  onLog: (line) => console.error(line),
});
await using llama = new Llama({ environment: lambda.environment() });
const { status, stdout, stderr } = await llama.invoke("f", args, {
  stdin: new TextEncoder().encode("from stdin\n"),
});
const decoder = new TextDecoder();
console.log(JSON.stringify([status, decoder.decode(stdout), decoder.decode(stderr)]));
