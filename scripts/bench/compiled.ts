/**
 * Measures the size and start-up time of the compiled programs in `dist/`.
 *
 * @module
 */

import { join } from "node:path";
import { zipOf } from "../../lib/deploy/zip_writer.ts";
import { jobFiles, startFiles } from "../bundle.ts";
import { root } from "../shell.ts";
import { type BenchContext, type Figure, median } from "./figure.ts";

const rounds = 30;

/** Runs the benchmark. */
export async function benchCompiled({ signal, say }: BenchContext): Promise<Figure[]> {
  const [llama, bootstrap] = [join(root, "dist/llama"), join(root, "dist/bootstrap")];
  let runtime: Uint8Array;
  try {
    runtime = await Deno.readFile(bootstrap);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    say("skipped: compile the programs first with `deno task compile`");
    return [];
  }
  const help: number[] = [];
  const first: number[] = [];
  for (let round = 0; round < rounds; round++) {
    signal.throwIfAborted();
    help.push(await untilEnd(llama));
    first.push(await untilFirstRequest(bootstrap));
  }
  const peak = Deno.build.os === "linux" ? await peakMemory(llama) : NaN;
  say(`help: ${median(help).toFixed(1)} ms; first request: ${median(first).toFixed(1)} ms`);
  const zip = zipOf([{ name: "bootstrap", bytes: runtime, mode: 0o755 }]).length;
  const bundle = join(root, "dist/bundle/bootstrap");
  const start = await sizeOf(await startFiles(join(bundle, "bootstrap.js")));
  const job = await sizeOf(await jobFiles(bundle));
  const whole = await sizeOf([...Deno.readDirSync(bundle)].map(({ name }) => join(bundle, name)));
  return [
    {
      what: "compiled `llama help`, from start to end",
      measured: `${median(help).toFixed(1)} ms`,
      ratio: median(help) / 35,
      aim: "35 ms",
    },
    {
      what: "peak memory of compiled `llama help`",
      measured: `${Math.round(peak / 1e6)} MB`,
      ratio: peak / 70e6,
      aim: "70 MB",
    },
    {
      what: "compiled runtime, from its start to its first request",
      measured: `${median(first).toFixed(1)} ms`,
      ratio: median(first) / 30,
      aim: "30 ms",
    },
    {
      what: "size of the layer's zip",
      measured: `${(zip / 1e6).toFixed(1)} MB`,
      beside: `unpacked: ${(runtime.length / 1e6).toFixed(1)} MB`,
      ratio: zip / 40e6,
      aim: "40 MB",
    },
    {
      what: "the runtime's bundle without the S3 code",
      measured: `${(job / 1e3).toFixed(1)} kB`,
      beside: `with it: ${(whole / 1e3).toFixed(1)} kB`,
      ratio: job / 60e3,
      aim: "60 kB",
    },
    {
      what: "the runtime's code loaded before the first request",
      measured: `${(start / 1e3).toFixed(1)} kB`,
    },
  ];
}

async function sizeOf(paths: readonly string[]): Promise<number> {
  const infos = await Promise.all(paths.map((path) => Deno.stat(path)));
  return infos.reduce((sum, { size }) => sum + size, 0);
}

function start(program: string, env: Record<string, string>): Deno.ChildProcess {
  return new Deno.Command(program, {
    args: ["help"],
    clearEnv: true,
    env: { PATH: "/usr/bin:/bin", ...env },
    stdout: "null",
    stderr: "null",
  }).spawn();
}

async function untilEnd(program: string): Promise<number> {
  const started = performance.now();
  await start(program, {}).status;
  return performance.now() - started;
}

async function untilFirstRequest(program: string): Promise<number> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const started = performance.now();
  const child = start(program, { AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${listener.addr.port}` });
  using connection = await listener.accept();
  await connection.read(new Uint8Array(1024));
  const elapsed = performance.now() - started;
  child.kill("SIGKILL");
  await child.status;
  return elapsed;
}

/** Returns the peak memory observed while a process ran, in bytes; Linux only. */
async function peakMemory(program: string): Promise<number> {
  const child = start(program, {});
  let peak = 0;
  for (;;) {
    // Polls without pausing, to catch its last moments: after it has ended, there is nothing to read.
    const status = Deno.readTextFileSync(`/proc/${child.pid}/status`);
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
    if (kibibytes === undefined) break;
    peak = Number(kibibytes) * 1024;
  }
  await child.status;
  return peak;
}
