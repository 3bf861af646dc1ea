/**
 * Runs one job per line, many at once.
 *
 * @module
 */

import { poolMap } from "../async/pool_map.ts";
import { Semaphore } from "../async/semaphore.ts";
import { LlamaError } from "../errors.ts";
import { newCounts, type RunCounts } from "./counts.ts";
import { jobInputs, type Line } from "./job_input.ts";
import { Planner } from "./plan.ts";
import { StopPolicy } from "./policy.ts";
import { stragglerRules, Stragglers } from "./stragglers.ts";
import { Trial } from "./trial.ts";
import type { JobOutcome, MapConnection, MapJobsOptions } from "./map_options.ts";
import { JobWorker } from "./job_worker.ts";

/** The maximum number of copies of a straggler, if the function is pure. */
const pureCopies = 2;

/**
 * Runs a job for each line.
 *
 * @param functionName A function's name, `NAME:ALIAS` or ARN.
 * @returns The outcomes, in the order in which the jobs ended.
 * @throws {LlamaError} As {@linkcode Llama.map}.
 */
export async function* mapJobs(
  connection: MapConnection,
  functionName: string,
  templates: readonly string[],
  lines: Iterable<Line> | AsyncIterable<Line>,
  options: MapJobsOptions,
): AsyncGenerator<JobOutcome, void, undefined> {
  const { concurrency = 100, linesPerJob, retries = 0, stragglers } = options;
  const { jobLog, resume, signal } = options;
  atLeast(1, concurrency, "concurrency");
  if (linesPerJob !== undefined) atLeast(1, linesPerJob, "linesPerJob");
  atLeast(0, retries, "retries");
  if (stragglers !== undefined) atLeast(0, stragglers, "stragglers");
  const planner = new Planner({ functionName, templates });
  const { resumeFrom = jobLog, onRecord } = options;
  // What most runs do without is loaded on demand, so that they start sooner.
  const logged = resumeFrom === undefined || resume === undefined
    ? undefined
    : await (await import("./log/logged_jobs.ts")).LoggedJobs.read(resumeFrom, {
      onNotice: connection.notice,
      signal,
    });
  const repeatFailed = resume === "succeeded";
  using results = options.results === undefined
    ? undefined
    : await (await import("./results.ts")).Results.open(
      options.results,
      (seq) => logged?.isKept(seq, repeatFailed) ?? false,
    );
  await connection.prepare();
  if (jobLog !== undefined || logged !== undefined || onRecord !== undefined) {
    planner.useLog({
      shared: await connection.hashShared(),
      logged,
      repeatFailed,
      path: typeof jobLog === "string" ? jobLog : undefined,
    });
  }
  using log = jobLog === undefined
    ? undefined
    : await (await import("./log/job_log.ts")).JobLog.open(jobLog, {
      logged: resumeFrom === jobLog ? logged : undefined,
      signal,
    });
  if (resume === undefined) await results?.begin();
  const counts = options.counts ?? newCounts();
  using stopPolicy = new StopPolicy(counts, {
    ...options,
    resumeWith: options.resumeWith ?? (log?.path === undefined ? undefined : "-resume"),
  });
  using trial = new Trial({
    functionName,
    lookUp: connection.isLlama,
    notice: connection.notice,
  });
  const places = new Semaphore(concurrency);
  using looks = new DisposableStack();
  let copied: Stragglers | undefined;
  const stragglersNow = () => {
    if (copied !== undefined) return copied;
    // That a function is pure may become known during the run.
    const maxCopies = stragglers ?? (connection.isPure() ? pureCopies : 0);
    if (maxCopies === 0) return undefined;
    copied = new Stragglers({
      maxCopies,
      mayCopy: () => !stopPolicy.soon.aborted && !signal?.aborted && connection.hasRoom(),
      takePlace: () => places.tryAcquire(),
    });
    looks.use(lookAt(copied, counts));
    return copied;
  };
  const state = { counts, stopPolicy, trial, planner, log, results, stragglersNow };
  const worker = new JobWorker(connection, options, state);
  const jobs = worker.plan(jobInputs(lines, options), templates);
  try {
    for await (const outcome of poolMap(jobs, places, worker.work, signal)) {
      if (outcome !== undefined) yield outcome;
    }
  } finally {
    if (signal?.aborted) counts.isEnding = true;
  }
  if (stopPolicy.error !== undefined) throw stopPolicy.error;
  if (!options.stop?.aborted) await results?.end();
}

/** Looks for stragglers from time to time, until it is disposed of. */
function lookAt(stragglers: Stragglers, counts: RunCounts): Disposable {
  const timer = setInterval(() => {
    counts.straggler = stragglers.look();
    counts.copies = stragglers.copies;
  }, stragglerRules.everyMilliseconds);
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      counts.straggler = undefined;
      counts.copies = stragglers.copies;
    },
  };
}

function atLeast(least: 0 | 1, value: number, name: string): void {
  if (Number.isInteger(value) && value >= least) return;
  const kind = least === 1 ? "a positive integer" : "a non-negative integer";
  throw new LlamaError("usage", `${name} must be ${kind}, not ${value}`);
}
