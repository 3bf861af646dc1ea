/** A proxy that leads every host to one server on loopback, so that AWS's own names are reached. */

/** Answers CONNECT, whatever host it names, with a tunnel to a port of this machine. */
export class Proxy implements AsyncDisposable {
  /** The hosts that were asked for. */
  readonly hosts = new Set<string>();
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #port: number;
  readonly #tunnels = new Set<Promise<void>>();
  readonly #serving: Promise<void>;

  /** @param port The server's port. */
  constructor(port: number) {
    this.#port = port;
    this.#serving = this.#serve();
  }

  /** Its URL, for `HTTPS_PROXY`. */
  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
    await Promise.all(this.#tunnels);
  }

  async #serve(): Promise<void> {
    for await (const connection of this.#listener) {
      const tunnel: Promise<void> = this.#tunnel(connection)
        .catch(() => {}).finally(() => this.#tunnels.delete(tunnel));
      this.#tunnels.add(tunnel);
    }
  }

  async #tunnel(client: Deno.TcpConn): Promise<void> {
    let head = "";
    const buffer = new Uint8Array(4096);
    while (!head.endsWith("\r\n\r\n")) {
      const count = await client.read(buffer);
      if (count === null) return client.close();
      head += new TextDecoder().decode(buffer.subarray(0, count));
    }
    this.hosts.add(/^CONNECT ([^ :]+)/.exec(head)?.[1] ?? head);
    const server = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
    await client.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\n"));
    await Promise.allSettled([
      client.readable.pipeTo(server.writable),
      server.readable.pipeTo(client.writable),
    ]);
  }
}
