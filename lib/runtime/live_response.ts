/**
 * A streamed response: frames with a command's output as it is written, and at last the response.
 *
 * @module
 */

import { encodeFrame, type FrameKind } from "../stream/frames.ts";
import { joinBytes } from "../files/bytes.ts";
import { JobError } from "./job_error.ts";

/** With a store, output beyond this many bytes goes through it: Lambda bills streamed bytes. */
export const maxLiveBytes = 4 * 1024 * 1024;

/** The limit of output without a store: Lambda's is 200 MB for all of a streamed response. */
const maxStreamedBytes = 190 * 1024 * 1024;

/** Output is sent once this much has gathered, in bytes, ... */
const gatheredBytes = 4 * 1024;

/** ... or after this time, in milliseconds. */
const gatherMilliseconds = 50;

/** The maximum amount that waits for the connection, in bytes; then the command has to wait. */
const queuedBytes = 256 * 1024;

/**
 * Posts a response as it is made.
 *
 * @param url The Runtime API's URL for the response.
 * @param body The response; it can be sent only once.
 * @param options The connection, and a signal that ends it.
 * @throws {Error} If the API cannot be reached or refuses.
 */
export async function postLive(
  url: string,
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  options: { client: Deno.HttpClient; signal: AbortSignal },
): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/octet-stream",
      "lambda-runtime-function-response-mode": "streaming",
    },
    body,
    ...options,
  });
  await response.text();
  if (response.status < 300) return;
  throw new Error(`the Runtime API refused the response: status ${response.status}`);
}

/** Options for {@linkcode LiveResponse}. */
export interface LiveResponseOptions {
  /** Sends the body; resolves when all of it was accepted. */
  readonly post: (body: ReadableStream<Uint8Array<ArrayBuffer>>) => Promise<void>;
  /** Whether the rest of a large output can go through a store. */
  readonly hasStore: boolean;
  /**
   * The interval of empty frames while there is no output, in milliseconds: they keep routers from
   * dropping the connection, and tell the client that it is alive. @default {15,000}
   */
  readonly keepAliveMilliseconds?: number | undefined;
}

/** A streamed response, which is opened by its first frame. Dispose of it when done. */
export class LiveResponse implements Disposable {
  readonly #options: LiveResponseOptions;
  readonly #maxBytes: number;
  readonly #keepAlive: ReturnType<typeof setInterval>;
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  #posted: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #room = Promise.withResolvers<void>();
  /** Output that has not been sent yet, in the order in which it was written. */
  #gathered: { kind: FrameKind; parts: Uint8Array[] }[] = [];
  #gatheredBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastSent = -Infinity;
  #bytes = 0;
  #isFull = false;

  /** @param options How to send it, and whether there is a store. */
  constructor(options: LiveResponseOptions) {
    const { keepAliveMilliseconds = 15_000 } = options;
    this.#options = options;
    this.#maxBytes = options.hasStore ? maxLiveBytes : maxStreamedBytes;
    this.#keepAlive = setInterval(() => {
      const quiet = performance.now() - this.#lastSent;
      if (quiet >= keepAliveMilliseconds / 2) this.#send([encodeFrame("k", new Uint8Array())]);
    }, keepAliveMilliseconds);
  }

  /**
   * Sends output, and waits while the connection is slower than the command.
   *
   * @param kind The stream.
   * @param bytes The bytes, which are copied.
   * @returns False if they were not taken, nor will later ones be: they belong into the response.
   * @throws {JobError} If there is more than Lambda streams, and no store.
   */
  async take(kind: "o" | "e", bytes: Uint8Array): Promise<boolean> {
    if (this.#isFull || this.#failure) return false;
    if (this.#bytes + bytes.length > this.#maxBytes) {
      if (!this.#options.hasStore) throw tooMuch();
      this.#isFull = true;
      return false;
    }
    this.#bytes += bytes.length;
    this.#gather(kind, bytes);
    if (this.#gatheredBytes >= gatheredBytes || this.#isQuiet()) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), gatherMilliseconds);
    while (this.#isBehind()) await this.#room.promise;
    return true;
  }

  /**
   * Sends the last frame.
   *
   * @param kind `r` for the response, `x` for a function error.
   * @param text The frame's payload, JSON.
   * @throws As `post`.
   */
  async end(kind: "r" | "x", text: string): Promise<void> {
    this[Symbol.dispose]();
    this.#flush();
    this.#send([encodeFrame(kind, new TextEncoder().encode(text))]);
    if (!this.#failure) this.#controller?.close();
    await this.#posted;
    if (this.#failure) throw this.#failure.error;
  }

  /** Ends the timers. */
  [Symbol.dispose](): void {
    clearInterval(this.#keepAlive);
    clearTimeout(this.#timer);
  }

  #isQuiet(): boolean {
    return performance.now() - this.#lastSent > gatherMilliseconds;
  }

  #isBehind(): boolean {
    return !this.#failure && (this.#controller?.desiredSize ?? 1) <= 0;
  }

  #gather(kind: FrameKind, bytes: Uint8Array): void {
    const last = this.#gathered.at(-1);
    if (last?.kind === kind) last.parts.push(bytes.slice());
    else this.#gathered.push({ kind, parts: [bytes.slice()] });
    this.#gatheredBytes += bytes.length;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#gathered.length === 0) return;
    const frames = this.#gathered.map(({ kind, parts }) => encodeFrame(kind, joinBytes(parts)));
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#send(frames);
  }

  #send(frames: readonly Uint8Array<ArrayBuffer>[]): void {
    this.#posted ??= this.#open();
    this.#lastSent = performance.now();
    if (this.#failure) return;
    for (const frame of frames) this.#controller?.enqueue(frame);
  }

  #open(): Promise<void> {
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#wake(),
      cancel: (reason) => this.#fail(reason),
    }, new ByteLengthQueuingStrategy({ highWaterMark: queuedBytes }));
    return this.#options.post(body).catch((error) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  #wake(): void {
    const room = this.#room;
    this.#room = Promise.withResolvers();
    room.resolve();
  }
}

function tooMuch(): JobError {
  return new JobError(
    "Llama.Internal",
    `the command wrote more than ${maxStreamedBytes} bytes, and Lambda streams no more; set ` +
      "LLAMA_OBJECT_STORE=s3://BUCKET/PREFIX/ in the function's environment",
  );
}

/**
 * Returns the error for output that is kept because it is not streamed.
 *
 * @param bytes The limit.
 */
export function keptTooMuch(bytes: number): JobError {
  return new JobError(
    "Llama.Internal",
    `the command wrote more than ${bytes} bytes to standard output or standard error: write to a ` +
      "file and fetch it, or run it with -no-stream",
  );
}
