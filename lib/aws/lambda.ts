/**
 * Lambda's Invoke.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { FunctionError, LlamaError } from "../errors.ts";
import { maxPayloadBytes, parseFunctionError } from "../protocol.ts";
import { type AwsClient, networkError } from "./client.ts";
import { lambdaUrl } from "./endpoint.ts";

/** How to invoke. */
export interface InvokeOptions {
  /** Ask for the log's tail. */
  logs?: boolean | undefined;
  /** Ends the wait; Lambda goes on. */
  signal?: AbortSignal | undefined;
}

/** The answer of a function that did not fail. */
export interface Invocation {
  /** What the function answered, JSON. */
  payload: string;
  /** The last 4 KiB of its log, where it was asked for. */
  logTail: string | undefined;
  /** Lambda's id of the request. */
  requestId: string | undefined;
}

/**
 * Invokes a function and waits for its answer.
 *
 * @param client Signs and sends.
 * @param functionName A function's name, `NAME:ALIAS` or ARN.
 * @param payload JSON of up to 6 MB.
 * @param options Whether to ask for logs; a signal.
 * @returns The answer.
 * @throws {FunctionError} If the function failed.
 * @throws {LlamaError} If the call did: `no-such-function`, `throttled`, `too-large`,
 * `credentials`, `network` or `service`.
 */
export async function invoke(
  client: AwsClient,
  functionName: string,
  payload: string,
  options: InvokeOptions = {},
): Promise<Invocation> {
  const body = new TextEncoder().encode(payload);
  if (body.length > maxPayloadBytes) {
    throw new LlamaError(
      "too-large",
      `the request for ${functionName} is ${body.length} bytes of JSON; Lambda takes ${maxPayloadBytes}`,
      { hint: "send fewer or shorter arguments, or big files through an object store" },
    );
  }
  const base = lambdaUrl(await client.location());
  const url = `${base}/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`;
  const response = await client.send({
    service: "lambda",
    method: "POST",
    url,
    headers: {
      "content-type": "application/json",
      ...(options.logs ? { "x-amz-log-type": "Tail" } : {}),
    },
    body,
    signal: options.signal,
  });
  let text;
  try {
    text = await response.text();
  } catch (cause) {
    options.signal?.throwIfAborted();
    throw networkError(url, cause);
  }
  if (response.status !== 200) throw serviceError(functionName, response, text);
  const tail = response.headers.get("x-amz-log-result");
  const logTail = tail === null ? undefined : Buffer.from(tail, "base64").toString();
  if (response.headers.has("x-amz-function-error")) {
    const { objects, ...error } = parseFunctionError(text);
    throw new FunctionError(functionName, { ...error, logTail, missingObjects: objects });
  }
  const requestId = response.headers.get("x-amzn-requestid") ?? undefined;
  return { payload: text, logTail, requestId };
}

/** Lambda's errors: a type in a header, a message in the body under one of two spellings. */
function serviceError(functionName: string, response: Response, text: string): LlamaError {
  const type = response.headers.get("x-amzn-errortype")?.split(":")[0] ??
    `HTTP status ${response.status}`;
  const message = /"[Mm]essage"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  const words = message === undefined ? text.slice(0, 200) : String(JSON.parse(message));
  if (type === "ResourceNotFoundException") {
    return new LlamaError("no-such-function", `no function ${JSON.stringify(functionName)}`, {
      hint: functionsHint(response.headers),
    });
  }
  const error = (code: LlamaError["code"], hint?: string) =>
    new LlamaError(code, `Lambda refused ${functionName}: ${type}: ${words}`, { hint });
  if (response.status === 429) return error("throttled");
  if (response.status === 413) return error("too-large");
  if (response.status === 403) return error("credentials");
  return error("service");
}

/** The emulator says which functions there are; AWS does not, and lists them on request. */
function functionsHint(headers: Headers): string {
  const names = headers.get("x-llama-functions");
  const from = headers.get("x-llama-functions-from");
  if (names === null || from === null) return "`aws lambda list-functions` shows those there are";
  const place = decodeURIComponent(from);
  return names === ""
    ? `there are none in ${place}; see \`llama help local\``
    : `there are: ${decodeURIComponent(names).replaceAll(",", ", ")} (in ${place})`;
}
