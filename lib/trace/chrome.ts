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
import type { Span } from "./spans.ts";

/** A job as a trace shows it. */
export interface TracedJob {
  /** The job's record. */
  readonly record: JobRecord;
  /** Its spans; without them it is left out. */
  readonly spans?: readonly Span[] | undefined;
}

/** A slice of a track; times are in microseconds. */
interface Slice {
  readonly name: string;
  readonly ph: "X";
  readonly pid: 1;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  readonly args: Readonly<Record<string, unknown>>;
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
    const slot = slots[index] ?? 0;
    for (const slice of slicesOf(record, spans, { way, zero, slot, tracks })) {
      yield ",\n" + JSON.stringify(slice);
    }
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

function* slicesOf(
  record: JobRecord,
  spans: readonly Span[],
  { way, zero, slot, tracks }: Place,
): Generator<Slice, void, undefined> {
  const { seq } = record;
  const sliceOf = ({ name, start, end, failed }: Span, lane: number, args = {}): Slice => {
    const tid = slot * tracksPerSlot + lane + 1;
    if (!tracks.has(tid)) {
      tracks.set(tid, `slot ${slot + 1}` + (lane === 0 ? "" : `, file ${lane + 1}`));
    }
    return {
      ...{ name, ph: "X", pid: 1, tid },
      ts: microseconds(start - zero),
      dur: microseconds(end - zero) - microseconds(start - zero),
      args: { seq, ...args, ...(failed === undefined ? {} : { failed }) },
    };
  };
  const ended = spans.filter(({ end }) => !Number.isNaN(end))
    .sort((a, b) => a.start - b.start || b.end - a.end);
  const files = ended.filter(({ name }) => ofFiles.has(name));
  const lanes = lanesOf(files);
  for (const span of ended) {
    if (span.name === "job") yield sliceOf(span, 0, describe(record));
    else if (span.name === "invoke") {
      yield sliceOf(span, 0, span.times?.cold === undefined ? {} : { cold: span.times.cold });
      for (const inner of placeRuntime(span, way)) yield sliceOf(inner, 0);
    } else if (!ofFiles.has(span.name)) yield sliceOf(span, 0);
  }
  for (const [index, span] of files.entries()) {
    yield sliceOf(span, Math.min(lanes[index] ?? 0, tracksPerSlot - 1));
  }
}

function describe({ command, ok, status, attempts }: JobRecord): Readonly<Record<string, unknown>> {
  return { command: command.slice(0, longestCommand).toWellFormed(), ok, status, attempts };
}

/** To a nanosecond: more digits say nothing. */
function microseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1e6) / 1e3;
}
