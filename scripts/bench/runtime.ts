/**
 * Measures the runtime's overhead per command.
 *
 * @module
 */

import { readEnvironment } from "../../lib/environment.ts";
import { runtimeCommand } from "../../lib/local/runtime_command.ts";
import { findProgram } from "../shell.ts";
import { type BenchContext, type Figure, median } from "./figure.ts";

/** The number of first rounds that are not counted, while JavaScript is still being compiled. */
const warmUp = 50;
const invocations = 500;

/** Runs the benchmark. */
export async function benchRuntime({ directory, signal, say }: BenchContext): Promise<Figure[]> {
  const { PATH: path } = readEnvironment();
  const program = findProgram("true", path);
  if (program === undefined) throw new Error('there is no program "true"');
  const bare: number[] = [];
  for (let index = 0; index < warmUp + invocations; index++) {
    signal.throwIfAborted();
    const start = performance.now();
    await new Deno.Command(program).output();
    bare.push(performance.now() - start);
  }
  say(`bare: ${median(bare.slice(warmUp)).toFixed(2)} ms`);
  const warm = (await invokeAll(program, directory, signal)).slice(warmUp);
  const [measured, beside] = [median(warm), median(bare.slice(warmUp))];
  say(`invocations: ${measured.toFixed(2)} ms`);
  return [{
    what: `warm invocation of \`${program}\``,
    measured: `${measured.toFixed(2)} ms`,
    beside: `\`Deno.Command\`: ${beside.toFixed(2)} ms`,
    ratio: measured / beside,
  }];
}

/** Returns the time from each event to its response, in milliseconds. */
async function invokeAll(
  program: string,
  directory: string,
  signal: AbortSignal,
): Promise<number[]> {
  const event = JSON.stringify({ args: [], files: {}, outputs: [] });
  const times: number[] = [];
  const done = Promise.withResolvers<void>();
  // The runtime's last request is answered only after the runtime has been stopped.
  const closed = Promise.withResolvers<Response>();
  let started = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    if (request.method === "POST") {
      const answer = await request.text();
      times.push(performance.now() - started);
      if (!answer.includes('"status":0')) done.reject(new Error(`the runtime responded ${answer}`));
      if (times.length === warmUp + invocations) done.resolve();
      return new Response(null, { status: 202 });
    }
    if (times.length === warmUp + invocations) return await closed.promise;
    started = performance.now();
    return new Response(event, {
      headers: {
        "lambda-runtime-aws-request-id": `request-${times.length}`,
        "lambda-runtime-deadline-ms": String(Date.now() + 60_000),
        "lambda-runtime-invoked-function-arn": "arn:aws:lambda:us-west-2:123456789012:function:a",
      },
    });
  });
  const [command = "", ...args] = runtimeCommand();
  const child = new Deno.Command(command, {
    args: [...args, program],
    env: {
      AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${server.addr.port}`,
      LAMBDA_TASK_ROOT: directory,
    },
    // As in Lambda, the runtime logs each request.
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    const stopped = Promise.withResolvers<never>();
    signal.addEventListener("abort", () => stopped.reject(signal.reason), { once: true });
    const ended = child.status.then(({ code }) => {
      throw new Error(`the runtime exited with status ${code}`);
    });
    await Promise.race([done.promise, stopped.promise, ended]);
  } finally {
    child.kill("SIGKILL");
    await child.status;
    closed.resolve(new Response());
    await server.shutdown();
  }
  return times;
}
