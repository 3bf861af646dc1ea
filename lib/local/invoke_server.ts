/**
 * The HTTP server of the Invoke API.
 *
 * It is Node's and not `Deno.serve`, because a caller that goes away while its call waits has to be
 * noticed: `Deno.serve` tells so by the request's signal, and at the first look at that Deno 2.9
 * prints a warning to stderr.
 *
 * @module
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { emulatorHeader, maxPayloadBytes } from "../limits.ts";
import { LlamaError, reasonOf } from "../errors.ts";

/** Where a server listens. */
export interface ListenAddress {
  /** A loopback host. */
  readonly hostname: string;
  /** The port; 0 is any free one. */
  readonly port: number;
}

/** Answers one call; the request's signal is aborted when the caller has gone. */
export type InvokeHandler = (request: Request) => Promise<Response>;

/** A server that listens. */
export class InvokeServer {
  /** `HOST:PORT`, as it stands in a URL. */
  readonly host: string;
  readonly #server: Server;
  readonly #under = new Set<Promise<void>>();

  private constructor(server: Server, host: string) {
    this.#server = server;
    this.host = host;
  }

  /**
   * Starts to listen.
   *
   * @param address Where.
   * @returns The server; calls wait until it is told by {@linkcode InvokeServer.serve} who answers.
   * @throws {LlamaError} `config` if it cannot listen there.
   */
  static async listen({ hostname, port }: ListenAddress): Promise<InvokeServer> {
    const server = createServer();
    // A connection is kept as long as the caller keeps it: one that is closed while a call is on
    // its way would lose the call.
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
   * Begins to answer calls.
   *
   * @param handler Answers one call; never rejects.
   */
  serve(handler: InvokeHandler): void {
    this.#server.on("request", (incoming: IncomingMessage, outgoing: ServerResponse) => {
      const answered = answer(this.host, incoming, outgoing, handler)
        // The caller has gone, or sent no whole request: there is nobody to tell.
        .catch(() => void outgoing.destroy())
        .finally(() => this.#under.delete(answered));
      this.#under.add(answered);
    });
  }

  /** Takes no more calls, and waits for the answers to those under way. */
  async shutdown(): Promise<void> {
    this.#server.close();
    await Promise.all(this.#under);
    this.#server.closeAllConnections();
  }

  /** Ends all connections at once. */
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
  const bytes = await response.bytes();
  const headers = { ...Object.fromEntries(response.headers), [emulatorHeader]: "1" };
  if (request.body === null || request.bodyUsed) {
    outgoing.writeHead(response.status, headers);
    return void outgoing.end(bytes);
  }
  // Refused before its body was read. The answer goes out at once, but a connection that is closed
  // while bytes are on their way may take it back.
  outgoing.writeHead(response.status, { ...headers, "content-length": String(bytes.length) });
  outgoing.write(bytes);
  if (await discard(request.body, maxDiscardedBytes)) outgoing.end();
  else outgoing.destroy();
}

/** More bytes than any caller sends that means well. */
const maxDiscardedBytes = 2 * maxPayloadBytes;

/** Reads a body and keeps nothing of it; gives false if it goes on and on. */
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
