/**
 * Lambda's API beside Invoke: JSON in, JSON out.
 *
 * @module
 */

import type { LlamaError } from "../errors.ts";
import { CallError, isServerFailure, retryAfter } from "./call_error.ts";
import type { AwsClient } from "./client.ts";
import { serviceUrl } from "./endpoint.ts";

/** A call. */
export interface LambdaCall {
  /** The action, such as `PublishLayerVersion`, as a policy names it. */
  readonly action: string;
  /** The HTTP method. */
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** The path from its first slash on, already encoded. */
  readonly path: string;
  /** What becomes the request's JSON. */
  readonly body?: unknown;
  /** Ends the call early. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a call.
 *
 * @param client Signs and sends.
 * @param call The call.
 * @returns The answer, as JSON has it; undefined if it is empty.
 * @throws {LlamaError} `credentials` if AWS forbids it, naming the action; `throttled`,
 * `too-large`, `network` or `service` otherwise.
 */
export async function callLambda(client: AwsClient, call: LambdaCall): Promise<unknown> {
  const { action, method, path, body, signal } = call;
  const url = serviceUrl(await client.location(), "lambda") + path;
  const request = {
    service: "lambda",
    method,
    url,
    ...(body === undefined ? {} : {
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
    signal,
  } as const;
  return await client.call(request, {
    retry: { maxRepeats: 3 },
    // Some 48 MB may go along.
    attemptMilliseconds: 600_000,
    async read(response): Promise<unknown> {
      const text = await response.text();
      if (!response.ok) throw refusal(action, response, text);
      return text === "" ? undefined : JSON.parse(text);
    },
  });
}

function refusal(action: string, { status, headers }: Response, text: string): LlamaError {
  const type = headers.get("x-amzn-errortype")?.split(":")[0] ?? `HTTP status ${status}`;
  // Two spellings, and a proxy in between may answer with no JSON at all.
  const quoted = /"[Mm]essage"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  const words = quoted === undefined ? text.slice(0, 200) : String(JSON.parse(quoted));
  const error = (code: LlamaError["code"], options = {}) =>
    new CallError(code, `Lambda refused ${action}: ${type}: ${words}`, options);
  if (status === 403) {
    return error("credentials", { hint: `the credentials need lambda:${action}` });
  }
  if (status === 413) return error("too-large");
  const afterMilliseconds = retryAfter(headers);
  if (status === 429) return error("throttled", { repeat: "unsent", afterMilliseconds });
  return isServerFailure(status)
    ? error("service", { repeat: "maybe", afterMilliseconds })
    : error("service");
}
