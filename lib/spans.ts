/**
 * Where the time of a job goes.
 *
 * Whoever measures nothing passes no {@linkcode Spans} on: `using _ = spans?.span("queue")` is then a
 * look at one variable.
 *
 * @module
 */

import type { ErrorCode } from "./errors.ts";
import type { Times } from "./protocol.ts";

/**
 * What a span is of. On this machine: `template` makes a job of a line; `job` is all that follows,
 * as long as the record's `elapsedMilliseconds`; in it `inputs` reads and sends the files (`hash` and
 * `upload` each one that goes through the store), `queue` waits for Lambda to have room, `invoke` is
 * one request and its answer, `outputs` brings the files back (`download` from the store, `write`).
 * In Lambda, inside of `invoke`: `cold start`, `fetch`, `command` and `upload` as the runtime's
 * times have them.
 */
export type SpanName =
  | "template"
  | "job"
  | "inputs"
  | "hash"
  | "upload"
  | "queue"
  | "invoke"
  | "cold start"
  | "fetch"
  | "command"
  | "outputs"
  | "download"
  | "write";

/** A piece of time, on the clock of `performance.now()`, in milliseconds. */
export interface Span {
  /** What it is of. */
  readonly name: SpanName;
  /** When it began. */
  readonly start: number;
  /** When it ended; not a number if it never did. */
  readonly end: number;
  /** Of an `invoke` that did not succeed: why. */
  readonly failed?: ErrorCode | undefined;
  /** Of an `invoke` whose runtime says it: where the time went there. */
  readonly times?: Times | undefined;
}

/** A span that goes on until it is disposed of. */
export class OpenSpan implements Span, Disposable {
  /** What it is of. */
  readonly name: SpanName;
  /** When it began. */
  readonly start: number = performance.now();
  /** When it ended; not a number until then. */
  end: number = NaN;
  /** Why it did not succeed. */
  failed: ErrorCode | undefined;
  /** Where the time went in the runtime. */
  times: Times | undefined;

  /**
   * Begins it.
   *
   * @param name What it is of.
   */
  constructor(name: SpanName) {
    this.name = name;
  }

  /** Ends it; the first time counts. */
  [Symbol.dispose](): void {
    if (Number.isNaN(this.end)) this.end = performance.now();
  }
}

/** The spans of one job. */
export class Spans {
  /** Those that have begun, in no order. */
  readonly all: Span[] = [];
  #invoke: OpenSpan | undefined;

  /**
   * Begins a span.
   *
   * @param name What it is of.
   * @returns The span; it ends when it is disposed of.
   */
  span(name: SpanName): OpenSpan {
    const span = new OpenSpan(name);
    this.all.push(span);
    if (name === "invoke") this.#invoke = span;
    return span;
  }

  /**
   * Adds a span that has ended.
   *
   * @param name What it is of.
   * @param start When it began, as `performance.now()` has it.
   * @param end When it ended.
   */
  add(name: SpanName, start: number, end: number): void {
    this.all.push({ name, start, end });
  }

  /**
   * Notes what the runtime says of the last `invoke`.
   *
   * @param times Where the time went there; undefined if it does not say.
   */
  answered(times: Times | undefined): void {
    if (this.#invoke) this.#invoke.times = times;
  }
}
