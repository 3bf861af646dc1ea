/**
 * Answers of InvokeWithResponseStream: an event stream that grows while the function runs.
 * https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { encodeEvent, eventStreamType } from "../stream/event_stream.ts";
import type { InvocationResult, LiveCaller } from "./invocation.ts";

/** The maximum amount that waits for the caller, in bytes; then the runtime has to wait. */
const queuedBytes = 256 * 1024;

/** Options for {@linkcode streamResponse}. */
export interface StreamResponseOptions {
  /** The headers of the answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** Aborted when the caller disconnects. */
  readonly gone: AbortSignal;
}

/**
 * Runs an invocation whose caller reads the response as it is made.
 *
 * @param run Runs it; a streamed response is written to its argument.
 * @param options The answer's headers, and the end of the connection.
 * @returns The answer, once there is a part of the response or the invocation has ended.
 * @throws What `run` throws before that.
 */
export async function streamResponse(
  run: (live: LiveCaller) => Promise<InvocationResult>,
  { headers, gone }: StreamResponseOptions,
): Promise<Response> {
  const events = new TransformStream<Uint8Array, Uint8Array<ArrayBuffer>>({
    transform: (piece, controller) =>
      controller.enqueue(encodeEvent(eventHeaders("PayloadChunk", "octet-stream"), piece)),
  }, new ByteLengthQueuingStrategy({ highWaterMark: queuedBytes }));
  const writer = events.writable.getWriter();
  const begun = Promise.withResolvers<void>();
  const write = async (bytes: Uint8Array) => {
    begun.resolve();
    await writer.ready;
    // Not awaited: `ready` tells when there is room for more. It fails if the caller is gone.
    writer.write(bytes).catch(() => {});
  };
  const result = run({ write, gone });
  await Promise.race([begun.promise, result]);
  return new Response(ReadableStream.from(withEnd(events.readable, writer, result)), {
    headers: { ...headers, "content-type": eventStreamType },
  });
}

/** Adds the rest of the response, and the event that says how it ended. */
async function* withEnd(
  chunks: ReadableStream<Uint8Array<ArrayBuffer>>,
  writer: WritableStreamDefaultWriter<Uint8Array>,
  running: Promise<InvocationResult>,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const ended = running.then(async (result) => {
    if (!result.isError && result.payload.length > 0) await writer.write(result.payload);
    await writer.close();
    return result;
  });
  // Awaited below; until then a failure must not count as unhandled.
  ended.catch((error) => writer.abort(error));
  yield* chunks;
  const { isError, payload, logTail } = await ended;
  const complete = {
    ...(isError ? { ErrorCode: "Unhandled", ErrorDetails: new TextDecoder().decode(payload) } : {}),
    ...(logTail ? { LogResult: Buffer.from(logTail).toString("base64") } : {}),
  };
  const bytes = new TextEncoder().encode(JSON.stringify(complete));
  yield encodeEvent(eventHeaders("InvokeComplete", "json"), bytes);
}

function eventHeaders(event: string, type: string): Record<string, string> {
  return {
    ":message-type": "event",
    ":event-type": event,
    ":content-type": `application/${type}`,
  };
}
