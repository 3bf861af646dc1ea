/**
 * What it costs to expand an argument.
 *
 * @module
 */

import { JobContext } from "../../lib/jobs/context.ts";
import { LineTemplates } from "../../lib/jobs/expand.ts";
import { Template } from "../../lib/template/mod.ts";
import { type BenchContext, type Figure, median } from "./figure.ts";

const executions = 100_000;
const rounds = 7;

/** Measures it. */
export function benchTemplate({ say }: BenchContext): Promise<Figure[]> {
  const input = "{{.I .Line}}";
  const output = '{{.O (printf "optimized/%s" .Line)}}';
  const parsed = (text: string) => {
    const template = Template.parse("arg-0", text);
    // A context of its own for each, as each job has: the marked files pile up in it.
    return (line: string, index: number) => template.execute(new JobContext(line, index)).length;
  };
  const all = new LineTemplates([input, "-out", output]);
  const measure = (name: string, work: (line: string, index: number) => number) => {
    const microseconds = measureOne(work);
    say(`${name}: ${microseconds.toFixed(2)} us`);
    return microseconds;
  };
  const one = measure(input, parsed(input));
  const other = measure(output, parsed(output));
  const job = measure("a job", (line, index) => all.expand(line, index).args.length);
  return Promise.resolve([
    {
      what: `execution of \`${input}\``,
      measured: `${one.toFixed(2)} us`,
      ratio: one / 5,
      aim: "5 us",
    },
    { what: `execution of \`${output}\``, measured: `${other.toFixed(2)} us` },
    { what: "all arguments of the README's job", measured: `${job.toFixed(2)} us` },
  ]);
}

/** The median of some rounds, in microseconds; the first round, which compiles, is not counted. */
function measureOne(work: (line: string, index: number) => number): number {
  const times: number[] = [];
  // Summed up and looked at, so that no compiler finds the work to be for nothing.
  let sum = 0;
  for (let round = 0; round <= rounds; round++) {
    const lines = Array.from({ length: executions }, (_, index) => `picture-${index}.png`);
    const start = performance.now();
    for (const [index, line] of lines.entries()) sum += work(line, index);
    if (round > 0) times.push((performance.now() - start) * 1000 / executions);
  }
  if (sum === 0) throw new Error("the templates gave nothing");
  return median(times);
}
