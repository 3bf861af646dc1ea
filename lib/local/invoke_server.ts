/**
 * The HTTP server of the Invoke API.
 *
 * Uses Node's server rather than `Deno.serve`, since it must notice when a waiting caller disconnects:
 * with `Deno.serve` that takes the request's signal, and Deno 2.9 prints a warning to stderr at its
 * first use.
 *
 * @module
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { emulatorHeader, maxPayloadBytes } from "../limits.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import { eventStreamType } from "../stream/event_stream.ts";

/** A server's address. */
export interface ListenAddress {
  /** A loopback host. */
  readonly hostname: string;
  /** The port; 0 for any free one. */
  readonly port: number;
}

/** Answers a call. The request's signal is aborted when the caller disconnects. */
export type InvokeHandler = (request: Request) => Promise<Response>;

/** A listening HTTP server. */
export class InvokeServer {
  /** `HOST:PORT`, as in a URL. */
  readonly host: string;
  readonly #server: Server;
  readonly #under = new Set<Promise<void>>();

  private constructor(server: Server, host: string) {
    this.#server = server;
    this.host = host;
  }

  /**
   * Starts listening. Calls wait until {@linkcode InvokeServer.serve} sets a handler.
   *
   * @throws {LlamaError} `config` if it cannot listen there.
   */
  static async listen({ hostname, port }: ListenAddress): Promise<InvokeServer> {
    const server = createServer();
    // Keeps connections as long as the caller does: closing one could lose a call that is in flight.
    server.keepAliveTimeout = 0;
    server.requestTimeout = 0;
    server.headersTimeout = 0;
    const listening = Promise.withResolvers<void>();
    server.once("listening", listening.resolve);
    server.once("error", listening.reject);
    server.listen(port, hostname);
    try {
      await listening.promise;
    } catch (cause) {
      const inUse = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
      throw new LlamaError(
        "config",
        `cannot listen on ${hostname}:${port}: ${inUse ? "address in use" : reasonOf(cause)}`,
        { cause, hint: "-listen 127.0.0.1:0 picks a free port" },
      );
    }
    const address = server.address();
    const bound = typeof address === "object" && address !== null ? address.port : port;
    return new InvokeServer(
      server,
      `${hostname.includes(":") ? `[${hostname}]` : hostname}:${bound}`,
    );
  }

  /**
   * Starts answering calls.
   *
   * @param handler Answers a call; never rejects.
   */
  serve(handler: InvokeHandler): void {
    this.#server.on("request", (incoming: IncomingMessage, outgoing: ServerResponse) => {
      const answered = answer(this.host, incoming, outgoing, handler)
        // The caller has disconnected, or sent an incomplete request.
        .catch(() => void outgoing.destroy())
        .finally(() => this.#under.delete(answered));
      this.#under.add(answered);
    });
  }

  /** Stops accepting calls, and waits for those in flight. */
  async shutdown(): Promise<void> {
    this.#server.close();
    await Promise.all(this.#under);
    this.#server.closeAllConnections();
  }

  /** Closes all connections immediately. */
  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

async function answer(
  host: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  handler: InvokeHandler,
): Promise<void> {
  const gone = new AbortController();
  outgoing.on("close", () => {
    if (!outgoing.writableFinished) gone.abort();
  });
  const method = incoming.method ?? "GET";
  const url = new URL(incoming.url ?? "/", `http://${incoming.headers.host ?? host}`);
  const request = new Request(url, {
    method,
    headers: headersOf(incoming),
    signal: gone.signal,
    body: method === "GET" || method === "HEAD" ? null : ReadableStream.from(incoming),
  });
  const response = await handler(request);
  if (response.body && response.headers.get("content-type") === eventStreamType) {
    outgoing.writeHead(response.status, {
      ...Object.fromEntries(response.headers),
      [emulatorHeader]: "1",
    });
    return await pass(response.body, outgoing, gone.signal);
  }
  const bytes = await response.bytes();
  const headers = { ...Object.fromEntries(response.headers), [emulatorHeader]: "1" };
  if (request.body === null || request.bodyUsed) {
    outgoing.writeHead(response.status, headers);
    return void outgoing.end(bytes);
  }
  // Refused before the body was read. The answer is sent at once, but closing the connection while
  // the body is arriving could discard it.
  outgoing.writeHead(response.status, { ...headers, "content-length": String(bytes.length) });
  outgoing.write(bytes);
  if (await discard(request.body, maxDiscardedBytes)) outgoing.end();
  else outgoing.destroy();
}

/** Passes a body on as it is made, no faster than the caller reads it. */
async function pass(
  body: ReadableStream<Uint8Array>,
  outgoing: ServerResponse,
  gone: AbortSignal,
): Promise<void> {
  for await (const piece of body) {
    if (gone.aborted) return;
    if (outgoing.write(piece)) continue;
    const { promise, resolve } = Promise.withResolvers<void>();
    outgoing.once("drain", resolve);
    gone.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    outgoing.off("drain", resolve);
  }
  outgoing.end();
}

/** More than any well-behaved caller sends. */
const maxDiscardedBytes = 2 * maxPayloadBytes;

/** Discards a body; returns false if it exceeds the limit. */
async function discard(body: ReadableStream<Uint8Array>, maxBytes: number): Promise<boolean> {
  let left = maxBytes;
  for await (const piece of body) {
    left -= piece.length;
    if (left < 0) return false;
  }
  return true;
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    headers.append(rawHeaders[i] ?? "", rawHeaders[i + 1] ?? "");
  }
  return headers;
}
