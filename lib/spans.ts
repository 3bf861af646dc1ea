/**
 * Measures how a job spends its time.
 *
 * Without measurement, {@linkcode Spans} is undefined, and `using _ = spans?.span("queue")` costs
 * next to nothing.
 *
 * @module
 */

import type { ErrorCode } from "./errors.ts";
import type { Times } from "./protocol.ts";

/**
 * The name of a span. On this machine, `template` turns an input line into a job, and `job` is
 * everything after that, as long as the record's `elapsedMilliseconds`. It contains `cache`, which
 * looks for a kept result, `inputs`, which reads and uploads files (`hash` and `upload` for each file
 * that goes through the store), `queue`, which waits for Lambda capacity, `invoke`, one request and its
 * response, `copy`, the same for a copy of the request of a straggler, and `outputs`, which fetches
 * files (`download` from the store, `write`). In Lambda, within `invoke` or `copy`, `cold start`,
 * `fetch`, `command` and `upload` correspond to the runtime's times.
 */
export type SpanName =
  | "template"
  | "job"
  | "cache"
  | "inputs"
  | "hash"
  | "upload"
  | "queue"
  | "invoke"
  | "copy"
  | "cold start"
  | "fetch"
  | "command"
  | "outputs"
  | "download"
  | "write";

/** An interval, in milliseconds on the clock of `performance.now()`. */
export interface Span {
  /** Its name. */
  readonly name: SpanName;
  /** Its start. */
  readonly start: number;
  /** Its end; `NaN` if it never ended. */
  readonly end: number;
  /** The reason why an `invoke` failed. */
  readonly failed?: ErrorCode | undefined;
  /** Whether another call of the same request was answered first. */
  readonly isLost?: boolean | undefined;
  /** The runtime's times of an `invoke` or a `copy`, if reported. */
  readonly times?: Times | undefined;
}

/** A span that ends when it is disposed. */
export class OpenSpan implements Span, Disposable {
  /** Its name. */
  readonly name: SpanName;
  /** Its start. */
  readonly start: number = performance.now();
  /** Its end; `NaN` until then. */
  end: number = NaN;
  /** The reason why it failed. */
  failed: ErrorCode | undefined;
  /** Whether another call was answered first. */
  isLost: boolean | undefined;
  /** The runtime's times. */
  times: Times | undefined;

  /**
   * Starts a span.
   *
   * @param name Its name.
   */
  constructor(name: SpanName) {
    this.name = name;
  }

  /** Ends the span; later calls have no effect. */
  [Symbol.dispose](): void {
    if (Number.isNaN(this.end)) this.end = performance.now();
  }
}

/** The spans of one job. */
export class Spans {
  /** All spans that have started, in no particular order. */
  readonly all: Span[];
  #invoke: OpenSpan | undefined;
  #isCopy = false;

  /**
   * Creates a job's spans.
   *
   * @param all The list to which spans are added.
   */
  constructor(all: Span[] = []) {
    this.all = all;
  }

  /**
   * Starts a span.
   *
   * @param name Its name.
   * @returns The span; it ends when it is disposed.
   */
  span(name: SpanName): OpenSpan {
    const isInvoke = name === "invoke";
    const span = new OpenSpan(isInvoke && this.#isCopy ? "copy" : name);
    if (isInvoke || !this.#isCopy) this.all.push(span);
    if (isInvoke) this.#invoke = span;
    return span;
  }

  /**
   * Returns the spans of a copy of the request. Its `invoke` is recorded here, as `copy`; its other
   * spans overlap those of the job and are not.
   *
   * @returns The spans, of which only `span`, `answered` and `lost` are used.
   */
  copy(): Spans {
    const spans = new Spans(this.all);
    spans.#isCopy = true;
    return spans;
  }

  /** Marks the last `invoke`: another call of the same request was answered first. */
  lost(): void {
    if (this.#invoke) this.#invoke.isLost = true;
  }

  /**
   * Adds a span that has ended.
   *
   * @param name Its name.
   * @param start Its start, from `performance.now()`.
   * @param end Its end.
   */
  add(name: SpanName, start: number, end: number): void {
    this.all.push({ name, start, end });
  }

  /**
   * Adds the runtime's times to the last `invoke`.
   *
   * @param times The times; undefined if the runtime did not report them.
   */
  answered(times: Times | undefined): void {
    if (this.#invoke) this.#invoke.times = times;
  }
}
