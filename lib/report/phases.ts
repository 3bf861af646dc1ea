/**
 * Divides a job's time into phases.
 *
 * @module
 */

import type { JobRecord } from "../jobs/record.ts";
import { placeRuntime } from "./placed.ts";
import type { Span } from "../spans.ts";

/** A phase of a job. */
export interface Phase {
  /** Its name. */
  readonly label: string;
  /** A short description. */
  readonly help: string;
  /** Its colors in the light and the dark theme. */
  readonly colors: readonly [light: string, dark: string];
}

/** All phases, in the order in which a job passes through them. */
export const phases = [
  {
    label: "cache",
    help: "hashing the inputs and looking for a kept result",
    colors: ["#8a9a3c", "#a3b356"],
  },
  {
    label: "inputs",
    help: "reading local files and uploading large ones to the store",
    colors: ["#93b4e8", "#7ea6e6"],
  },
  {
    label: "queue",
    help: "waiting for Lambda capacity, and between retries",
    colors: ["#f0a92b", "#e3a033"],
  },
  {
    label: "network",
    help: "the request and the response on their way, including waits for a connection",
    colors: ["#b6b3ab", "#77746c"],
  },
  {
    label: "straggler",
    help: "the first request of a job that a copy answered, until the copy was sent",
    colors: ["#d98bb0", "#c2779c"],
  },
  {
    label: "cold start",
    help: "starting an execution environment for the job",
    colors: ["#9a6fd6", "#a884e0"],
  },
  {
    label: "fetch",
    help: "downloading inputs to the function",
    colors: ["#5d8fe0", "#5b8ee2"],
  },
  { label: "command", help: "running the command", colors: ["#17957f", "#2aa88f"] },
  {
    label: "upload",
    help: "uploading outputs from the function",
    colors: ["#3a6cc4", "#4477cf"],
  },
  {
    label: "outputs",
    help: "downloading outputs and writing them to local files",
    colors: ["#27509b", "#8fb0ea"],
  },
  {
    label: "other",
    help: "time that was not measured in detail",
    colors: ["#cfd3da", "#565d69"],
  },
] as const satisfies readonly Phase[];

/** The name of a phase. */
export type PhaseName = (typeof phases)[number]["label"];

/**
 * Returns the phases as a run's report names them: on this machine there is no network between them.
 *
 * @param isLocal Whether the functions ran on this machine.
 */
export function namedPhases(isLocal: boolean): readonly (Phase & { readonly id: PhaseName })[] {
  return phases.map((phase) =>
    isLocal && phase.label === "network"
      ? { ...phase, id: phase.label, label: "waiting", help: "waiting for a processor to be free" }
      : { ...phase, id: phase.label }
  );
}

/** A part of a job's time: its phase and its duration in milliseconds. */
export type Piece = readonly [phase: PhaseName, milliseconds: number];

/**
 * Divides a job's time into consecutive pieces that cover it completely.
 *
 * @param record The job's record.
 * @param spans Its spans, if they were measured.
 * @param way The result of `shortestWay` for the run.
 * @returns The pieces; they add up to the record's `elapsedMilliseconds`.
 */
export function piecesOf(
  record: JobRecord,
  spans: readonly Span[] | undefined,
  way: number,
): Piece[] {
  const job = spans?.find(({ name }) => name === "job");
  return spans === undefined || job === undefined ? fromRecord(record) : fromSpans(spans, job, way);
}

/** A record does not say when the runtime's part began, so it is centered in the job's time. */
function fromRecord({ elapsedMilliseconds, times }: JobRecord): Piece[] {
  const strip = new Strip(0);
  if (times) {
    const { totalMilliseconds, initMilliseconds = 0 } = times;
    const rest = Math.max(0, elapsedMilliseconds - totalMilliseconds - initMilliseconds);
    let at = rest / 2;
    strip.fill("other", at);
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
  strip.fill("other", elapsedMilliseconds);
  return strip.pieces;
}

function fromSpans(spans: readonly Span[], job: Span, way: number): Piece[] {
  const strip = new Strip(job.start);
  const winners = spans.filter((span) => span.name === "copy" && isWinner(span));
  const parts = [
    ...winners,
    ...spans.filter(({ name, end }) =>
      !Number.isNaN(end) && ["cache", "inputs", "queue", "invoke", "outputs"].includes(name)
    ),
  ]
    .sort((a, b) => a.start - b.start);
  for (const span of parts) {
    strip.fill("other", span.start);
    const copy = span.name === "invoke" ? winners.find((copy) => overlaps(span, copy)) : undefined;
    const { name } = span;
    if (name === "cache" || name === "inputs" || name === "outputs" || name === "queue") {
      strip.fill(name, span.end);
    } else if (copy !== undefined) {
      strip.fill("straggler", copy.start);
    } else if (span.failed === "throttled") {
      strip.fill("queue", span.end);
    } else {
      const inside = placeRuntime(span, way);
      const [first] = inside;
      if (first) strip.fill("network", first.start);
      for (const { name, end } of inside) {
        if (name === "cold start" || name === "fetch" || name === "command" || name === "upload") {
          strip.fill(name, end);
        }
      }
      strip.fill(first ? "network" : "other", span.end);
    }
  }
  strip.fill("other", job.end);
  return strip.pieces;
}

/** Reports whether a copy was answered first. */
function isWinner({ end, failed, isLost }: Span): boolean {
  return !Number.isNaN(end) && failed === undefined && !isLost;
}

function overlaps(one: Span, other: Span): boolean {
  return one.start < other.end && other.start < one.end;
}

/** Builds consecutive pieces. */
class Strip {
  readonly pieces: [phase: PhaseName, milliseconds: number][] = [];
  #at: number;

  constructor(start: number) {
    this.#at = start;
  }

  /** Fills the time up to `end` with a phase. */
  fill(phase: PhaseName, end: number): void {
    const milliseconds = end - this.#at;
    if (!(milliseconds > 0)) return;
    const last = this.pieces.at(-1);
    if (last?.[0] === phase) last[1] += milliseconds;
    else this.pieces.push([phase, milliseconds]);
    this.#at = end;
  }
}
