/**
 * Measures the figures of docs/performance.md.
 *
 * @module
 */

import { join } from "node:path";
import { parseArgs } from "node:util";
import { messageOf } from "../lib/errors.ts";
import { Interrupted, onInterrupt } from "../lib/terminal/interrupt.ts";
import { benchCache } from "./bench/cache.ts";
import { benchCompression } from "./bench/compression.ts";
import { benchCompiled } from "./bench/compiled.ts";
import { type Benchmark, type Figure, tableOf } from "./bench/figure.ts";
import { benchConnections } from "./bench/connections.ts";
import { benchGrowth } from "./bench/growth.ts";
import { benchLayers } from "./bench/layers.ts";
import { benchLive } from "./bench/live.ts";
import { benchLookBack } from "./bench/look_back.ts";
import { benchOverhead } from "./bench/overhead.ts";
import { benchPrograms } from "./bench/programs.ts";
import { benchProgress } from "./bench/progress.ts";
import { benchRuntime } from "./bench/runtime.ts";
import { benchS3 } from "./bench/s3.ts";
import { benchSignature } from "./bench/signature.ts";
import { benchStragglers } from "./bench/stragglers.ts";
import { benchTemplate } from "./bench/template.ts";
import { benchXargs } from "./bench/xargs.ts";
import { writeSection } from "./bench/page.ts";
import { root } from "./shell.ts";

const benchmarks: ReadonlyMap<string, Benchmark> = new Map([
  ["template", benchTemplate],
  ["runtime", benchRuntime],
  ["signature", benchSignature],
  ["connections", benchConnections],
  ["layers", benchLayers],
  ["overhead", benchOverhead],
  ["progress", benchProgress],
  ["look-back", benchLookBack],
  ["compression", benchCompression],
  ["cache", benchCache],
  ["stragglers", benchStragglers],
  ["live", benchLive],
  ["s3", benchS3],
  ["xargs", benchXargs],
  ["compiled", benchCompiled],
  ["growth", benchGrowth],
  ["programs", benchPrograms],
]);

const usage = `usage: deno task bench [--only NAME] [--write]

  --only NAME   one of ${[...benchmarks.keys()].join(", ")}
  --write       write the figures to docs/performance.md
`;

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: string[]): Promise<number> {
  const options = readOptions(args);
  if (options === undefined) {
    console.error(usage);
    return 2;
  }
  const stop = new AbortController();
  using _signals = onInterrupt((interrupted) => stop.abort(interrupted));
  try {
    const figures: Figure[] = [];
    const drawings = new Map<string, string>();
    for (const name of options.names) {
      console.error(name);
      figures.push(...await measure(name, drawings, stop.signal));
    }
    console.log(tableOf(figures));
    if (options.write) {
      await writeSection("figures", `Deno ${Deno.version.deno}`, tableOf(figures));
      for (const [name, text] of drawings) await Deno.writeTextFile(join(root, "docs", name), text);
    }
    return 0;
  } catch (error) {
    console.error(`bench: ${messageOf(error)}`);
    return error instanceof Interrupted ? error.exitCode : 1;
  }
}

/** Parses the arguments; undefined if they are invalid. */
function readOptions(args: string[]): { names: string[]; write: boolean } | undefined {
  try {
    const { only, write = false } = parseArgs({
      args,
      options: { only: { type: "string" }, write: { type: "boolean" } },
    }).values;
    if (only === undefined) return { names: [...benchmarks.keys()], write };
    // The figures in the file must come from a single run.
    return benchmarks.has(only) && !write ? { names: [only], write } : undefined;
  } catch {
    return undefined;
  }
}

async function measure(
  name: string,
  drawings: Map<string, string>,
  signal: AbortSignal,
): Promise<Figure[]> {
  const directory = await Deno.makeTempDir({ prefix: "llama-bench-" });
  const say = (text: string) => console.error(`  ${text}`);
  const figures = await benchmarks.get(name)?.({ directory, signal, say, drawings }) ?? [];
  // If the benchmark fails, the directory is kept for its log.
  await Deno.remove(directory, { recursive: true });
  return figures;
}
