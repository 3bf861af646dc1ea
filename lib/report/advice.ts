/**
 * What to try next, from a run's figures.
 *
 * @module
 */

import { countText, percentText, timeText } from "./amounts.ts";
import { type Figures, quantile } from "./figures.ts";
import type { PhaseName } from "./phases.ts";
import type { Run } from "./run.ts";

/** A piece of advice. */
export interface Advice {
  /** What was seen. */
  readonly seen: string;
  /** What to do about it; code stands between backticks. */
  readonly tip: string;
}

/** What the figures of a run do not say, and advice depends on. */
export type AdviceFacts = Pick<Run, "subcommand" | "hasJobLog">;

/** A part of the jobs' time from which on a phase is worth a word. */
const worthAWord = 0.2;

/**
 * What stands out in a run, and what may help.
 *
 * @param figures The run's figures.
 * @param isLocal Whether the functions ran on this machine.
 * @param facts What ran it, and whether it can be resumed.
 * @returns What was seen, the weightiest first; empty if nothing stands out.
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

/** The part of the jobs' time that some phases took. */
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
    ? "All jobs"
    : `${failed.toLocaleString("en")} of ${countText(jobs.length, "job")}`;
  const why = statuses.size === 1 ? `with ${reason}` : `most often (${count}) with ${reason}`;
  return [{
    seen: `${all} failed, ${why}.`,
    tip: reason === "status 124"
      ? "They ran out of time: raise `-timeout` and the function's timeout, or give each job less to do."
      : !isLocal && (reason === "Runtime.OutOfMemory" || reason === "status 137")
      ? "They most likely ran out of memory: raise the function's memory."
      : [
        jobs.length === 1 ? "Its message is below." : "Their messages are below.",
        ...onRepeats(facts),
      ].join(" "),
  }];
}

/** How jobs that failed are repeated: only by what the run's command has. */
function onRepeats({ subcommand, hasJobLog = false }: AdviceFacts): string[] {
  if (subcommand === "invoke") return [];
  return [
    ...(hasJobLog
      ? ["Once mended, the same command with `-resume-failed` repeats these alone."]
      : []),
    "`-retries N` repeats what fails now and then.",
  ];
}

function onThisMachine(figures: Figures): Advice[] {
  const part = partOf(figures, "way");
  if (part < worthAWord) return [];
  return [{
    seen: `${percentText(part)} of the jobs' time was waiting for this machine.`,
    tip:
      "It runs as many commands at once as it has processors. In Lambda the others would run too.",
  }];
}

function onLambda(figures: Figures): Advice[] {
  const { throttled, coldStarts, jobs } = figures;
  // One job cannot have been divided otherwise.
  if (jobs.length === 1) return [];
  const advice: Advice[] = [];
  const queue = partOf(figures, "queue");
  if (queue >= worthAWord || throttled > jobs.length / 10) {
    advice.push({
      seen: `${percentText(queue)} of the jobs' time was waiting for Lambda to have room` +
        (throttled > 0 ? `, which refused ${countText(throttled, "request")}.` : "."),
      tip:
        "Raise the account's \"Concurrent executions\" in Service Quotas, or the function's reserved concurrency. A higher `-j` does not help.",
    });
  }
  const cold = partOf(figures, "cold start");
  if (cold >= worthAWord) {
    advice.push({
      seen: `${percentText(cold)} of the jobs' time was ${countText(coldStarts, "cold start")}.`,
      tip:
        "Give each job more to do (`-n N` puts N lines into one), use a lower `-j` so that environments are used again, or make the function's image smaller.",
    });
  }
  const way = partOf(figures, "way");
  if (way >= worthAWord && way > partOf(figures, "command")) {
    advice.push({
      seen: `The way to Lambda and back took ${
        percentText(way)
      } of the jobs' time, more than the commands.`,
      tip:
        "The jobs are short: give each more to do (`-n N` puts N lines into one), or use a region that is nearer.",
    });
  }
  return advice;
}

function onFiles(figures: Figures, isLocal: boolean): Advice[] {
  const part = partOf(figures, "inputs", "fetch", "upload", "outputs");
  if (part < worthAWord) return [];
  return [{
    seen: `${percentText(part)} of the jobs' time was moving files.`,
    tip: [
      ...(figures.jobs.length > 1 ? ["Send what all jobs need once, with `-f`."] : []),
      isLocal
        ? "In Lambda, files have the way to a bucket and back as well."
        : "A function with more memory has more network and processor; a bucket in the function's own region is nearer.",
    ].join(" "),
  }];
}

/** The end of a run, while a few slow jobs are waited for. */
function onStragglers({ jobs, sorted, span, peak }: Figures): Advice[] {
  const median = quantile(sorted, 0.5);
  const longest = sorted.at(-1) ?? 0;
  const ends = jobs.map(({ end }) => end).sort((a, b) => a - b);
  const tail = span - quantile(ends, 0.95);
  if (jobs.length < 20 || peak < 4 || tail < span * worthAWord || longest < 3 * median) return [];
  return [{
    seen: `For the last ${timeText(tail)} of ${
      timeText(span)
    } a twentieth of the jobs was waited for; the longest took ${timeText(longest)}, the median ${
      timeText(median)
    }.`,
    tip: "Begin with the biggest, such as with `ls -S`; or divide them.",
  }];
}

function onMemory({ functionMemory, usedMemory }: Figures, isLocal: boolean): Advice[] {
  if (functionMemory === undefined || usedMemory === undefined || isLocal) return [];
  const part = usedMemory / functionMemory;
  const seen = `The command used up to ${usedMemory.toFixed(0)} MB of the function's ${
    functionMemory.toLocaleString("en")
  } MB.`;
  if (part > 0.9) {
    return [{ seen, tip: "Raise the function's memory before a bigger input needs more." }];
  }
  if (part > 0.4 || functionMemory <= 512) return [];
  return [{
    seen,
    tip:
      "Less memory costs less a second, but has less processor too (1,792 MB are one whole): try it with `llama update-function -memory`.",
  }];
}
