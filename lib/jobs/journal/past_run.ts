/**
 * Earlier runs, as the journal has them.
 *
 * @module
 */

import { LoggedJobs } from "../log/logged_jobs.ts";
import { isRunning, ownProcess } from "../../system/process_name.ts";
import {
  costOf,
  type Ending,
  parseMark,
  type RunBegin,
  type RunEnd,
  unknownCost,
} from "./lines.ts";
import type { RunFile } from "./place.ts";

/** How an earlier run ended; `killed` without a word, and on another machine `unknown`. */
export type PastEnding = Ending | "running" | "killed" | "unknown";

/** An earlier run. */
export interface PastRun {
  /** Its number. */
  readonly run: number;
  /** Its file. */
  readonly path: string;
  /** Its beginning; that of its latest part if it was resumed. */
  readonly begin: RunBegin;
  /** Its end; undefined if there is none, or it was resumed, so that the end is that of a part. */
  readonly end: RunEnd | undefined;
  /** How it ended. */
  readonly ending: PastEnding;
  /** When it first started, in ISO 8601 and UTC. */
  readonly started: string;
  /** How long it took, in seconds: the sum of its parts. */
  readonly seconds: number;
  /** The sum of its jobs' durations, in seconds. */
  readonly jobSeconds: number;
  /** The number of jobs that ended. */
  readonly jobs: number;
  /** The number of those that failed. */
  readonly failed: number;
  /** Its cost in US dollars, as far as it is known. */
  readonly dollars: number;
  /** Whether the cost includes estimates. */
  readonly isEstimate: boolean;
}

/** Reports whether the process of a run is running on this machine. */
export function isGoingOn({ process }: RunBegin): boolean {
  return isHere(process) && isRunning(process);
}

function isHere({ host, namespace }: RunBegin["process"]): boolean {
  return host === Deno.hostname() && namespace === ownProcess().namespace;
}

function endingOf(begin: RunBegin, end: RunEnd | undefined): PastEnding {
  if (end !== undefined) return endings.find((each) => each === end.how) ?? "unknown";
  if (!isHere(begin.process)) return "unknown";
  return isRunning(begin.process) ? "running" : "killed";
}

const endings: readonly Ending[] = ["complete", "interrupted", "halted", "failed"];

/** The size of the first and the last bytes of a file in which its first and last lines are. */
const endBytes = 16 * 1024;

/**
 * Reads the beginning of a run.
 *
 * @returns Its first `#run` line; undefined if there is none, or the file cannot be opened.
 * @throws What the file system throws.
 */
export function readBegin(path: string): RunBegin | undefined {
  return opened(path, (file) => beginOf(readAt(file, 0)));
}

/** Reads from a file; undefined if it has just been removed, or belongs to another user. */
function opened<T>(path: string, read: (file: Deno.FsFile) => T): T | undefined {
  try {
    using file = Deno.openSync(path);
    return read(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) {
      return undefined;
    }
    throw error;
  }
}

/** Reads up to {@linkcode endBytes} bytes at a position. */
function readAt(file: Deno.FsFile, position: number): string {
  file.seekSync(position, Deno.SeekMode.Start);
  const bytes = new Uint8Array(endBytes);
  let filled = 0;
  for (let n; filled < bytes.length && (n = file.readSync(bytes.subarray(filled))) !== null;) {
    filled += n;
  }
  return new TextDecoder().decode(bytes.subarray(0, filled));
}

/**
 * Reads the beginning of a run if it has jobs that ended, and the file can be opened.
 *
 * @throws What the file system throws.
 */
export function readBeginWithJobs(path: string): RunBegin | undefined {
  return opened(path, (file) => {
    const text = readAt(file, 0);
    return /^\d/m.test(text) ? beginOf(text) : undefined;
  });
}

function beginOf(text: string): RunBegin | undefined {
  const [, line = ""] = text.split("\n", 2);
  const mark = parseMark(line);
  return mark !== undefined && "begin" in mark ? mark.begin : undefined;
}

/**
 * Reads a run from its file.
 *
 * @returns The run; undefined if the file is not that of a run, or has just been removed.
 * @throws {LlamaError} `input` if it cannot be read.
 */
export async function readPastRun(
  { run, path, bytes }: RunFile,
  signal?: AbortSignal,
): Promise<PastRun | undefined> {
  const quick = readEnds(path, bytes);
  if (quick === undefined) return undefined;
  const { begin, end } = quick;
  // The totals of a run that was resumed or killed are only in the lines of its jobs.
  if (end === undefined) return await readWhole({ run, path }, begin, signal);
  const { seconds, jobSeconds, jobs, failed, dollars, isEstimate } = end;
  const ending = endingOf(begin, end);
  return {
    ...{ run, path, begin, end, ending, started: begin.started },
    ...{ seconds, jobSeconds, jobs, failed, dollars, isEstimate },
  };
}

/** Reads the first and the last lines; the end is undefined unless there is one for the whole run. */
function readEnds(
  path: string,
  bytes: number,
): { begin: RunBegin; end: RunEnd | undefined } | undefined {
  return opened(path, (file) => {
    const begin = beginOf(readAt(file, 0));
    if (begin === undefined) return undefined;
    const last = readAt(file, Math.max(0, bytes - endBytes)).trimEnd().split("\n").at(-1) ?? "";
    const mark = parseMark(last);
    const end = mark !== undefined && "end" in mark && !mark.end.isPart ? mark.end : undefined;
    return { begin, end };
  });
}

async function readWhole(
  { run, path }: Pick<RunFile, "run" | "path">,
  first: RunBegin,
  signal: AbortSignal | undefined,
): Promise<PastRun> {
  let begin = first;
  let end: RunEnd | undefined;
  let [seconds, jobSeconds, dollars, lastEnd] = [0, 0, 0, 0];
  let isEstimate = false;
  /** Adds up a part that has ended, or was killed. */
  const closePart = () => {
    const spanned = Math.max(0, lastEnd - Date.parse(begin.started) / 1000);
    seconds += end?.seconds ?? spanned;
    dollars += end?.s3Dollars ?? 0;
  };
  const logged = await LoggedJobs.read(path, {
    signal,
    onComment(line) {
      const mark = parseMark(line);
      if (mark === undefined) return;
      if ("end" in mark) end = mark.end;
      else if (mark.begin.started !== begin.started) {
        closePart();
        begin = mark.begin;
        end = undefined;
      }
    },
    onEntry(entry) {
      lastEnd = Math.max(lastEnd, entry.startedSeconds + entry.runtimeSeconds);
      jobSeconds += entry.runtimeSeconds;
      const cost = costOf(entry);
      dollars += cost?.dollars ?? 0;
      isEstimate ||= cost?.isEstimate ?? entry.command === unknownCost;
    },
  });
  closePart();
  const { size: jobs, failed } = logged;
  const ending = endingOf(begin, end);
  return {
    ...{ run, path, begin, end, ending, started: first.started },
    ...{ seconds, jobSeconds, jobs, failed, dollars, isEstimate },
  };
}
