/**
 * The endpoints of AWS's services.
 *
 * @module
 */

import { type Environment, isTrue } from "../environment.ts";
import { LlamaError } from "../errors.ts";
import { partitionOf } from "./partition.ts";
import { nestedOf, type Profile, readProfile, textOf } from "./credentials/profile.ts";

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

/** The region, and how endpoints are chosen and reached. */
export interface Location {
  /** Such as `us-west-2`. */
  readonly region: string;
  /** Base URLs that replace AWS's own. */
  readonly endpoints: { readonly [S in Service]?: string | undefined };
  /** A file of certificates to trust besides Mozilla's. */
  readonly caBundle?: string | undefined;
  /** Whether AWS's endpoints with FIPS 140 cryptography are used. @default {false} */
  readonly useFips?: boolean;
  /** Whether AWS's endpoints with IPv6 addresses are used. @default {false} */
  readonly useDualStack?: boolean;
  /** How S3's buckets are addressed. */
  readonly s3?: S3Settings;
  /** The hosts to reach without a proxy, in the format of `NO_PROXY`. */
  readonly noProxy?: string | undefined;
  /** The proxies for each kind of URL, for hints: Deno itself reads the variables. */
  readonly proxies?: { readonly [P in "http:" | "https:"]?: Proxy | undefined };
}

/** A proxy that the environment names. */
export interface Proxy {
  /** The variable that names it. */
  readonly variable: string;
  /** Its host and port, without user and password. */
  readonly host: string;
}

/** The settings below `s3 =` of a profile. */
export interface S3Settings {
  /** `path` or `virtual`; anything else leaves the choice to the bucket's name. */
  readonly addressingStyle?: string | undefined;
  /** As {@linkcode Location.useDualStack}, for S3 alone. */
  readonly useDualStack?: boolean;
  /** Whether S3 Transfer Acceleration is used. */
  readonly useAccelerate?: boolean;
}

/** Their ids: https://docs.aws.amazon.com/sdkref/latest/guide/ss-endpoints-table.html */
const serviceIds: Readonly<Record<Service, string>> = {
  lambda: "LAMBDA",
  s3: "S3",
  sts: "STS",
  iam: "IAM",
  cloudformation: "CLOUDFORMATION",
  ecr: "ECR",
  logs: "CLOUDWATCH_LOGS",
  servicequotas: "SERVICE_QUOTAS",
};

/**
 * Finds region and endpoints, from the command line, the environment and the profile.
 *
 * @param environment The environment variables.
 * @param named The region and the profile from the command line.
 * @returns The location.
 * @throws {LlamaError} `config` if there is no region, or an endpoint is not a URL.
 */
export async function findLocation(
  environment: Environment,
  named: { region?: string | undefined; profile?: string | undefined } = {},
): Promise<Location> {
  const profile = await readProfile(environment, named.profile);
  const { values, files } = profile;
  const isOn = (variable: string, setting: string) =>
    isTrue(environment[variable] ?? textOf(values, setting));
  const region = named.region || environment["AWS_REGION"] ||
    (environment["AWS_DEFAULT_REGION"] ?? textOf(values, "region"));
  if (!region) {
    throw new LlamaError(
      "config",
      "no AWS region: looked at -region, AWS_REGION, AWS_DEFAULT_REGION and profile " +
        `${JSON.stringify(profile.name)} of ${files.places}`,
      { hint: "add -region REGION or set AWS_REGION; with -local, jobs run without AWS" },
    );
  }
  if (!/^(?!\d+$)(?!-)[a-zA-Z0-9-]{1,63}(?<!-)$/.test(region)) {
    throw new LlamaError("config", `${JSON.stringify(region)} is not an AWS region`, {
      hint: "write one such as us-west-2",
    });
  }
  // Such as fips-us-east-1, which is how FIPS was asked for before there was a setting.
  const withoutFips = region.replaceAll("fips-", "").replaceAll("-fips", "");
  const s3 = values.get("s3");
  return {
    region: withoutFips,
    endpoints: findEndpoints(environment, profile),
    caBundle: environment["AWS_CA_BUNDLE"] || textOf(values, "ca_bundle") ||
      environment["REQUESTS_CA_BUNDLE"] || undefined,
    useFips: withoutFips !== region || isOn("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
    useDualStack: isOn("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"),
    ...(s3 instanceof Map
      ? {
        s3: {
          addressingStyle: s3.get("addressing_style"),
          useDualStack: isTrue(s3.get("use_dualstack_endpoint")),
          useAccelerate: isTrue(s3.get("use_accelerate_endpoint")),
        },
      }
      : {}),
    noProxy: environment["no_proxy"] ?? environment["NO_PROXY"],
    proxies: {
      "http:": proxyIn(environment, ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]),
      "https:": proxyIn(environment, ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]),
    },
  };
}

