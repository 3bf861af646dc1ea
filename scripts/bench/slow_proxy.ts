/**
 * A TCP proxy of limited speed.
 *
 * @module
 */

/** The most that is forwarded at once, in bytes. */
const pieceBytes = 16 * 1024;

/** Makes senders wait so that together they stay below a speed. */
class Limit {
  readonly #bytesPerMillisecond: number;
  #free = 0;

  constructor(bytesPerSecond: number) {
    this.#bytesPerMillisecond = bytesPerSecond / 1000;
  }

  /** Waits until a number of bytes have been sent. */
  async send(bytes: number): Promise<void> {
    const now = performance.now();
    this.#free = Math.max(this.#free, now) + bytes / this.#bytesPerMillisecond;
    const milliseconds = this.#free - now;
    // Timers are imprecise: shorter waits add up in the next one.
    if (milliseconds > 2) await new Promise((resolve) => setTimeout(resolve, milliseconds));
  }
}

/**
 * Starts a proxy before a server on this machine.
 *
 * @param port The server's port.
 * @param bytesPerSecond The speed in each direction, of all connections together.
 * @returns The proxy's port. Dispose of it to close the proxy with its connections.
 */
export function startSlowProxy(
  port: number,
  bytesPerSecond: number,
): Promise<{ port: number } & AsyncDisposable> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [there, back] = [new Limit(bytesPerSecond), new Limit(bytesPerSecond)];
  const open = new Set<Deno.Conn>();
  const serve = async () => {
    for await (const client of listener) {
      const server = await Deno.connect({ hostname: "127.0.0.1", port });
      for (const connection of [client, server]) open.add(connection);
      const both = [forward(client, server, there), forward(server, client, back)];
      void Promise.allSettled(both).then(() => {
        for (const connection of [client, server]) {
          if (open.delete(connection)) connection.close();
        }
      });
    }
  };
  const served = serve();
  return Promise.resolve({
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await served;
      for (const connection of open) connection.close();
      open.clear();
    },
  });
}

async function forward(from: Deno.TcpConn, to: Deno.TcpConn, limit: Limit): Promise<void> {
  const buffer = new Uint8Array(pieceBytes);
  for (let count; (count = await from.read(buffer)) !== null;) {
    await limit.send(count);
    for (let sent = 0; sent < count;) sent += await to.write(buffer.subarray(sent, count));
  }
  await to.closeWrite();
}
