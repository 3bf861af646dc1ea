/**
 * A function as Lambda describes it.
 *
 * @module
 */

import * as z from "../zod.ts";

/** The processors that Lambda has, by its names for them. */
export type Architecture = "x86_64" | "arm64";

/** What can be set of a function beside its code. */
export interface FunctionSettings {
  /** What it does. */
  readonly description: string;
  /** The ARN of the role that it runs as. */
  readonly role: string;
  /** Memory in MB. */
  readonly memory: number;
  /** Seconds that an invocation may take. */
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
  /** What an image function has in place of the image's `CMD`; empty for nothing. */
  readonly command?: readonly string[] | undefined;
  /** The VPC that it is attached to; empty lists for none, absent to leave it as it is. */
  readonly vpc?: Vpc | undefined;
}

/** Where in a VPC a function is. */
export interface Vpc {
  /** The ids of its subnets. */
  readonly subnets: readonly string[];
  /** The ids of its security groups. */
  readonly securityGroups: readonly string[];
}

/** A function as Lambda has it. */
export interface FunctionState extends FunctionSettings {
  /** Its name. */
  readonly name: string;
  /** Its ARN. */
  readonly arn: string;
  /** What its code is. */
  readonly kind: "zip" | "image";
  /** The processor that it runs on. */
  readonly architecture: Architecture;
  /** The SHA-256 of its zip in base64, or of its image. */
  readonly codeSha256: string;
  /** When it was last changed, as ISO 8601 has it. */
  readonly lastModified: string;
  /** `Pending`, `Active`, `Inactive` or `Failed`. */
  readonly state: string;
  /** Why it is in this state. */
  readonly stateReason: string | undefined;
  /** `InProgress`, `Successful` or `Failed`. */
  readonly update: string;
  /** Why the last update is in this state. */
  readonly updateReason: string | undefined;
}

/** All that `GetFunction` tells. */
export interface DeployedFunction extends FunctionState {
  /** Its tags. */
  readonly tags: Readonly<Record<string, string>>;
  /** An image function's image, as it was named. */
  readonly image: string | undefined;
  /** The same by its digest, where Lambda says so. */
  readonly resolvedImage?: string | undefined;
  /** Its reserved concurrency. */
  readonly concurrency: number | undefined;
}

/**
 * A field that may be absent, and that Lambda may also write as null.
 *
 * @param schema What it is otherwise.
 * @returns The field's schema.
 */
export function maybe<Schema extends z.ZodMiniType>(schema: Schema) {
  return z.optional(z.nullable(schema));
}

/** A map of strings. */
export const strings = z.record(z.string(), z.string());

/** What Lambda says of a function: https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html */
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
 * A function in llama's own words.
 *
 * @param found What Lambda says of it.
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
    // Functions from before Lambda had states are without one.
    state: found.State ?? "Active",
    stateReason: found.StateReason ?? undefined,
    update: found.LastUpdateStatus ?? "Successful",
    updateReason: found.LastUpdateStatusReason ?? undefined,
  };
}

/** The size of /tmp in MB, where nothing else is said. */
export const defaultStorage = 512;
