/**
 * Reads the answers of Lambda's InvokeWithResponseStream.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { LlamaError, messageOf } from "../../errors.ts";
import { parseFunctionError } from "../../protocol.ts";
import { DamagedEventStream, EventDecoder, type EventMessage } from "../../stream/event_stream.ts";
import { FrameDecoder } from "../../stream/frames.ts";
import { bytesText } from "../../text/amounts.ts";
import * as z from "../../zod.ts";
import { CallError } from "../call_error.ts";
import type { LiveOutput } from "./live_output.ts";

/** A streamed answer, whole. */
export interface StreamedAnswer {
  /** The function's answer, or its error. */
  readonly text: string;
  /** Whether it is an error. */
  readonly isError: boolean;
  /** The last 4 KiB of the log in base64, if requested. */
  readonly log: string | null;
}

/** Options for {@linkcode readStreamedAnswer}. */
export interface ReadStreamOptions {
  /** Receives the command's output. */
  readonly live: LiveOutput;
  /** The maximum size of the answer without the live output. */
  readonly maxBytes: number;
  /** Called on progress. */
  readonly alive: () => void;
  /**
   * The longest time without a byte once llama's runtime has sent one, in milliseconds: it sends one
   * every 15 seconds. @default {90,000}
   */
  readonly silenceMilliseconds?: number | undefined;
}

/** The function can only be invoked without streaming here. It has not run. */
export class StreamingUnavailable extends CallError {
  override after(): this {
    return this;
  }
}

/**
 * Reports whether a refusal means that there is no streaming here: a region or a server without it
 * does not know the path, and a policy may allow only the path of the ordinary Invoke. A refusal
 * without a type is not Lambda's. If it has another reason, the ordinary Invoke will be refused, too.
 *
 * @param status The HTTP status.
 * @param type The error's type, if there is one.
 */
export function isStreamingRefused(status: number, type: string | undefined): boolean {
  if (type?.startsWith("UnsupportedOperation") || type === "UnknownOperationException") return true;
  if (type === undefined) return untyped.test(String(status));
  return status === 404
    ? type !== "ResourceNotFoundException"
    : status === 403 && type === "AccessDeniedException";
}

/** Statuses of the client's errors and of 501, without those that tell what is wrong by themselves. */
const untyped = /^(4(?!13|29)\d\d|501)$/;

const completeSchema = z.onFirstUse(() =>
  z.object({
    ErrorCode: z.optional(z.nullable(z.string())),
    ErrorDetails: z.optional(z.nullable(z.string())),
    LogResult: z.optional(z.nullable(z.string())),
  })
);

/**
 * Reads an answer to its end, and passes the command's output on as it arrives.
 *
 * @param functionName The function, for messages.
 * @param response The answer, an event stream.
 * @param options Where the output goes, and limits.
 * @returns The answer without that output.
 * @throws {CallError} `network` if the answer is damaged or incomplete, `service` if Lambda failed.
 * @throws {LlamaError} `protocol` if it is not that of llama's runtime; as {@linkcode LiveOutput.take}.
 */
export async function readStreamedAnswer(
  functionName: string,
  response: Response,
  options: ReadStreamOptions,
): Promise<StreamedAnswer> {
  const answer = new Answer(functionName, options);
  const { live, alive, silenceMilliseconds = 90_000 } = options;
  live.begin();
  const reader = response.body?.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isSilent = false;
  try {
    for (;;) {
      if (answer.isLlama) {
        timer = setTimeout(() => {
          isSilent = true;
          reader?.cancel().catch(() => {});
        }, silenceMilliseconds);
      }
      const piece = await reader?.read();
      clearTimeout(timer);
      if (piece?.value === undefined) break;
      alive();
      for (const event of answer.events.decode(piece.value)) await answer.take(event);
    }
    if (isSilent) {
      const seconds = silenceMilliseconds / 1000;
      throw new DamagedEventStream(`nothing arrived for ${seconds} seconds`);
    }
    answer.events.end();
    return answer.end();
  } catch (cause) {
    if (!(cause instanceof DamagedEventStream)) throw cause;
    throw new CallError(
      "network",
      `the streamed response of ${functionName} is damaged: ${messageOf(cause)}`,
      { cause, retryable: "maybe" },
    );
  } finally {
    clearTimeout(timer);
    await reader?.cancel().catch(() => {});
  }
}

