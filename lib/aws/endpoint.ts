/**
 * Where AWS's services are.
 *
 * @module
 */

import type { Environment } from "../environment.ts";
import { isOn } from "../environment.ts";
import { LlamaError } from "../errors.ts";
import { type Profile, readProfile } from "./profile.ts";

/** The services that llama calls, by the names that their requests are signed with. */
export type Service =
  | "lambda"
  | "s3"
  | "sts"
  | "iam"
  | "cloudformation"
  | "ecr"
  | "logs"
  | "servicequotas";

/** The region, addresses that stand in for AWS's own, and whom to trust there. */
export interface Location {
  /** Such as `us-west-2`. */
  readonly region: string;
  /** Base URLs that replace AWS's own. */
  readonly endpoints: { readonly [S in Service]?: string | undefined };
  /** A file of certificates that are trusted beside Mozilla's. */
  readonly caBundle?: string | undefined;
}

/** A part of AWS that has nothing in common with the others: not even its ARNs. */
export interface Partition {
  /** What ARNs call it. */
  readonly name: "aws" | "aws-cn" | "aws-us-gov";
  /** What its regions begin with. */
  readonly regions: string;
  /** What its host names end in. */
  readonly domain: string;
}

/** https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html */
const partitions: readonly Partition[] = [
  { name: "aws-cn", regions: "cn-", domain: "amazonaws.com.cn" },
  { name: "aws-us-gov", regions: "us-gov-", domain: "amazonaws.com" },
];

const commercial: Partition = { name: "aws", regions: "", domain: "amazonaws.com" };

/**
 * The partition of a region.
 *
 * @param region Such as `us-west-2`.
 * @returns Its partition.
 */
export function partitionOf(region: string): Partition {
  return partitions.find(({ regions }) => region.startsWith(regions)) ?? commercial;
}

/** The names that the environment has for the services: https://docs.aws.amazon.com/sdkref/latest/guide/ss-endpoints-table.html */
const variables: Readonly<Record<Service, string>> = {
  lambda: "AWS_ENDPOINT_URL_LAMBDA",
  s3: "AWS_ENDPOINT_URL_S3",
  sts: "AWS_ENDPOINT_URL_STS",
  iam: "AWS_ENDPOINT_URL_IAM",
  cloudformation: "AWS_ENDPOINT_URL_CLOUDFORMATION",
  ecr: "AWS_ENDPOINT_URL_ECR",
  logs: "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS",
  servicequotas: "AWS_ENDPOINT_URL_SERVICE_QUOTAS",
};

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
  const profile = await readProfile(environment, named.profile);
  const region = named.region || environment["AWS_REGION"] || environment["AWS_DEFAULT_REGION"] ||
    profile.values.get("region");
  if (!region) {
    throw new LlamaError(
      "config",
      "no AWS region: looked at -region, AWS_REGION, AWS_DEFAULT_REGION and profile " +
        `${JSON.stringify(profile.name)} of ${profile.files.join(" and ")}`,
      { hint: "add -region REGION or set AWS_REGION; with -local, jobs run without AWS" },
    );
  }
  if (!/^[a-z0-9-]+$/.test(region)) {
    throw new LlamaError("config", `${JSON.stringify(region)} is not an AWS region`, {
      hint: "write one such as us-west-2",
    });
  }
  return {
    region,
    endpoints: findEndpoints(environment, profile),
    caBundle: environment["AWS_CA_BUNDLE"] || profile.values.get("ca_bundle") || undefined,
  };
}

function findEndpoints(environment: Environment, { values }: Profile): Location["endpoints"] {
  if (isOn(environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"])) return {};
  const find = (service: Service) => {
    const places: [string, string | undefined][] = [
      [variables[service], environment[variables[service]]],
      ["AWS_ENDPOINT_URL", environment["AWS_ENDPOINT_URL"]],
      ["the profile's endpoint_url", values.get("endpoint_url")],
    ];
    const [where, url] = places.find(([, url]) => url) ?? [];
    return where && url ? checkUrl(where, url) : undefined;
  };
  return {
    lambda: find("lambda"),
    s3: find("s3"),
    sts: find("sts"),
    iam: find("iam"),
    cloudformation: find("cloudformation"),
    ecr: find("ecr"),
    logs: find("logs"),
    servicequotas: find("servicequotas"),
  };
}

function checkUrl(where: string, url: string): string {
  if (!/^https?:\/\/[^/?#]+/.test(url) || !URL.canParse(url)) {
    throw new LlamaError("config", `${where}: ${JSON.stringify(url)} is not an http or https URL`);
  }
  return url.replace(/\/+$/, "");
}

/**
 * The base URL of a service.
 *
 * @param location Region and endpoints.
 * @param service The service; for S3's buckets see {@linkcode bucketUrl}.
 * @returns Without a slash at its end.
 */
export function serviceUrl({ region, endpoints }: Location, service: Service): string {
  const own = endpoints[service];
  if (own) return own;
  const { name, domain } = partitionOf(region);
  // IAM is one for a whole partition, and ECR's registry has the plain name.
  if (service === "iam") return name === "aws" ? `https://iam.${domain}` : globalIam[name];
  return `https://${service === "ecr" ? "api.ecr" : service}.${region}.${domain}`;
}

/** https://docs.aws.amazon.com/general/latest/gr/iam-service.html */
const globalIam = {
  "aws-cn": "https://iam.cn-north-1.amazonaws.com.cn",
  "aws-us-gov": "https://iam.us-gov.amazonaws.com",
} as const;

/**
 * The base URL of a bucket. A bucket name with dots goes into the path, since S3's certificate
 * would not match it as a host name; so does any for an endpoint that is not AWS's own.
 *
 * @param location Region and endpoints.
 * @param bucket The bucket's name.
 * @param bucketRegion The bucket's region, where it is another one.
 * @returns Without a slash at its end.
 */
export function bucketUrl(
  { region, endpoints }: Location,
  bucket: string,
  bucketRegion: string = region,
): string {
  if (endpoints.s3) return `${endpoints.s3}/${bucket}`;
  const host = `s3.${bucketRegion}.${partitionOf(bucketRegion).domain}`;
  return bucket.includes(".") ? `https://${host}/${bucket}` : `https://${bucket}.${host}`;
}
