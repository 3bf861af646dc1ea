/**
 * Measures the cost of expanding an argument.
 *
 * @module
 */

import { JobContext } from "../../lib/jobs/template_context.ts";
import { LineTemplates } from "../../lib/jobs/expand.ts";
import { Template } from "../../lib/template/mod.ts";
import { type BenchContext, type Figure, median } from "./figure.ts";

const executions = 100_000;
const rounds = 7;

/** Runs the benchmark. */
export function benchTemplate({ say }: BenchContext): Promise<Figure[]> {
  const input = "{{.I .Line}}";
  const output = '{{.O (printf "optimized/%s" .Line)}}';
  const parsed = (text: string) => {
    const template = Template.parse("arg-0", text);
    // A new context for each, as for each job, since contexts accumulate files.
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

/**
 * Returns the median of several rounds in microseconds, without the first, which compiles the code.
 */
function measureOne(work: (line: string, index: number) => number): number {
  const times: number[] = [];
  // The sum is used, so that the compiler cannot optimize the work away.
  let sum = 0;
  for (let round = 0; round <= rounds; round++) {
    const lines = Array.from({ length: executions }, (_, index) => `picture-${index}.png`);
    const start = performance.now();
    for (const [index, line] of lines.entries()) sum += work(line, index);
    if (round > 0) times.push((performance.now() - start) * 1000 / executions);
  }
  if (sum === 0) throw new Error("the templates had no output");
  return median(times);
}
