/**
 * Where AWS's services are.
 *
 * @module
 */

import type { Environment } from "../environment.ts";
import { LlamaError } from "../errors.ts";
import { readProfile } from "./profile.ts";

/** The services that llama calls. */
export type Service = "lambda" | "s3";

/** The region, and addresses that stand in for AWS's own. */
export interface Location {
  /** Such as `us-west-2`. */
  readonly region: string;
  /** Base URLs that replace AWS's own. */
  readonly endpoints: { readonly [S in Service]?: string | undefined };
}

/**
 * Finds region and endpoints: what was named, the environment, the profile.
 *
 * @param environment The environment variables.
 * @param named The region and the profile that were named on the command line.
 * @returns The location.
 * @throws {LlamaError} `config` if there is no region, or an endpoint is not a URL.
 */
export async function findLocation(
  environment: Environment,
  named: { region?: string | undefined; profile?: string | undefined } = {},
): Promise<Location> {
  const profile = (await readProfile(environment, named.profile)).values;
  const all = environment["AWS_ENDPOINT_URL"] || profile.get("endpoint_url");
  const region = named.region || environment["AWS_REGION"] || environment["AWS_DEFAULT_REGION"] ||
    profile.get("region");
  if (!region) {
    throw new LlamaError("config", "no AWS region: looked at -region, AWS_REGION and the profile", {
      hint: "set AWS_REGION, or use -local to run without AWS",
    });
  }
  if (!/^[a-z0-9-]+$/.test(region)) {
    throw new LlamaError("config", `${JSON.stringify(region)} is not an AWS region`);
  }
  return {
    region,
    endpoints: {
      lambda: checkUrl("AWS_ENDPOINT_URL_LAMBDA", environment["AWS_ENDPOINT_URL_LAMBDA"] || all),
      s3: checkUrl("AWS_ENDPOINT_URL_S3", environment["AWS_ENDPOINT_URL_S3"] || all),
    },
  };
}

function checkUrl(what: string, url: string | undefined): string | undefined {
  if (!url) return undefined;
  if (!/^https?:\/\/[^/?#]+/.test(url) || !URL.canParse(url)) {
    throw new LlamaError("config", `${what}: ${JSON.stringify(url)} is not an http or https URL`);
  }
  return url.replace(/\/+$/, "");
}

/**
 * The domain that a region's endpoints end in.
 *
 * @param region Such as `us-west-2`.
 * @returns Such as `amazonaws.com`.
 */
export function domainOf(region: string): string {
  return region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

/**
 * The base URL of Lambda's API.
 *
 * @param location Region and endpoints.
 * @returns Without a slash at its end.
 */
export function lambdaUrl({ region, endpoints }: Location): string {
  return endpoints.lambda ?? `https://lambda.${region}.${domainOf(region)}`;
}

/**
 * The base URL of a bucket. A bucket name with dots goes into the path, since S3's certificate
 * would not match it as a host name; so does any for an endpoint that is not AWS's own.
 *
 * @param location Region and endpoints.
 * @param bucket The bucket's name.
 * @returns Without a slash at its end.
 */
export function bucketUrl({ region, endpoints }: Location, bucket: string): string {
  if (endpoints.s3) return `${endpoints.s3}/${bucket}`;
  const host = `s3.${region}.${domainOf(region)}`;
  return bucket.includes(".") ? `https://${host}/${bucket}` : `https://${bucket}.${host}`;
}
