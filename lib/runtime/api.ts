/**
 * A client of the Runtime API, from which a runtime gets its invocations.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../errors.ts";
import { directClient } from "../system/loopback.ts";
import type { JobError } from "./job_error.ts";

/** An invocation that has not been answered yet. */
export interface Invocation {
  /** The request's id. */
  id: string;
  /** The request's payload. */
  text: string;
  /** The X-Ray trace header, if any. */
  traceId: string | undefined;
  /** The function's ARN as invoked, if known. */
  functionArn: string | undefined;
  /** The time of arrival, by `performance.now()`. */
  received: number;
  /**
   * When Lambda kills the execution environment, on the same clock; undefined if absent, or past, as
   * after a change of the system clock.
   */
  deadline: number | undefined;
}

/** The pauses before retries, in milliseconds. */
const pauses = [20, 100, 500];

/** A client of the Runtime API. Dispose of it when done: it holds a connection. */
export class RuntimeApi implements Disposable {
  readonly #base: string;
  readonly #client: Deno.HttpClient;

  /** @param address `HOST:PORT`, optionally followed by a path. */
  constructor(address: string) {
    this.#base = `http://${address}/2018-06-01/runtime`;
    this.#client = directClient(address.replace(/\/.*$/s, ""));
  }

  /**
   * Returns the next invocation, which may take hours.
   *
   * @param signal Aborts the wait.
   * @throws {Error} If the API cannot be reached or refuses.
   */
  async next(signal: AbortSignal): Promise<Invocation> {
    const { status, headers, text } = await this.#call("/invocation/next", { signal });
    const id = headers.get("lambda-runtime-aws-request-id");
    if (status !== 200 || !id) throw new Error(`the Runtime API refused "next": status ${status}`);
    const received = performance.now();
    const leftMs = Number(headers.get("lambda-runtime-deadline-ms") ?? NaN) - Date.now();
    return {
      id,
      text,
      traceId: headers.get("lambda-runtime-trace-id") ?? undefined,
      functionArn: headers.get("lambda-runtime-invoked-function-arn") ?? undefined,
      received,
      deadline: Number.isFinite(leftMs) && leftMs > 0 ? received + leftMs : undefined,
    };
  }

  /**
   * Sends the response to an invocation.
   *
   * @throws {JobError} `Llama.Internal` if the response is too large for Lambda.
   * @throws {Error} If the API cannot be reached or refuses.
   */
  async respond(id: string, body: string, signal: AbortSignal): Promise<void> {
    const { status } = await this.#post(`/invocation/${id}/response`, body, {}, signal);
    if (status === 413) {
      const { answerRefused } = await import("./unsent.ts");
      throw answerRefused();
    }
    if (status >= 300) throw new Error(`the Runtime API refused the response: status ${status}`);
  }

  /**
   * Sends the response to an invocation as it is made.
   *
   * @param body The response; it can be sent only once.
   * @throws {Error} If the API cannot be reached or refuses.
   */
  async respondLive(
    id: string,
    body: ReadableStream<Uint8Array<ArrayBuffer>>,
    signal: AbortSignal,
  ): Promise<void> {
    const { postLive } = await import("./live_response.ts");
    await postLive(`${this.#base}/invocation/${id}/response`, body, {
      client: this.#client,
      signal,
    });
  }

  /**
   * Reports that an invocation failed or, without an id, that the runtime could not start.
   *
   * @throws {Error} If the API cannot be reached or refuses.
   */
  async fail(id: string | undefined, error: JobError, signal: AbortSignal): Promise<void> {
    const path = id === undefined ? "/init/error" : `/invocation/${id}/error`;
    const { status } = await this.#post(path, JSON.stringify(error.payload()), {
      "lambda-runtime-function-error-type": error.type,
    }, signal);
    if (status >= 300) throw new Error(`the Runtime API refused the error: status ${status}`);
  }

  /** Closes the connection. */
  [Symbol.dispose](): void {
    this.#client.close();
  }

  #post(path: string, body: string, headers: Record<string, string>, signal: AbortSignal) {
    return this.#call(path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
      signal,
    });
  }

  /** Retries failed calls and 5xx: the API is on this machine. */
  async #call(path: string, init: RequestInit & { signal: AbortSignal }) {
    const { signal } = init;
    for (let attempt = 0;; attempt++) {
      const pause = pauses[attempt];
      try {
        const response = await fetch(this.#base + path, { ...init, client: this.#client });
        // Read even if empty: canceling a body closes the connection.
        const text = await response.text();
        if (response.status < 500 || pause === undefined) {
          return { status: response.status, headers: response.headers, text };
        }
      } catch (cause) {
        signal.throwIfAborted();
        if (pause === undefined) {
          throw new Error(`the Runtime API does not answer: ${messageOf(cause)}`, { cause });
        }
      }
      await delay(pause, undefined, { signal });
    }
  }
}
