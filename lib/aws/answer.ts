/**
 * Reads the bodies of answers with a size limit, so that a server cannot exhaust memory.
 *
 * @module
 */

import { CallError } from "./call_error.ts";

/** The size limit of error answers, in bytes; real ones are far smaller. */
export const maxRefusalBytes = 64 * 1024;

/**
 * Returns the length of a body in bytes, which the HTTP client enforces; undefined if it is not
 * known beforehand.
 */
export function lengthOf({ headers }: Response): number | undefined {
  const length = headers.get("content-length");
  return length === null || headers.has("content-encoding") ? undefined : Number(length);
}

/**
 * Reads a body as text.
 *
 * @param response The answer.
 * @param maxBytes The maximum size, after decompression.
 * @param from The service, for the message.
 * @param onPiece Called per chunk of a body without a length.
 * @param length The length of the body, as by {@linkcode lengthOf}.
 * @returns The text.
 * @throws {CallError} `service` if the body is longer, as soon as that is known.
 */
export async function readText(
  response: Response,
  maxBytes: number,
  from: string,
  onPiece?: () => void,
  length: number | undefined = lengthOf(response),
): Promise<string> {
  const tooLong = () =>
    new CallError("service", `the answer from ${from} is longer than ${maxBytes} bytes`);
  if (length !== undefined) {
    if (!(length <= maxBytes)) throw tooLong();
    if (onPiece === undefined) return await response.text();
  }
  const { text, isWhole } = await readPieces(response, maxBytes, onPiece);
  if (!isWhole) throw tooLong();
  return text;
}

/**
 * Reads the beginning of a body as text.
 *
 * @param response The answer.
 * @param maxBytes The maximum number of bytes read. @default {64 KiB}
 * @returns The text.
 */
export async function readBeginning(
  response: Response,
  maxBytes: number = maxRefusalBytes,
): Promise<string> {
  return (await readPieces(response, maxBytes)).text;
}

/** A body exceeds the limit of {@linkcode boundedBody}. */
export class AnswerTooLong extends Error {
  override readonly name = "AnswerTooLong";
}

/**
 * Limits the size of a body.
 *
 * @param body The body.
 * @param maxBytes The maximum size.
 * @returns The same body, which fails with {@linkcode AnswerTooLong} if it is longer.
 */
export function boundedBody(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): ReadableStream<Uint8Array> {
  let left = maxBytes;
  return body.pipeThrough(
    new TransformStream({
      transform(piece, controller) {
        left -= piece.length;
        if (left >= 0) return controller.enqueue(piece);
        controller.error(new AnswerTooLong(`the answer is longer than ${maxBytes} bytes`));
      },
    }),
  );
}

async function readPieces(
  { body }: Response,
  maxBytes: number,
  onPiece?: () => void,
): Promise<{ text: string; isWhole: boolean }> {
  const decoder = new TextDecoder();
  let text = "";
  let left = maxBytes;
  for await (const piece of body ?? []) {
    onPiece?.();
    text += decoder.decode(piece.subarray(0, left), { stream: true });
    if (piece.length > left) return { text, isWhole: false };
    left -= piece.length;
  }
  return { text: text + decoder.decode(), isWhole: true };
}

/**
 * Decodes a JSON string; returns its raw text if an escape is invalid.
 *
 * @param json The string with its quotes.
 */
export function valueOfJsonString(json: string): string {
  try {
    return String(JSON.parse(json));
  } catch {
    return json.slice(1, -1);
  }
}

/**
 * Decodes a part of a URL; returns it unchanged if its encoding is invalid.
 */
export function decodeUriPart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
