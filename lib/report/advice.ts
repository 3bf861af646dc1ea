/**
 * Suggestions derived from a run's figures.
 *
 * @module
 */

import { countText, percentText, timeText } from "../text/amounts.ts";
import { type Figures, quantile } from "./figures.ts";
import type { PhaseName } from "./phases.ts";
import type { Run } from "./run.ts";

/** One suggestion. */
export interface Advice {
  /** The observation. */
  readonly seen: string;
  /** The suggested action; code is between backticks. */
  readonly tip: string;
}

/** Facts about a run that its figures do not contain but advice depends on. */
export type AdviceFacts = Pick<Run, "subcommand" | "resumeWith">;

/** The share of the jobs' time from which a phase is worth mentioning. */
const notableShare = 0.2;

/**
 * Returns suggestions for whatever stands out in a run.
 *
 * @param figures The run's figures.
 * @param isLocal Whether the functions ran on this machine.
 * @param facts The subcommand, and whether the run can be resumed.
 * @returns The suggestions, most important first; empty if nothing stands out.
 */
export function adviceOn(
  figures: Figures,
  isLocal: boolean,
  facts: AdviceFacts = {},
): Advice[] {
  const { jobs } = figures;
  if (jobs.length === 0) return [];
  return [
    ...onFailures(figures, isLocal, facts),
    ...(isLocal ? onThisMachine(figures) : onLambda(figures)),
    ...onFiles(figures, isLocal),
    ...onStragglers(figures),
    ...onMemory(figures, isLocal),
  ];
}

/** Returns the share of the jobs' time that the named phases took. */
function partOf({ sums, elapsed }: Figures, ...names: readonly PhaseName[]): number {
  return names.reduce((sum, name) => sum + (sums.get(name) ?? 0), 0) / elapsed || 0;
}

function onFailures({ jobs, failed }: Figures, isLocal: boolean, facts: AdviceFacts): Advice[] {
  if (failed === 0) return [];
  const statuses = new Map<string, number>();
  for (const { record: { ok, status, errors } } of jobs) {
    if (ok) continue;
    const [error] = errors;
    const reason = status
      ? `status ${status}`
      : error?.type ?? (error ? `${error.code} error` : "no status");
    statuses.set(reason, (statuses.get(reason) ?? 0) + 1);
  }
  const [[reason = "", count = 0] = []] = [...statuses].sort((a, b) => b[1] - a[1]);
  const all = failed === jobs.length
    ? failed === 1 ? "The job" : "All jobs"
    : `${failed.toLocaleString("en")} of ${countText(jobs.length, "job")}`;
  const why = statuses.size === 1 ? `with ${reason}` : `most often (${count}) with ${reason}`;
  return [{
    seen: `${all} failed, ${why}.`,
    tip: reason === "status 124"
      ? "To prevent timeouts, raise `-timeout` and the function's timeout, or give each job less work."
      : !isLocal && (reason === "Runtime.OutOfMemory" || reason === "status 137")
      ? "Memory probably ran out: raise the function's memory."
      : [
        failed === 1 ? "See the failure below." : "See the failures below.",
        ...onRetries(jobs, facts),
      ].join(" "),
  }];
}

/** Suggests ways to rerun failed jobs, limited to those that the run's subcommand offers. */
function onRetries(jobs: Figures["jobs"], { subcommand, resumeWith }: AdviceFacts): string[] {
  if (subcommand === "invoke") return [];
  const hasRetried = jobs.some(({ record }) => record.attempts > 1);
  return [
    ...(resumeWith === undefined ? [] : [
      `After fixing the cause, run the same command with \`${
        resumeWith === "-resume" ? "" : `${resumeWith} `
      }-resume-failed\` to rerun only failed jobs.`,
    ]),
    ...(hasRetried ? [] : ["For intermittent failures, use `-retries N`."]),
  ];
}

