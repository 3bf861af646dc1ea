/**
 * A server of the Runtime API, from which runtimes get invocations and to which they send answers.
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 *
 * @module
 */

import { joinBytes } from "../files/bytes.ts";
import { readBody } from "./body.ts";
import type { ExecutionEnvironment } from "./execution_environment.ts";
import { responseTooLarge } from "./failures.ts";

/** The maximum size of an answer in bytes: Lambda accepts slightly more than 6 MB. */
export const maxResponseBytes = 6_291_556;

/** The maximum size of a streamed answer in bytes, which Lambda gives as 200 MB. */
const maxStreamedBytes = 200 * 1024 * 1024;

const api = "/2018-06-01/runtime";

/** Options for {@linkcode serveRuntimeApi}. */
export interface RuntimeApiOptions {
  /** The function's ARN. */
  readonly functionArn: string;
}

/**
 * Answers a runtime's call.
 *
 * @param request The call.
 * @param path The part of its path that belongs to the Runtime API.
 * @param environment The runtime's environment.
 * @param options The function's ARN.
 */
export async function serveRuntimeApi(
  request: Request,
  path: string,
  environment: ExecutionEnvironment,
  options: RuntimeApiOptions,
): Promise<Response> {
  if (path === `${api}/invocation/next` && request.method === "GET") {
    const delivery = await environment.next();
    if (!delivery) return refuse(410, "Gone", "The execution environment has ended");
    return new Response(delivery.invocation.payload, {
      headers: {
        "content-type": "application/json",
        "cache-control": "no-transform",
        "lambda-runtime-aws-request-id": delivery.invocation.requestId,
        "lambda-runtime-deadline-ms": String(delivery.deadline),
        "lambda-runtime-invoked-function-arn": options.functionArn,
      },
    });
  }
  if (request.method !== "POST") return refuse(404, "NotFound", `no such path: ${path}`);
  if (path === `${api}/init/error`) {
    const body = await readBody(request, maxResponseBytes);
    environment.failInit(errorPayload(request, body));
    return accepted();
  }
  const [, requestId, action] = /^\/2018-06-01\/runtime\/invocation\/([^/]+)\/(response|error)$/
    .exec(path) ?? [];
  if (requestId === undefined) return refuse(404, "NotFound", `no such path: ${path}`);
  if (action === "response" && isStreamed(request)) {
    return await receiveStream(request, requestId, environment);
  }
  const body = await readBody(request, maxResponseBytes);
  // Checked after reading the body, since the invocation may have timed out meanwhile.
  if (!environment.isWorkingAt(requestId)) {
    return refuse(400, "InvalidRequestID", "Invalid request ID");
  }
  if (body === undefined) {
    environment.answerWith(responseTooLarge(maxResponseBytes));
    return refuse(
      413,
      "RequestEntityTooLarge",
      `Exceeded maximum allowed payload size (${maxResponseBytes} bytes).`,
    );
  }
  const isError = action === "error";
  environment.answer(isError ? errorPayload(request, body) : body, isError);
  return accepted();
}

function isStreamed({ headers }: Request): boolean {
  return headers.get("lambda-runtime-function-response-mode")?.toLowerCase() === "streaming";
}

/**
 * Passes a streamed response on as it arrives; a caller of the ordinary Invoke gets it whole. If the
 * runtime ends in the middle, so does its environment, which reports that.
 */
async function receiveStream(
  request: Request,
  requestId: string,
  environment: ExecutionEnvironment,
): Promise<Response> {
  if (!environment.isWorkingAt(requestId)) {
    return refuse(400, "InvalidRequestID", "Invalid request ID");
  }
  const live = environment.liveCaller(requestId);
  const limit = live ? maxStreamedBytes : maxResponseBytes;
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of request.body ?? []) {
    if (!environment.isWorkingAt(requestId)) break;
    size += piece.length;
    if (size > limit) {
      environment.answerWith(responseTooLarge(limit));
      return refuse(413, "RequestEntityTooLarge", `Exceeded the maximum size (${limit} bytes).`);
    }
    if (live) await live.write(piece);
    else pieces.push(piece);
  }
  // Checked again, since the invocation may have timed out meanwhile.
  if (!environment.isWorkingAt(requestId)) {
    return refuse(400, "InvalidRequestID", "Invalid request ID");
  }
  environment.answer(joinBytes(pieces), false);
  return accepted();
}

/** A runtime may send only the error's type, in a header. */
function errorPayload(
  request: Request,
  body: Uint8Array<ArrayBuffer> | undefined,
): Uint8Array<ArrayBuffer> {
  if (body && body.length > 0) return body;
  const errorType = request.headers.get("lambda-runtime-function-error-type") ?? "Unhandled";
  return new TextEncoder().encode(JSON.stringify({ errorType, errorMessage: "" }));
}

function accepted(): Response {
  return Response.json({ status: "OK" }, { status: 202 });
}

function refuse(status: number, errorType: string, errorMessage: string): Response {
  return Response.json({ errorMessage, errorType }, { status });
}
