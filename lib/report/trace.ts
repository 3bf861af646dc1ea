/**
 * Writes spans as Chrome trace events, for ui.perfetto.dev and chrome://tracing.
 *
 * https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 *
 * @module
 */

import type { JobRecord } from "../jobs/record.ts";
import { version } from "../version.ts";
import { lanesOf } from "./lanes.ts";
import { placeRuntime, shortestWay } from "./placed.ts";
import type { Span } from "../spans.ts";

/** A job in a trace. */
export interface TracedJob {
  /** The job's record. */
  readonly record: JobRecord;
  /** Its spans; a job without spans is omitted. */
  readonly spans?: readonly Span[] | undefined;
}

/** The maximum length of a command in a trace, in characters. */
const maxCommandLength = 1000;

/**
 * Generates the text of a trace file. There is one track per concurrency slot, followed by one for
 * each additional file that its jobs transfer at the same time, and for copies of their requests,
 * since slices on one track must be nested or disjoint.
 *
 * @param jobs The jobs.
 * @returns The JSON text, in chunks.
 */
export function* traceText(jobs: readonly TracedJob[]): Generator<string, void, undefined> {
  const sorted = jobs.map(({ record, spans = [] }) => ({ record, spans, ...boundsOf(spans) }))
    .filter(({ start }) => start < Infinity)
    .sort((a, b) => a.start - b.start);
  const way = shortestWay(sorted.map(({ spans }) => spans));
  const zero = sorted[0]?.start ?? 0;
  const other = {
    llama: version,
    started: new Date(performance.timeOrigin + zero).toISOString(),
  };
  yield `{"displayTimeUnit":"ms","otherData":${JSON.stringify(other)},"traceEvents":[\n`;
  yield JSON.stringify({ name: "process_name", ph: "M", pid: 1, args: { name: "llama" } });
  const slots = lanesOf(sorted);
  const tracks = new Map<number, string>();
  for (const [index, { record, spans }] of sorted.entries()) {
    yield slicesOf(record, spans, { way, zero, slot: slots[index] ?? 0, tracks });
  }
  for (const [tid, name] of tracks) {
    yield ",\n" + JSON.stringify({ name: "thread_name", ph: "M", pid: 1, tid, args: { name } });
    const args = { sort_index: tid };
    yield ",\n" + JSON.stringify({ name: "thread_sort_index", ph: "M", pid: 1, tid, args });
  }
  yield "\n]}\n";
}

function boundsOf(spans: readonly Span[]): { start: number; end: number } {
  let [start, end] = [Infinity, -Infinity];
  for (const span of spans) {
    start = Math.min(start, span.start);
    if (span.end > end) end = span.end;
  }
  return { start, end };
}

/** The number of track numbers reserved per slot: for the job and its files, and for copies. */
const [tracksPerSlot, copyTracks] = [32, 4];

interface Place {
  readonly way: number;
  readonly zero: number;
  readonly slot: number;
  /** The names of the tracks used so far, by number. */
  readonly tracks: Map<number, string>;
}

/** Spans of single files, many of which may overlap. */
const ofFiles: ReadonlySet<string> = new Set(["hash", "upload", "download", "write"]);

/**
 * Returns the slices of a job. The JSON is written by hand, which is faster: there are about ten
 * slices per job, and the trace is written as part of the run.
 */
function slicesOf(record: JobRecord, spans: readonly Span[], place: Place): string {
  const { way, zero, slot, tracks } = place;
  let text = "";
  const write = ({ name, start, end, failed, isLost }: Span, lane: number, args = "") => {
    const tid = slot * tracksPerSlot + lane + 1;
    if (!tracks.has(tid)) {
      tracks.set(tid, `slot ${slot + 1}` + trackName(lane));
    }
    const from = microseconds(start - zero);
    text += `,\n{"name":"${name}","ph":"X","pid":1,"tid":${tid},"ts":${from},"dur":${
      microseconds(end - zero) - from
    },"args":{"seq":${record.seq}${args}${isLost ? ',"lost":true' : ""}${
      failed === undefined ? "" : `,"failed":"${failed}"`
    }}}`;
  };
  const ended = spans.filter(({ end }) => !Number.isNaN(end))
    .sort((a, b) => a.start - b.start || b.end - a.end);
  const files: Span[] = [];
  const copies = ended.filter(({ name }) => name === "copy");
  const copyLanes = lanesOf(copies);
  for (const span of ended) {
    if (ofFiles.has(span.name)) {
      files.push(span);
      continue;
    }
    const cold = span.times?.cold;
    const args = span.name === "job"
      ? described(record)
      : cold === undefined
      ? ""
      : `,"cold":${cold}`;
    const lane = span.name === "copy" ? copyLane(copyLanes[copies.indexOf(span)] ?? 0) : 0;
    write(span, lane, args);
    if (span.times === undefined) continue;
    for (const inner of placeRuntime(span, way)) write(inner, lane);
  }
  if (files.length > 0) {
    const lanes = lanesOf(files);
    for (const [index, span] of files.entries()) {
      write(span, Math.min(lanes[index] ?? 0, tracksPerSlot - copyTracks - 1));
    }
  }
  return text;
}

function copyLane(index: number): number {
  return tracksPerSlot - copyTracks + Math.min(index, copyTracks - 1);
}

function trackName(lane: number): string {
  if (lane === 0) return "";
  return lane < copyLane(0) ? `, file ${lane + 1}` : `, copy ${lane - copyLane(0) + 1}`;
}

function described({ command, ok, status, attempts, copies, cache }: JobRecord): string {
  const shown = JSON.stringify(command.slice(0, maxCommandLength).toWellFormed());
  return `,"command":${shown},"ok":${ok},"status":${status},"attempts":${attempts}${
    copies === undefined ? "" : `,"copies":${copies}`
  }${cache === undefined ? "" : `,"cache":"${cache.state}"`}`;
}

/** Converts to the unit of trace events, in whole numbers: they are fastest to write. */
function microseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000);
}