function onThisMachine(figures: Figures): Advice[] {
  const part = partOf(figures, "network");
  if (part < notableShare) return [];
  return [{
    seen: `${percentText(part)} of the jobs' time was spent waiting for this machine.`,
    tip:
      "It runs only as many commands at once as it has processors; in Lambda, the waiting jobs would run too.",
  }];
}

function onLambda(figures: Figures): Advice[] {
  const { throttled, coldStarts, jobs } = figures;
  // The suggestions below change how work is split or run in parallel.
  if (jobs.length === 1) return [];
  const advice: Advice[] = [];
  const queue = partOf(figures, "queue");
  if (queue >= notableShare || throttled > jobs.length / 10) {
    advice.push({
      seen: `${percentText(queue)} of the jobs' time was spent waiting for Lambda capacity` +
        (throttled > 0 ? `; Lambda throttled ${countText(throttled, "request")}.` : "."),
      tip:
        'Request a higher "Concurrent executions" quota in Service Quotas, or raise the function\'s reserved concurrency. A higher `-j` does not help.',
    });
  }
  const cold = partOf(figures, "cold start");
  if (cold >= notableShare) {
    advice.push({
      seen: `${percentText(cold)} of the jobs' time was spent on ${
        countText(coldStarts, "cold start")
      }.`,
      tip:
        "Give each job more work (`-n N` passes N lines to each), lower `-j` so that execution environments are reused, or make the function's image smaller.",
    });
  }
  const network = partOf(figures, "network");
  if (network >= notableShare && network > partOf(figures, "command")) {
    advice.push({
      seen: `The round trip to Lambda took ${
        percentText(network)
      } of the jobs' time, more than the commands.`,
      tip:
        "The jobs are short: give each more work (`-n N` passes N lines to each), or use a closer region.",
    });
  }
  return advice;
}

function onFiles(figures: Figures, isLocal: boolean): Advice[] {
  const part = partOf(figures, "inputs", "fetch", "upload", "outputs");
  if (part < notableShare) return [];
  return [{
    seen: `${percentText(part)} of the jobs' time was spent transferring files.`,
    tip: [
      ...(figures.jobs.length > 1
        ? ["Send files that all jobs need with `-f`: each is uploaded only once."]
        : []),
      isLocal
        ? "In Lambda, files also travel through an S3 bucket."
        : "A function with more memory also gets more CPU and network bandwidth. Keep the bucket in the function's region.",
    ].join(" "),
  }];
}

/** Detects a long tail: the end of a run, when only a few slow jobs are still running. */
function onStragglers({ jobs, sorted, span, peak, copiesText }: Figures): Advice[] {
  const median = quantile(sorted, 0.5);
  const longest = sorted.at(-1) ?? 0;
  const ends = jobs.map(({ end }) => end).sort((a, b) => a - b);
  const tail = span - quantile(ends, 0.95);
  if (jobs.length < 20 || peak < 4 || tail < span * notableShare || longest < 3 * median) return [];
  return [{
    seen: `The last ${timeText(tail)} of ${
      timeText(span)
    } were spent waiting for the last 5 % of the jobs; the longest took ${
      timeText(longest)
    }, the median ${timeText(median)}.`,
    tip: "Start the largest jobs first, for example with `ls -S`, or split them." +
      (copiesText === undefined
        ? " If it is chance which jobs are slow, `-stragglers 2` sends copies of their requests."
        : ""),
  }];
}

function onMemory({ functionMemory, usedMemory }: Figures, isLocal: boolean): Advice[] {
  if (functionMemory === undefined || usedMemory === undefined || isLocal) return [];
  const part = usedMemory / functionMemory;
  const seen = `The command used up to ${usedMemory.toFixed(0)} MB of the function's ${
    functionMemory.toLocaleString("en")
  } MB.`;
  if (part > 0.9) {
    return [{ seen, tip: "Raise the function's memory: a larger input might not fit." }];
  }
  if (part > 0.4 || functionMemory <= 512) return [];
  return [{
    seen,
    tip:
      "Less memory costs less per second but also means less CPU (1,769 MB is one full vCPU). To try it, use `llama update-function -memory`.",
  }];
}
