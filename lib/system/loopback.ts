/**
 * HTTP clients for servers on this machine.
 *
 * @module
 */

/**
 * Returns a client for `fetch` that uses no proxy for one host; the caller closes it. `HTTP_PROXY`
 * would otherwise apply to loopback addresses too, which no proxy can reach.
 *
 * @param host `HOSTNAME` or `HOSTNAME:PORT`.
 * @param options Other options of the client.
 */
export function directClient(
  host: string,
  options: Omit<Deno.CreateHttpClientOptions, "proxy"> = {},
): Deno.HttpClient {
  const { hostname } = new URL(`http://${host}`);
  // Deno reads the proxies from the environment when it creates a client, and cannot disable them.
  // (Its "tcp" proxy connects directly too, but sends absolute URLs in the request line.)
  const before = Deno.env.get("NO_PROXY");
  Deno.env.set("NO_PROXY", hostname.replace(/^\[|\]$/g, ""));
  try {
    return Deno.createHttpClient(options);
  } finally {
    if (before === undefined) Deno.env.delete("NO_PROXY");
    else Deno.env.set("NO_PROXY", before);
  }
}

/**
 * Reports whether a URL's host is this machine: `localhost`, `127.0.0.0/8` or `[::1]`.
 *
 * @param hostname The host name as in `URL`.
 */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}
