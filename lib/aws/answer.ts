/**
 * The bodies of answers, read with a bound: a server must not decide how much memory they take.
 *
 * @module
 */

import { CallError } from "./call_error.ts";

/** What is read of an answer that refuses, in bytes: far more than any service has to say. */
export const maxRefusalBytes = 64 * 1024;

/**
 * Reads a body as text.
 *
 * @param response The answer.
 * @param maxBytes The most bytes that it may have, after decompression.
 * @param from The service that answers, for the message.
 * @param onPiece Called with each piece of a body without a length.
 * @returns The text.
 * @throws {CallError} `service` if the body is longer, as soon as that is known.
 */
export async function readText(
  response: Response,
  maxBytes: number,
  from: string,
  onPiece?: () => void,
): Promise<string> {
  const { headers } = response;
  const length = headers.get("content-length");
  const tooLong = () =>
    new CallError("service", `the answer from ${from} is longer than ${maxBytes} bytes`);
  if (length !== null && !headers.has("content-encoding")) {
    if (!(Number(length) <= maxBytes)) throw tooLong();
    // No more bytes than that will come.
    if (onPiece === undefined) return await response.text();
  }
  const { text, isWhole } = await readPieces(response, maxBytes, onPiece);
  if (!isWhole) throw tooLong();
  return text;
}

/**
 * Reads the beginning of a body as text; of one that is longer the rest is left.
 *
 * @param response The answer.
 * @param maxBytes How much is read. @default {64 KiB}
 * @returns The text.
 */
export async function readBeginning(
  response: Response,
  maxBytes: number = maxRefusalBytes,
): Promise<string> {
  return (await readPieces(response, maxBytes)).text;
}

/** A body is longer than {@linkcode boundedBody} lets pass. */
export class AnswerTooLong extends Error {
  override readonly name = "AnswerTooLong";
}

/**
 * Passes a body on up to a bound.
 *
 * @param body The body.
 * @param maxBytes The most bytes that it may have.
 * @returns The same body; it fails with {@linkcode AnswerTooLong} if it is longer.
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
 * Returns the value of a string as JSON has it; its own text where its escapes are wrong.
 *
 * @param json The string with its quotes.
 * @returns The value.
 */
export function valueOfJsonString(json: string): string {
  try {
    return String(JSON.parse(json));
  } catch {
    return json.slice(1, -1);
  }
}

/**
 * Decodes a part of a URL; what is not encoded as it should be stays as it is.
 *
 * @param text The part.
 * @returns The decoded text.
 */
export function decodeUriPart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
