/**
 * Spans as Chrome's trace events, which ui.perfetto.dev and chrome://tracing open.
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

/** A job as a trace shows it. */
export interface TracedJob {
  /** The job's record. */
  readonly record: JobRecord;
  /** Its spans; without them it is left out. */
  readonly spans?: readonly Span[] | undefined;
}

/** The longest command in a trace, in characters. */
const longestCommand = 1000;

/**
 * The text of a trace file: one track a slot, and below it one more for each further file that a
 * job of it sends or fetches at the same time. Slices of a track lie in one another or apart.
 *
 * @param jobs The jobs.
 * @returns The text, JSON, in pieces.
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

/** How many tracks each slot has room for. */
const tracksPerSlot = 32;

interface Place {
  readonly way: number;
  readonly zero: number;
  readonly slot: number;
  /** The names of the tracks that there are. */
  readonly tracks: Map<number, string>;
}

/** Those of files, many of which are sent or fetched at once. */
const ofFiles: ReadonlySet<string> = new Set(["hash", "upload", "download", "write"]);

/** The slices of a job. They are written by hand: a trace has ten a job, and is a part of its run. */
function slicesOf(record: JobRecord, spans: readonly Span[], place: Place): string {
  const { way, zero, slot, tracks } = place;
  let text = "";
  const write = ({ name, start, end, failed }: Span, lane: number, args = "") => {
    const tid = slot * tracksPerSlot + lane + 1;
    if (!tracks.has(tid)) {
      tracks.set(tid, `slot ${slot + 1}` + (lane === 0 ? "" : `, file ${lane + 1}`));
    }
    const from = microseconds(start - zero);
    text += `,\n{"name":"${name}","ph":"X","pid":1,"tid":${tid},"ts":${from},"dur":${
      microseconds(end - zero) - from
    },"args":{"seq":${record.seq}${args}${failed === undefined ? "" : `,"failed":"${failed}"`}}}`;
  };
  const ended = spans.filter(({ end }) => !Number.isNaN(end))
    .sort((a, b) => a.start - b.start || b.end - a.end);
  const files: Span[] = [];
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
    write(span, 0, args);
    if (span.times === undefined) continue;
    for (const inner of placeRuntime(span, way)) write(inner, 0);
  }
  if (files.length > 0) {
    const lanes = lanesOf(files);
    for (const [index, span] of files.entries()) {
      write(span, Math.min(lanes[index] ?? 0, tracksPerSlot - 1));
    }
  }
  return text;
}

function described({ command, ok, status, attempts }: JobRecord): string {
  const shown = JSON.stringify(command.slice(0, longestCommand).toWellFormed());
  return `,"command":${shown},"ok":${ok},"status":${status},"attempts":${attempts}`;
}

/** The unit of trace events. Records have no finer times, and whole numbers are written quickest. */
function microseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000);
}