class Answer {
  readonly events = new EventDecoder();
  /** Whether a frame of llama's runtime has arrived. */
  isLlama = false;
  readonly #functionName: string;
  readonly #live: LiveOutput;
  readonly #frames: FrameDecoder;
  #last: { kind: "r" | "x"; text: string } | undefined;
  #complete: z.output<ReturnType<typeof completeSchema>> | undefined;

  constructor(functionName: string, { live, maxBytes }: ReadStreamOptions) {
    this.#functionName = functionName;
    this.#live = live;
    this.#frames = new FrameDecoder(maxBytes);
  }

  async take({ headers, payload }: EventMessage): Promise<void> {
    if (this.#complete !== undefined) throw new DamagedEventStream("there is more after its end");
    const type = headers.get(":message-type");
    if (type !== "event") throw this.#failed(headers, payload);
    switch (headers.get(":event-type")) {
      case "PayloadChunk":
        for (const frame of this.#frames.decode(payload)) {
          if ("bytes" in frame) await this.#live.take(frame.kind, frame.bytes);
          else this.#last = frame;
        }
        this.isLlama = this.#frames.isFramed;
        break;
      case "InvokeComplete":
        this.#complete = parseComplete(payload);
    }
  }

  end(): StreamedAnswer {
    if (this.#complete === undefined) throw new DamagedEventStream("it is incomplete");
    const { ErrorCode, ErrorDetails, LogResult } = this.#complete;
    const log = LogResult ?? null;
    const plain = this.#frames.plainText();
    if (this.#last !== undefined) {
      const isError = this.#last.kind === "x";
      if (!isError) this.#live.end();
      return { text: this.#last.text, isError, log };
    }
    if (ErrorCode) {
      return { text: errorText(ErrorCode, ErrorDetails || plain || ""), isError: true, log };
    }
    if (plain !== undefined) return { text: plain, isError: false, log };
    throw new LlamaError(
      "protocol",
      `the streamed response of ${this.#functionName} ended after ` +
        `${bytesText(this.#live.bytes)} of output, without the command's status`,
      { hint: "-logs shows the function's log" },
    );
  }

  /** Returns the error for an exception that ends the stream. */
  #failed(headers: ReadonlyMap<string, string>, payload: Uint8Array): CallError {
    const type = headers.get(":exception-type") ?? headers.get(":error-code") ?? "unknown event";
    const words = headers.get(":error-message") ?? Buffer.from(payload).toString().slice(0, 200);
    return new CallError(
      "service",
      `Lambda ended the response of ${this.#functionName}: ${type}: ${words}`,
      {
        retryable: "maybe",
      },
    );
  }
}

function parseComplete(payload: Uint8Array): z.output<ReturnType<typeof completeSchema>> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(payload).toString());
  } catch (cause) {
    throw new DamagedEventStream("its end is not JSON", { cause });
  }
  const parsed = completeSchema().safeParse(value);
  if (!parsed.success) {
    throw new DamagedEventStream("its end is malformed", { cause: parsed.error });
  }
  return parsed.data;
}

/** Returns a function error as the ordinary Invoke does. */
function errorText(code: string, details: string): string {
  const { errorType, errorMessage, ...error } = parseFunctionError(details);
  const isNamed = errorType !== "Unhandled" || code === "Unhandled";
  return JSON.stringify({ ...error, errorMessage, errorType: isNamed ? errorType : code });
}
