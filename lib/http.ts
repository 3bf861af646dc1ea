/**
 * HTTP clients for servers on this machine.
 *
 * @module
 */

/**
 * A client whose every connection goes straight to one server. `HTTP_PROXY` would otherwise
 * capture loopback addresses too, and the Runtime API and the emulator are behind no proxy.
 *
 * @param host `HOSTNAME` or `HOSTNAME:PORT`; the port is 80 where it is left out.
 * @param options Other settings of the client.
 * @returns A client for `fetch`; close it when done.
 */
export function directClient(
  host: string,
  options: Omit<Deno.CreateHttpClientOptions, "proxy"> = {},
): Deno.HttpClient {
  const { hostname, port } = new URL(`http://${host}`);
  return Deno.createHttpClient({
    ...options,
    proxy: {
      transport: "tcp",
      hostname: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port || 80),
    },
  });
}
