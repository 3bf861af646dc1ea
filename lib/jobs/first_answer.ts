/**
 * Sends a request and its copies, of which the first answer counts.
 *
 * @module
 */

import type { Delivery } from "../aws/api/lambda_invoke.ts";
import { FunctionError } from "../errors.ts";
import type { Spans } from "../spans.ts";
import type { Flight } from "./stragglers.ts";

/** What a call and its copies differ in. */
export interface Call {
  /** Cancels the call. */
  readonly signal: AbortSignal | undefined;
  /** Cancels the call while it waits for Lambda's capacity. */
  readonly admission: AbortSignal | undefined;
  /** Receives the call's spans. */
  readonly spans: Spans | undefined;
  /** Updated during the call. */
  readonly delivery: Delivery;
}

/** A call that was made. */
interface Made extends Call {
  readonly isCopy: boolean;
  readonly began: number;
  readonly cancel: AbortController;
  failure?: { readonly error: unknown; readonly at: number };
}

/**
 * Makes a call, and copies of it when the run's policy asks for them. The first answer wins; the other
 * calls are canceled, so that their connections are closed. A failure counts only if no call is left.
 *
 * @param make Makes a call.
 * @param first The signals, the spans and the progress of the job.
 * @param flight The job as the policy knows it.
 * @param timeoutSeconds The job's timeout in seconds, if there is one.
 * @returns The first answer.
 * @throws The failure of the first call, if all of them fail.
 */
export async function firstAnswer<T>(
  make: (call: Call) => Promise<T>,
  first: Call,
  flight: Flight,
  timeoutSeconds: number | undefined,
): Promise<T> {
  const original = madeFrom(first, false);
  const calls = [original];
  const tasks: Promise<void>[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<{ answer: T; winner: Made }>();
  const run = async (call: Made, place?: Disposable) => {
    using _place = place;
    try {
      resolve({ answer: await make(call), winner: call });
    } catch (error) {
      call.failure = { error, at: performance.now() };
      if (calls.every(({ failure }) => failure)) reject(original.failure?.error);
    }
  };
  flight.begin({
    sentAt: () => original.failure ? undefined : original.delivery.sentAt,
    copy: (place) => {
      const call = madeFrom(first, true);
      calls.push(call);
      tasks.push(run(call, place));
    },
  });
  tasks.push(run(original));
  let winner = original;
  try {
    const won = await promise;
    winner = won.winner;
    return won.answer;
  } finally {
    const now = performance.now();
    const elapsed = now - (original.delivery.sentAt ?? original.began);
    flight.end({
      tookMilliseconds: elapsed,
      hasCopyWon: winner.isCopy,
      savedMilliseconds: timeoutSeconds === undefined || original.failure
        ? undefined
        : Math.max(0, timeoutSeconds * 1000 - elapsed),
    });
    for (const call of calls) {
      const { delivery: { mayHaveRun, sentAt }, began, failure } = call;
      first.delivery.mayHaveRun ||= mayHaveRun;
      // The winner's cost is that of the attempt.
      if (call === winner) continue;
      if (mayHaveRun) {
        flight.lost({
          elapsedMilliseconds: (failure?.at ?? now) - (sentAt ?? began),
          logTail: failure?.error instanceof FunctionError ? failure.error.logTail : undefined,
        });
      }
      if (failure) continue;
      call.spans?.lost();
      call.cancel.abort(new DOMException("Another call was answered first", "AbortError"));
    }
    await Promise.all(tasks);
  }
}

function madeFrom({ signal, admission = signal, spans }: Call, isCopy: boolean): Made {
  const cancel = new AbortController();
  const within = (outer: AbortSignal | undefined) =>
    outer ? AbortSignal.any([outer, cancel.signal]) : cancel.signal;
  return {
    isCopy,
    began: performance.now(),
    cancel,
    signal: within(signal),
    admission: within(admission),
    spans: isCopy ? spans?.copy() : spans,
    delivery: { mayHaveRun: false },
  };
}
