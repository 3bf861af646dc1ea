/**
 * Parses the report that Lambda writes at the end of an invocation's log.
 *
 * @module
 */

import * as z from "../zod.ts";

/** Lambda's own figures for an invocation. */
export interface InvocationReport {
  /** The billed time, in milliseconds. */
  readonly billedMilliseconds: number;
  /** The function's memory in MB. */
  readonly memory: number;
  /** The maximum memory used by the function's processes, in MB. */
  readonly usedMemory: number;
  /** The duration of the cold start in milliseconds, if there was one. */
  readonly initMilliseconds: number | undefined;
}

/**
 * Finds the report in a log, in text form (`REPORT RequestId: ...`) or in JSON form
 * (`"type":"platform.report"`), depending on the function's configuration:
 * https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html#platform-report
 *
 * The last report counts: anything similar that the function itself wrote comes before it.
 *
 * @param log The log, or its tail.
 * @returns The report; undefined if it is missing or incomplete.
 */
export function parseReport(log: string): InvocationReport | undefined {
  for (let end = log.length; end > 0;) {
    const start = log.lastIndexOf("\n", end - 1) + 1;
    const line = log.slice(start, end);
    const report = line.startsWith("REPORT RequestId: ")
      ? parseText(line)
      : line.startsWith("{") && line.includes('"platform.report"')
      ? parseJson(line)
      : undefined;
    if (report) return report;
    end = start - 1;
  }
  return undefined;
}

const measured = /\tBilled Duration: (\d+) ms\s+Memory Size: (\d+) MB\s+Max Memory Used: (\d+) MB/;

function parseText(line: string): InvocationReport | undefined {
  const [, billed, size, used] = measured.exec(line) ?? [];
  if (billed === undefined) return undefined;
  const init = /\tInit Duration: ([\d.]+) ms/.exec(line)?.[1];
  return {
    billedMilliseconds: Number(billed),
    memory: Number(size),
    usedMemory: Number(used),
    initMilliseconds: init === undefined ? undefined : Number(init),
  };
}

const reportSchema = z.onFirstUse(() =>
  z.object({
    record: z.object({
      metrics: z.object({
        billedDurationMs: z.number(),
        memorySizeMB: z.number(),
        maxMemoryUsedMB: z.number(),
        initDurationMs: z.optional(z.number()),
      }),
    }),
  })
);

function parseJson(line: string): InvocationReport | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // Not Lambda's report, but a similar line that the function wrote.
    return undefined;
  }
  const parsed = reportSchema().safeParse(value);
  if (!parsed.success) return undefined;
  const { billedDurationMs, memorySizeMB, maxMemoryUsedMB, initDurationMs } =
    parsed.data.record.metrics;
  return {
    billedMilliseconds: billedDurationMs,
    memory: memorySizeMB,
    usedMemory: maxMemoryUsedMB,
    initMilliseconds: initDurationMs,
  };
}
