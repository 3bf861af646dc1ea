/**
 * `NO_PROXY`.
 *
 * @module
 */

import { isLoopback } from "./loopback.ts";

/**
 * Reports whether to reach a URL without a proxy: on loopback, or if `NO_PROXY` lists its host. Deno
 * itself supports neither ports nor `*.` in that list; other entries, such as network addresses, are
 * left to Deno.
 *
 * @param url The URL.
 * @param noProxy The list: `*`, or `HOST`, `.HOST` and `*.HOST`, each with or without `:PORT`. A host
 * includes its subdomains.
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
