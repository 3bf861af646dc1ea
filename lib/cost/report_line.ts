/**
 * What Lambda says of an invocation at the end of its log.
 *
 * @module
 */

import * as z from "../zod.ts";

/** What Lambda measured and bills. */
export interface InvocationReport {
  /** The time that is billed, in milliseconds. */
  readonly billedMilliseconds: number;
  /** The function's memory in MB. */
  readonly memory: number;
  /** The most memory that the function's processes had together, in MB. */
  readonly usedMemory: number;
  /** How long the environment took to start, in milliseconds, if it was started for this. */
  readonly initMilliseconds: number | undefined;
}

/**
 * Finds the report in a log, in its text form (`REPORT RequestId: ...`) or in its JSON form
 * (`"type":"platform.report"`), whichever the function is set to:
 * https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html#platform-report
 *
 * A function that writes such a line itself comes before Lambda does, so the last one counts.
 *
 * @param log The log, or its tail.
 * @returns The report; undefined if there is none, or not all of it.
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

const reportSchema = z.object({
  record: z.object({
    metrics: z.object({
      billedDurationMs: z.number(),
      memorySizeMB: z.number(),
      maxMemoryUsedMB: z.number(),
      initDurationMs: z.optional(z.number()),
    }),
  }),
});

function parseJson(line: string): InvocationReport | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // A line of the function's own that looks like Lambda's.
    return undefined;
  }
  const parsed = reportSchema.safeParse(value);
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
