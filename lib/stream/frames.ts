/**
 * The frames of a streamed response: one byte for the kind, four for the payload's length (big-endian),
 * and the payload. The runtime answers a request with `stream` by frames:
 *
 * - `o`, `e`: bytes that the command wrote to standard output or standard error
 * - `k`: nothing; keeps the connection alive
 * - `r`: the response, whose `stdout` and `stderr` hold only what was not sent before
 * - `x`: a function error
 *
 * `r` or `x` comes last. JSON begins with none of these letters, so the first byte tells frames from
 * the plain answer of a runtime that does not know `stream`.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";

/** The maximum size of a frame of output. Text that is taken for a frame has a greater length. */
const maxOutputBytes = 16 * 1024 * 1024;

/** The kind of a frame. */
export type FrameKind = "o" | "e" | "k" | "r" | "x";

/** The size of a frame without its payload, in bytes. */
export const frameHeaderBytes = 5;

/**
 * Encodes a frame.
 *
 * @param kind Its kind.
 * @param payload Its payload, which is copied.
 * @returns The frame.
 */
export function encodeFrame(kind: FrameKind, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(frameHeaderBytes + payload.length);
  frame[0] = kind.charCodeAt(0);
  new DataView(frame.buffer).setUint32(1, payload.length);
  frame.set(payload, frameHeaderBytes);
  return frame;
}

/** A decoded frame, or a part of one: output is passed on as it arrives. */
export type Frame =
  | { readonly kind: "o" | "e"; readonly bytes: Uint8Array }
  | { readonly kind: "r" | "x"; readonly text: string };

const kinds: ReadonlyMap<number, FrameKind> = new Map(
  (["o", "e", "k", "r", "x"] as const).map((kind) => [kind.charCodeAt(0), kind]),
);

/** Decodes a streamed response in bounded memory. */
export class FrameDecoder {
  readonly #maxTextBytes: number;
  readonly #header = new Uint8Array(frameHeaderBytes);
  #headerFilled = 0;
  #kind: FrameKind | undefined;
  /** The rest of the current payload, in bytes. */
  #left = 0;
  #isPlain = false;
  #isComplete = false;
  #text: Uint8Array[] = [];
  #textBytes = 0;
  #isEmpty = true;

  /** @param maxTextBytes The maximum size of a response or an error. */
  constructor(maxTextBytes: number) {
    this.#maxTextBytes = maxTextBytes;
  }

  /**
   * Decodes the next bytes.
   *
   * @param bytes The bytes, split anywhere.
   * @returns The frames in them. Output refers to `bytes`.
   * @throws {LlamaError} `protocol` if they are not frames.
   */
  *decode(bytes: Uint8Array): Generator<Frame, void, undefined> {
    let rest = bytes;
    const [first] = rest;
    if (this.#isEmpty && first !== undefined) {
      this.#isEmpty = false;
      this.#isPlain = !kinds.has(first);
    }
    if (this.#isPlain) return this.#collect(rest);
    while (rest.length > 0) {
      if (this.#isComplete) throw malformed("bytes after its end");
      if (this.#kind === undefined) {
        rest = this.#readHeader(rest);
        if (this.#kind === undefined) return;
      }
      const payload = rest.subarray(0, this.#left);
      rest = rest.subarray(payload.length);
      this.#left -= payload.length;
      const kind: FrameKind = this.#kind;
      if (kind === "o" || kind === "e") {
        if (payload.length > 0) yield { kind, bytes: payload };
      } else if (kind !== "k") {
        this.#collect(payload);
      }
      if (this.#left > 0) return;
      this.#kind = undefined;
      if (kind === "r" || kind === "x") {
        this.#isComplete = true;
        yield { kind, text: this.#takeText() };
      }
    }
  }

  /** Whether there are frames, rather than a plain answer or nothing so far. */
  get isFramed(): boolean {
    return !this.#isEmpty && !this.#isPlain;
  }

  /**
   * Returns the plain answer of a runtime that does not know `stream`; undefined if there were frames.
   */
  plainText(): string | undefined {
    return this.#isPlain || this.#isEmpty ? this.#takeText() : undefined;
  }

  #readHeader(bytes: Uint8Array): Uint8Array {
    const part = bytes.subarray(0, frameHeaderBytes - this.#headerFilled);
    this.#header.set(part, this.#headerFilled);
    this.#headerFilled += part.length;
    if (this.#headerFilled < frameHeaderBytes) return bytes.subarray(part.length);
    this.#headerFilled = 0;
    const [first = 0] = this.#header;
    const kind = kinds.get(first);
    if (kind === undefined) throw malformed(`a frame of kind ${JSON.stringify(first)}`);
    this.#kind = kind;
    this.#left = new DataView(this.#header.buffer).getUint32(1);
    const isText = kind === "r" || kind === "x";
    const limit = isText ? this.#maxTextBytes : kind === "k" ? 0 : maxOutputBytes;
    if (this.#left > limit) throw tooLong(limit);
    return bytes.subarray(part.length);
  }

  #collect(bytes: Uint8Array): void {
    this.#textBytes += bytes.length;
    if (this.#textBytes > this.#maxTextBytes) throw tooLong(this.#maxTextBytes);
    // A copy, since the caller may reuse the memory.
    if (bytes.length > 0) this.#text.push(bytes.slice());
  }

  #takeText(): string {
    const decoder = new TextDecoder();
    const text = this.#text.map((part) => decoder.decode(part, { stream: true })).join("");
    this.#text = [];
    return text + decoder.decode();
  }
}

function tooLong(bytes: number): LlamaError {
  return malformed(`more than ${bytes} bytes`);
}

function malformed(what: string): LlamaError {
  return new LlamaError("protocol", `the streamed response is malformed: ${what}`);
}
