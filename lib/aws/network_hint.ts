/**
 * Words and hints for servers that cannot be reached. Loaded on demand.
 *
 * @module
 */

import { bypassesProxy } from "../system/no_proxy.ts";
import { closest } from "../text/closest.ts";
import type { Location } from "./endpoint.ts";
import { fetchFailure, innermostReason } from "./fetch_failure.ts";

/** Used for hints only; AWS adds regions over time. */
const regions: readonly string[] = [
  ...["us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "ca-west-1"],
  ...["mx-central-1", "sa-east-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1"],
  ...["eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "af-south-1", "il-central-1"],
  ...["me-central-1", "me-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2"],
  ...["ap-northeast-3", "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2"],
  ...["ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7"],
  ...["cn-north-1", "cn-northwest-1", "us-gov-east-1", "us-gov-west-1", "eusc-de-east-1"],
];

/** A request that got no answer. */
export interface NoAnswer {
  /** What happened, without the URL that `fetch` repeats. */
  readonly message: string;
  /** What to do about it, where the reason is known. */
  readonly hint: string | undefined;
  /** The innermost reason, in `fetch`'s words. */
  readonly reason: string;
}

/**
 * Describes a request that got no answer, or not all of it.
 *
 * @param url The request's URL.
 * @param cause What `fetch` threw.
 * @param location Region, endpoints and proxies.
 * @returns The words for it.
 */
export function noAnswer(url: string, cause: unknown, location: Location): NoAnswer {
  const reason = innermostReason(cause);
  const message = `no answer from ${new URL(url).origin}: ${fetchFailure(cause)}`;
  return { message, hint: networkHint(url, reason, location), reason };
}

/**
 * Returns what to do about a request that got no answer.
 *
 * @param url The request's URL.
 * @param reason Why there was no answer, in `fetch`'s words.
 * @param location Region and endpoints.
 * @returns A hint, where the reason is known.
 */
export function networkHint(
  url: string,
  reason: string,
  { region, endpoints, noProxy, proxies }: Location,
): string | undefined {
  const { origin, hostname, protocol } = new URL(url);
  const isStandIn = Object.values(endpoints).some((endpoint) =>
    endpoint !== undefined && URL.canParse(endpoint) && new URL(endpoint).origin === origin
  );
  const named = "AWS_ENDPOINT_URL, a variable like it, or the profile";
  if (reason.includes("invalid peer certificate")) {
    return "AWS_CA_BUNDLE names a file of certificates to trust, such as a proxy's";
  }
  if (reason.includes("proxy authentication required")) {
    return "write the proxy's user and password into HTTPS_PROXY";
  }
  const isUnreachable = /dns error|failed to lookup|connection refused|unreachable|no route/i;
  const proxy = protocol === "http:" || protocol === "https:" ? proxies?.[protocol] : undefined;
  if (proxy && isUnreachable.test(reason) && !bypassesProxy(new URL(url), noProxy)) {
    return `${proxy.variable} names the proxy ${proxy.host}, which was not reached: correct it, ` +
      `or list ${hostname} in NO_PROXY`;
  }
  if (/dns error|failed to lookup address/i.test(reason)) {
    if (isStandIn) return `${named} names ${hostname}, which has no address: check its spelling`;
    if (!regions.includes(region)) {
      const near = closest(region, regions);
      const question = near === undefined ? "" : `, did you mean ${near}?`;
      return `check the region ${region}${question} (-region, AWS_REGION, llama config region)`;
    }
    return "check this machine's network and DNS; in a VPC, the endpoint of the service";
  }
  if (/connection refused/i.test(reason)) {
    return isStandIn
      ? `${named} names ${origin}, where no server listens: start it, or correct the address`
      : "a firewall or proxy refuses the connection: check the network, and HTTPS_PROXY";
  }
  if (/network is unreachable|no route to host/i.test(reason)) {
    return "check this machine's network";
  }
  return undefined;
}
