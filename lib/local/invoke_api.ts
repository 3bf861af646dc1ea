/**
 * Lambda's Invoke API: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html and
 * API_InvokeWithResponseStream.html there.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { LlamaError, messageOf } from "../errors.ts";
import { maxPayloadBytes } from "../protocol.ts";
import { ApiError } from "./api_error.ts";
import { readBody } from "./body.ts";
import type { Invocation, InvocationResult } from "./invocation.ts";
import type { FunctionDefinition } from "../functions/definition.ts";
import type { LocalFunction } from "./functions.ts";
import { streamResponse } from "./stream_response.ts";
import { type Pool, PoolClosedError } from "./pool.ts";
import type { SignatureVerifier } from "./signature.ts";

/** Options for {@linkcode InvokeApi}. */
export interface InvokeApiOptions {
  /** The functions. */
  readonly functions: ReadonlyMap<string, LocalFunction>;
  /** The directory that was searched for them, for the message about an unknown function. */
  readonly functionsFrom: string;
  /** The pool that runs them. */
  readonly pool: Pool;
  /** Verifies the signature of each call. */
  readonly verifier: SignatureVerifier;
  /** The region, for ARNs. */
  readonly region: string;
  /** Returns the search path for the programs of a function. */
  readonly pathOf: (definition: FunctionDefinition) => string;
}

/** A server of Lambda's Invoke API. */
export class InvokeApi {
  readonly #options: InvokeApiOptions;
  /** The number of running and waiting calls per function. */
  readonly #calls = new Map<string, number>();

  /** @param options The functions, and how to run them. */
  constructor(options: InvokeApiOptions) {
    this.#options = options;
  }

  /**
   * Answers a call. Errors are answers, too; this never rejects.
   */
  async serve(request: Request): Promise<Response> {
    const requestId = crypto.randomUUID();
    try {
      return await this.#serve(request, requestId);
    } catch (error) {
      if (error instanceof ApiError) return error.toResponse(requestId);
      if (error instanceof PoolClosedError) {
        return serviceError(503, "llama is shutting down").toResponse(requestId);
      }
      return serviceError(500, messageOf(error)).toResponse(requestId);
    }
  }

