/**
 * What a job's time is divided into.
 *
 * @module
 */

import type { JobRecord } from "../jobs/record.ts";
import { placeRuntime } from "./placed.ts";
import type { Span } from "../spans.ts";

/** A part of a job's time. */
export interface Phase {
  /** What it is called. */
  readonly label: string;
  /** What happens in it. */
  readonly help: string;
  /** Its colours, on a light ground and on a dark one. */
  readonly colours: readonly [light: string, dark: string];
}

/** All phases, in the order in which a job goes through them. */
export const phases = [
  {
    label: "inputs",
    help: "reading files here, and sending big ones to the store",
    colours: ["#93b4e8", "#7ea6e6"],
  },
  {
    label: "queue",
    help: "waiting for Lambda to have room, and between repeats",
    colours: ["#f0a92b", "#e3a033"],
  },
  {
    label: "way",
    help: "the request's way there, with what it waits for, and back",
    colours: ["#b6b3ab", "#77746c"],
  },
  {
    label: "cold start",
    help: "Lambda starting an execution environment for the job",
    colours: ["#9a6fd6", "#a884e0"],
  },
  {
    label: "fetch",
    help: "reading the inputs, in the function",
    colours: ["#5d8fe0", "#5b8ee2"],
  },
  { label: "command", help: "the command itself", colours: ["#17957f", "#2aa88f"] },
  {
    label: "upload",
    help: "storing the outputs, in the function",
    colours: ["#3a6cc4", "#4477cf"],
  },
  {
    label: "outputs",
    help: "bringing the outputs back, and writing them here",
    colours: ["#27509b", "#8fb0ea"],
  },
  {
    label: "not told apart",
    help: "time of which the run left no more than its sum",
    colours: ["#cfd3da", "#565d69"],
  },
] as const satisfies readonly Phase[];

/** A phase's name. */
export type PhaseName = (typeof phases)[number]["label"];

/** A part of a job's time: a phase, and how long it took in milliseconds. */
export type Piece = readonly [phase: PhaseName, milliseconds: number];

/**
 * Divides a job's time, without a rest: the pieces follow one another from its begin to its end.
 *
 * @param record The job's record.
 * @param spans Its spans, where it was measured.
 * @param way What `shortestWay` says of the run.
 * @returns The pieces; their sum is the record's `elapsedMilliseconds`.
 */
export function piecesOf(
  record: JobRecord,
  spans: readonly Span[] | undefined,
  way: number,
): Piece[] {
  const job = spans?.find(({ name }) => name === "job");
  return spans === undefined || job === undefined ? fromRecord(record) : fromSpans(spans, job, way);
}

/** The runtime's times are somewhere in the job's: in the middle, as far as anyone knows. */
function fromRecord({ elapsedMilliseconds, times }: JobRecord): Piece[] {
  const strip = new Strip(0);
  if (times) {
    const { totalMilliseconds, initMilliseconds = 0 } = times;
    const rest = Math.max(0, elapsedMilliseconds - totalMilliseconds - initMilliseconds);
    let at = rest / 2;
    strip.fill("not told apart", at);
    for (
      const [phase, milliseconds] of [
        ["cold start", initMilliseconds],
        ["fetch", times.fetchMilliseconds],
        ["command", times.commandMilliseconds],
        ["upload", times.uploadMilliseconds],
      ] as const
    ) {
      at = Math.min(at + milliseconds, elapsedMilliseconds);
      strip.fill(phase, at);
    }
  }
  strip.fill("not told apart", elapsedMilliseconds);
  return strip.pieces;
}

function fromSpans(spans: readonly Span[], job: Span, way: number): Piece[] {
  const strip = new Strip(job.start);
  const parts = spans
    .filter(({ name, end }) =>
      !Number.isNaN(end) && ["inputs", "queue", "invoke", "outputs"].includes(name)
    )
    .sort((a, b) => a.start - b.start);
  for (const span of parts) {
    strip.fill("not told apart", span.start);
    if (span.name === "inputs" || span.name === "outputs" || span.name === "queue") {
      strip.fill(span.name, span.end);
    } else if (span.failed === "throttled") {
      strip.fill("queue", span.end);
    } else {
      const inside = placeRuntime(span, way);
      const [first] = inside;
      if (first) strip.fill("way", first.start);
      for (const { name, end } of inside) {
        if (name === "cold start" || name === "fetch" || name === "command" || name === "upload") {
          strip.fill(name, end);
        }
      }
      strip.fill(first ? "way" : "not told apart", span.end);
    }
  }
  strip.fill("not told apart", job.end);
  return strip.pieces;
}

/** A row of pieces without gaps. */
class Strip {
  readonly pieces: [phase: PhaseName, milliseconds: number][] = [];
  #at: number;

  constructor(start: number) {
    this.#at = start;
  }

  /** Goes on to a time with a phase. */
  fill(phase: PhaseName, end: number): void {
    const milliseconds = end - this.#at;
    if (!(milliseconds > 0)) return;
    const last = this.pieces.at(-1);
    if (last?.[0] === phase) last[1] += milliseconds;
    else this.pieces.push([phase, milliseconds]);
    this.#at = end;
  }
}
