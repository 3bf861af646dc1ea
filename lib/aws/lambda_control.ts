/**
 * Lambda's API beside Invoke: JSON in, JSON out.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";
import { type AwsClient, networkError } from "./client.ts";
import { lambdaUrl } from "./endpoint.ts";

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
  const url = lambdaUrl(await client.location()) + path;
  const response = await client.send({
    service: "lambda",
    method,
    url,
    ...(body === undefined ? {} : {
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
    signal,
  });
  let text;
  try {
    text = await response.text();
  } catch (cause) {
    signal?.throwIfAborted();
    throw networkError(url, cause);
  }
  if (!response.ok) throw refusal(action, response, text);
  return text === "" ? undefined : JSON.parse(text);
}

function refusal(action: string, { status, headers }: Response, text: string): LlamaError {
  const type = headers.get("x-amzn-errortype")?.split(":")[0] ?? `HTTP status ${status}`;
  // Two spellings, and a proxy in between may answer with no JSON at all.
  const quoted = /"[Mm]essage"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  const words = quoted === undefined ? text.slice(0, 200) : String(JSON.parse(quoted));
  const error = (code: LlamaError["code"], hint?: string) =>
    new LlamaError(code, `Lambda refused ${action}: ${type}: ${words}`, { hint });
  if (status === 403) return error("credentials", `the credentials need lambda:${action}`);
  if (status === 413) return error("too-large");
  if (status === 429) return error("throttled");
  return error("service");
}
