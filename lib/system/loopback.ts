/**
 * HTTP clients for servers on this machine.
 *
 * @module
 */

/**
 * A client that takes no proxy to one host. `HTTP_PROXY` would otherwise capture loopback addresses
 * too, and neither the Runtime API nor the emulator is behind a proxy.
 *
 * @param host `HOSTNAME` or `HOSTNAME:PORT`.
 * @param options Other settings of the client.
 * @returns A client for `fetch`; close it when done.
 */
export function directClient(
  host: string,
  options: Omit<Deno.CreateHttpClientOptions, "proxy"> = {},
): Deno.HttpClient {
  const { hostname } = new URL(`http://${host}`);
  // Deno reads the proxies from the environment when a client is made, and has no option for none.
  // (Its "tcp" proxy goes straight too, but sends whole URLs in the request line, as to a proxy.)
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
 * Whether a URL's host is this machine itself.
 *
 * @param hostname As `URL` has it.
 * @returns True for `localhost`, `127.0.0.0/8` and `[::1]`.
 */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

/**
 * Whether a URL is reached without a proxy: a host of this machine, or one that `NO_PROXY` lists. Deno
 * itself knows neither ports nor `*.` in that list; what else is in it, such as addresses of a
 * network, is left to Deno.
 *
 * @param url The URL.
 * @param noProxy The list: `*`, or `HOST`, `.HOST` and `*.HOST`, each with or without `:PORT`. A host
 * stands for all below it too.
 * @returns True if it is.
 */
export function bypassesProxy(url: URL, noProxy = ""): boolean {
  const { hostname, protocol } = url;
  if (isLoopback(hostname)) return true;
  const ownPort = url.port || (protocol === "https:" ? "443" : "80");
  return noProxy.toLowerCase().split(",").some((entry) => {
    const [, name = "", port = ownPort] = /^(.*?)(?::(\d+))?$/.exec(entry.trim()) ?? [];
    const host = name.replace(/^\*?\.+/, "");
    return name === "*" ||
      (host !== "" && port === ownPort && (hostname === host || hostname.endsWith(`.${host}`)));
  });
}
