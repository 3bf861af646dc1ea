/**
 * Lambda's description of a function.
 *
 * @module
 */

import type { Architecture } from "../../functions/architecture.ts";
import * as z from "../../zod.ts";

/** A function's settings, without its code. */
export interface FunctionSettings {
  /** Its description. */
  readonly description: string;
  /** The ARN of its execution role. */
  readonly role: string;
  /** Memory in MB. */
  readonly memory: number;
  /** The time limit of an invocation in seconds. */
  readonly timeout: number;
  /** The size of its /tmp in MB. */
  readonly ephemeralStorage: number;
  /** Its environment variables. */
  readonly environment: Readonly<Record<string, string>>;
  /** A zip function's runtime, such as `provided.al2023`. */
  readonly runtime?: string | undefined;
  /** A zip function's program. */
  readonly handler?: string | undefined;
  /** The ARNs of a zip function's layer versions. */
  readonly layers?: readonly string[] | undefined;
  /** An image function's replacement for the image's `CMD`; empty for none. */
  readonly command?: readonly string[] | undefined;
  /** Its VPC: none if the lists are empty; unchanged if absent. */
  readonly vpc?: Vpc | undefined;
}

/** A function's place in a VPC. */
export interface Vpc {
  /** The ids of its subnets. */
  readonly subnets: readonly string[];
  /** The ids of its security groups. */
  readonly securityGroups: readonly string[];
}

/** A function's settings and state. */
export interface FunctionState extends FunctionSettings {
  /** Its name. */
  readonly name: string;
  /** Its ARN. */
  readonly arn: string;
  /** The kind of its code. */
  readonly kind: "zip" | "image";
  /** Its architecture. */
  readonly architecture: Architecture;
  /** The SHA-256 of its zip in base64, or of its image. */
  readonly codeSha256: string;
  /** When it was last changed, in ISO 8601. */
  readonly lastModified: string;
  /** `Pending`, `Active`, `Inactive` or `Failed`. */
  readonly state: string;
  /** The reason for the state. */
  readonly stateReason: string | undefined;
  /** The state of the last update: `InProgress`, `Successful` or `Failed`. */
  readonly update: string;
  /** The reason for the last update's state. */
  readonly updateReason: string | undefined;
}

/** A function as returned by `GetFunction`. */
export interface DeployedFunction extends FunctionState {
  /** Its tags. */
  readonly tags: Readonly<Record<string, string>>;
  /** An image function's image, as specified. */
  readonly image: string | undefined;
  /** The same by its digest, where Lambda says so. */
  readonly resolvedImage?: string | undefined;
  /** Its reserved concurrency. */
  readonly concurrency: number | undefined;
}

/**
 * Makes a field optional; Lambda may also send null.
 *
 * @param schema The schema of the value.
 * @returns The field's schema.
 */
export function maybe<Schema extends z.ZodMiniType>(schema: Schema) {
  return z.optional(z.nullable(schema));
}

/** A map of strings. */
export const strings = z.record(z.string(), z.string());

/** The schema of a function's configuration: https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html */
export const configuration = z.object({
  FunctionName: z.string(),
  FunctionArn: z.string(),
  PackageType: maybe(z.string()),
  Architectures: maybe(z.array(z.enum(["x86_64", "arm64"]))),
  Description: maybe(z.string()),
  Role: z.string(),
  MemorySize: z.number(),
  Timeout: z.number(),
  EphemeralStorage: maybe(z.object({ Size: z.number() })),
  Environment: maybe(z.object({ Variables: maybe(strings) })),
  Runtime: maybe(z.string()),
  Handler: maybe(z.string()),
  Layers: maybe(z.array(z.object({ Arn: z.string() }))),
  ImageConfigResponse: maybe(z.object({
    ImageConfig: maybe(z.object({ Command: maybe(z.array(z.string())) })),
  })),
  VpcConfig: maybe(z.object({
    SubnetIds: maybe(z.array(z.string())),
    SecurityGroupIds: maybe(z.array(z.string())),
  })),
  CodeSha256: maybe(z.string()),
  LastModified: maybe(z.string()),
  State: maybe(z.string()),
  StateReason: maybe(z.string()),
  LastUpdateStatus: maybe(z.string()),
  LastUpdateStatusReason: maybe(z.string()),
});

/**
 * Converts Lambda's configuration of a function.
 *
 * @param found The configuration.
 * @returns The function.
 */
export function stateOf(found: z.output<typeof configuration>): FunctionState {
  return {
    name: found.FunctionName,
    arn: found.FunctionArn,
    kind: found.PackageType === "Image" ? "image" : "zip",
    architecture: found.Architectures?.[0] ?? "x86_64",
    description: found.Description ?? "",
    role: found.Role,
    memory: found.MemorySize,
    timeout: found.Timeout,
    ephemeralStorage: found.EphemeralStorage?.Size ?? defaultStorage,
    environment: found.Environment?.Variables ?? {},
    runtime: found.Runtime ?? undefined,
    handler: found.Handler || undefined,
    layers: found.Layers?.map(({ Arn }) => Arn) ?? [],
    command: found.ImageConfigResponse?.ImageConfig?.Command ?? [],
    vpc: {
      subnets: found.VpcConfig?.SubnetIds ?? [],
      securityGroups: found.VpcConfig?.SecurityGroupIds ?? [],
    },
    codeSha256: found.CodeSha256 ?? "",
    lastModified: found.LastModified ?? "",
    // Functions older than Lambda's states have none.
    state: found.State ?? "Active",
    stateReason: found.StateReason ?? undefined,
    update: found.LastUpdateStatus ?? "Successful",
    updateReason: found.LastUpdateStatusReason ?? undefined,
  };
}

/** The default size of /tmp in MB. */
export const defaultStorage = 512;