  async #serve(request: Request, requestId: string): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const [, described] = /^\/2015-03-31\/functions\/([^/]+)$/.exec(pathname) ?? [];
    const [, encoded, streamed] =
      /^\/(?:2015-03-31\/functions\/([^/]+)\/invocations|2021-11-15\/functions\/([^/]+)\/response-streaming-invocations)\/?$/
        .exec(pathname) ?? [];
    const name = encoded ?? streamed;
    // Verified before reading the body, so that only authorized callers can use memory.
    const verifyBody = await this.#options.verifier.verifyHead(request);
    const body = await readBody(request, maxPayloadBytes);
    if (!body) {
      throw new ApiError(413, "RequestTooLargeException", {
        Type: "User",
        message: `Request must be smaller than ${maxPayloadBytes} bytes for the ` +
          "InvokeFunction operation",
      });
    }
    await verifyBody(body);
    if (described !== undefined && request.method === "GET") {
      return await this.#describe(this.#find(decode(described), searchParams.get("Qualifier")));
    }
    if (name === undefined || request.method !== "POST") {
      throw new ApiError(404, "UnknownOperationException", {
        message:
          `the emulator supports only Invoke, InvokeWithResponseStream and GetFunction, not ${request.method} ${pathname}`,
      });
    }
    const found = this.#find(decode(name), searchParams.get("Qualifier"));
    const payload = body.length === 0 ? new TextEncoder().encode("{}") : checkJson(body);
    const type = request.headers.get("x-amz-invocation-type") ?? "RequestResponse";
    const wantsLog = type === "RequestResponse" &&
      request.headers.get("x-amz-log-type")?.toLowerCase() === "tail";
    const run = (signal?: AbortSignal) =>
      this.#run(found, { requestId, payload, wantsLog }, signal);
    const headers = { "x-amzn-requestid": requestId, "x-amz-executed-version": "$LATEST" };
    switch (type) {
      case "DryRun":
        return new Response(null, { status: 204, headers });
      case "Event":
        // The caller does not see failures; they are in the function's log.
        run().catch(() => {});
        return new Response(null, { status: 202, headers });
      case "RequestResponse":
        return streamed === undefined
          ? toResponse(await run(request.signal), headers)
          : await streamResponse(
            (live) => this.#run(found, { requestId, payload, wantsLog, live }, request.signal),
            { headers, gone: request.signal },
          );
      default:
        throw new ApiError(400, "InvalidParameterValueException", {
          Type: "User",
          message: `InvocationType ${JSON.stringify(type)} is unknown`,
        });
    }
  }

  #find(name: string, qualifier: string | null): LocalFunction {
    const [, plain = "", alias] = /^(?:arn:[^:]*:lambda:[^:]*:[^:]*:function:)?([^:]*)(?::(.*))?$/
      .exec(name) ?? [];
    const found = this.#options.functions.get(plain);
    const version = alias ?? qualifier ?? "$LATEST";
    if (found && version === "$LATEST") return found;
    const arn = functionArn(this.#options.region, plain || name) +
      (version === "$LATEST" ? "" : `:${version}`);
    throw new ApiError(404, "ResourceNotFoundException", {
      Type: "User",
      Message: `Function not found: ${arn}`,
    }, {
      "x-llama-functions": encodeURIComponent([...this.#options.functions.keys()].join()),
      "x-llama-functions-from": encodeURIComponent(this.#options.functionsFrom),
    });
  }

  /** Answers GetFunction. */
  async #describe({ name, definition, directory, hasFolder }: LocalFunction): Promise<Response> {
    if (definition instanceof LlamaError) throw serviceError(500, definition.message);
    const { describeFunction } = await import("./describe.ts");
    const answer = await describeFunction({
      definition,
      folder: hasFolder ? directory : undefined,
      directory,
      arn: functionArn(this.#options.region, name),
      path: this.#options.pathOf(definition),
    });
    return Response.json(answer);
  }

  async #run(
    { name, definition }: LocalFunction,
    invocation: Invocation,
    signal: AbortSignal | undefined,
  ): Promise<InvocationResult> {
    if (definition instanceof LlamaError) return badFunction(definition);
    const calls = this.#calls.get(name) ?? 0;
    if (calls >= (definition.concurrency ?? Infinity)) {
      throw new ApiError(429, "TooManyRequestsException", {
        Reason: "ReservedFunctionConcurrentInvocationLimitExceeded",
        Type: "User",
        message: "Rate Exceeded.",
      });
    }
    this.#calls.set(name, calls + 1);
    try {
      return await this.#options.pool.run(name, invocation, signal);
    } catch (error) {
      // A handler that cannot be started is detected when its environment starts.
      if (error instanceof LlamaError) return badFunction(error);
      throw error;
    } finally {
      this.#calls.set(name, (this.#calls.get(name) ?? 1) - 1);
    }
  }
}

/**
 * Returns the ARN of a local function, with an account number that AWS does not assign.
 */
export function functionArn(region: string, name: string): string {
  return `arn:aws:lambda:${region}:000000000000:function:${name}`;
}

function toResponse(result: InvocationResult, headers: Record<string, string>): Response {
  return new Response(result.payload, {
    headers: {
      ...headers,
      "content-type": "application/json",
      "cache-control": "no-transform",
      ...(result.isError ? { "x-amz-function-error": "Unhandled" } : {}),
      ...(result.logTail
        ? { "x-amz-log-result": Buffer.from(result.logTail).toString("base64") }
        : {}),
    },
  });
}

/** AWS refuses such a function at its creation; the emulator reports the error to its callers. */
function badFunction(error: LlamaError): InvocationResult {
  const errorMessage = error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
  const failure = { errorType: "Llama.BadFunction", errorMessage };
  const payload = new TextEncoder().encode(JSON.stringify(failure));
  return { payload, isError: true, logTail: undefined };
}

function checkJson(body: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  try {
    JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    return body;
  } catch (error) {
    throw new ApiError(400, "InvalidRequestContentException", {
      Type: "User",
      message: `Could not parse request body into json: ${messageOf(error)}`,
    });
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function serviceError(status: number, message: string): ApiError {
  return new ApiError(status, "ServiceException", { Type: "Service", Message: message });
}