function proxyIn(environment: Environment, variables: readonly string[]): Proxy | undefined {
  const variable = variables.find((name) => environment[name]);
  const url = variable === undefined ? undefined : environment[variable];
  if (variable === undefined || url === undefined) return undefined;
  return { variable, host: url.replace(/^\w+:\/\//, "").replace(/\/.*$/, "").replace(/^.*@/, "") };
}

function findEndpoints(environment: Environment, profile: Profile): Location["endpoints"] {
  const find = (service: Service) => configuredEndpoint(environment, profile, serviceIds[service]);
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

/**
 * Returns the base URL that replaces AWS's own for a service, in the AWS CLI's order:
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
 *
 * @param environment The environment variables.
 * @param profile The profile.
 * @param id The service's id, such as `SERVICE_QUOTAS`.
 * @returns The URL; undefined if there is none.
 * @throws {LlamaError} `config` if it is not an http or https URL.
 */
export function configuredEndpoint(
  environment: Environment,
  profile: Profile,
  id: string,
): string | undefined {
  const { values } = profile;
  const ignored = environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] ??
    textOf(values, "ignore_configured_endpoint_urls");
  if (isTrue(ignored)) return undefined;
  const variable = `AWS_ENDPOINT_URL_${id}`;
  const places: (() => readonly [string, string | undefined])[] = [
    () => [variable, environment[variable]],
    () => ["AWS_ENDPOINT_URL", environment["AWS_ENDPOINT_URL"]],
    () => ["the endpoint_url in the profile's services", servicesOf(profile, id.toLowerCase())],
    () => ["the profile's endpoint_url", textOf(values, "endpoint_url")],
  ];
  for (const look of places) {
    const [where, url] = look();
    if (url) return checkUrl(where, url);
  }
  return undefined;
}

function servicesOf({ name, values, files }: Profile, service: string): string | undefined {
  const section = textOf(values, "services");
  if (section === undefined) return undefined;
  const services = files.services.get(section);
  if (services === undefined || services.size === 0) {
    throw new LlamaError(
      "config",
      `profile ${JSON.stringify(name)} names the services ${JSON.stringify(section)}, ` +
        `but ${files.configPath} has no such section`,
      { hint: `write a section [services ${section}], or remove the line from the profile` },
    );
  }
  return nestedOf(services, service).get("endpoint_url");
}

const label = "(?!-)[a-z0-9-]{1,63}(?<!-)";
const httpUrl = new RegExp(
  `^https?://(?:(?:${label}\\.)*${label}\\.?|\\[[0-9a-f:.]+\\])(?::\\d+)?(?:/[^?#\\s]*)?$`,
  "i",
);

function checkUrl(where: string, url: string): string {
  if (!httpUrl.test(withoutPassword(url)) || !URL.canParse(url)) {
    const shown = JSON.stringify(withoutPassword(url));
    throw new LlamaError("config", `${where}: ${shown} is not an http or https URL`, {
      hint: "write one such as http://localhost:4566, whose host has letters, digits, - and . only",
    });
  }
  return url.replace(/\/+$/, "");
}

/**
 * Returns a URL without the user and the password that an endpoint may have, for messages.
 *
 * @param url A URL, or what should be one.
 * @returns The rest of it.
 */
export function withoutPassword(url: string): string {
  // If it is not a URL, the password may contain any character.
  if (!URL.canParse(url)) return url.replace(/^(\w+:\/\/)[^]*@/, "$1");
  const parsed = new URL(url);
  if (parsed.username === "" && parsed.password === "") return url;
  parsed.username = "";
  parsed.password = "";
  return parsed.href;
}

/**
 * Returns the base URL of a service, without a final slash.
 *
 * @param location Region and endpoints.
 * @param service The service; for buckets see {@linkcode bucketUrl}.
 * @throws {LlamaError} `config` if the service has no endpoint of the requested kind.
 */
export function serviceUrl(location: Location, service: Service): string {
  const { region, endpoints, useFips = false, useDualStack = false } = location;
  checkVariants(location, service, region);
  const own = endpoints[service];
  if (own) return own;
  const partition = partitionOf(region);
  const domain = useDualStack ? partition.dualStackDomain : partition.domain;
  if (service === "iam") {
    return `https://${partition.iam[(useFips ? 2 : 0) + (useDualStack ? 1 : 0)]}.${domain}`;
  }
  if (service === "s3") return `https://${s3Host(location, region)}`;
  // ECR's registry has the plain name.
  const name = service === "ecr" && !useDualStack ? "api.ecr" : service;
  const isFipsAlready = partition.name === "aws-us-gov" && !useDualStack &&
    ["sts", "cloudformation", "logs", "servicequotas"].includes(service);
  return `https://${name}${useFips && !isFipsAlready ? "-fips" : ""}.${region}.${domain}`;
}

/** Refuses endpoints that a partition lacks, as the AWS CLI does, instead of ignoring the setting. */
function checkVariants(location: Location, service: Service, region: string): void {
  const { endpoints, useFips = false, useDualStack = false, s3 } = location;
  const isDualStack = useDualStack || (service === "s3" && s3?.useDualStack === true);
  const { name, lacks } = partitionOf(region);
  const refuse = (kind: string, setting: string) =>
    new LlamaError("config", `${service} has no ${kind} endpoint in partition ${name}`, {
      hint: `switch off ${setting} in the profile, or AWS_${setting.toUpperCase()}`,
    });
  if (lacks === "dual-stack" && isDualStack && (service !== "lambda" || useFips)) {
    throw refuse("dual-stack", "use_dualstack_endpoint");
  }
  if (lacks === "S3 FIPS" && service === "s3" && useFips && !endpoints.s3) {
    throw refuse("FIPS", "use_fips_endpoint");
  }
}

function s3Host({ useFips, useDualStack, s3 }: Location, region: string): string {
  const variant = (useFips ? "-fips" : "") + (useDualStack || s3?.useDualStack ? ".dualstack" : "");
  return `s3${variant}.${region}.${partitionOf(region).domain}`;
}

/**
 * Returns the base URL of a bucket, without a final slash. The bucket is in the path if its name has
 * dots, since S3's certificate would not match the host name, or if the endpoint is not AWS's own.
 *
 * @param location Region and endpoints.
 * @param bucket The bucket's name.
 * @param bucketRegion The bucket's region. @default {location.region}
 * @throws {LlamaError} `config` as {@linkcode serviceUrl}.
 */
export function bucketUrl(
  location: Location,
  bucket: string,
  bucketRegion: string = location.region,
): string {
  const { addressingStyle, useAccelerate } = location.s3 ?? {};
  const own = location.endpoints.s3;
  checkVariants(location, "s3", bucketRegion);
  if (useAccelerate) return acceleratedUrl(location, bucket, bucketRegion);
  const url = own ?? `https://${s3Host(location, bucketRegion)}`;
  const { protocol, hostname } = new URL(url);
  const takesHostName = own === undefined
    ? addressingStyle !== "path"
    : addressingStyle === "virtual" && !/^[\d.]+$|^\[/.test(hostname);
  return !takesHostName || (bucket.includes(".") && protocol === "https:")
    ? `${url}/${bucket}`
    : url.replace("://", `://${bucket}.`);
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/transfer-acceleration-getting-started.html */
function acceleratedUrl(location: Location, bucket: string, region: string): string {
  const { endpoints, useFips, useDualStack, s3 } = location;
  const { name, domain } = partitionOf(region);
  if (endpoints.s3 !== undefined || useFips || name !== "aws" || bucket.includes(".")) {
    throw new LlamaError("config", `bucket ${bucket} has no accelerated endpoint`, {
      hint: "switch off use_accelerate_endpoint in the profile: it goes with neither FIPS, an " +
        "endpoint_url nor a name with dots",
    });
  }
  const isDualStack = useDualStack || s3?.useDualStack;
  return `https://${bucket}.s3-accelerate${isDualStack ? ".dualstack" : ""}.${domain}`;
}
