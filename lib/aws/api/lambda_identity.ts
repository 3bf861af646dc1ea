/**
 * The parts of a function that decide what its commands do.
 *
 * @module
 */

import * as z from "../../zod.ts";
import type { AwsClient } from "../client.ts";
import { callRest } from "./call.ts";
import { maybe, strings } from "./lambda_types.ts";

/** The tag of functions whose results depend only on their inputs; its value is `true`. */
export const pureTag = "llama-pure";

/** A function's code and those of its settings that can change the bytes that a command writes. */
export interface FunctionCodeIdentity {
  /** The SHA-256 of its zip, or of its image, as Lambda writes it. */
  readonly code: string;
  /** The ARNs of its layer versions, in their order. */
  readonly layers: readonly string[];
  /** A zip's handler, or an image's entry point, command and working directory. */
  readonly command: unknown;
  /** Its environment variables. */
  readonly environment: Readonly<Record<string, string>>;
  /** The ARN of the version of Lambda's runtime, or else the runtime's name; empty for an image. */
  readonly runtime: string;
  /** Its architecture. */
  readonly architecture: string;
  /** The ARNs of its file systems, with the paths where they are mounted. */
  readonly fileSystems: readonly (readonly [string, string])[];
}

/** A function at one moment. */
export interface FunctionIdentity {
  /** Changes with each change of the function. */
  readonly revision: string;
  /** The version that the name leads to: `$LATEST`, or a number for one that never changes. */
  readonly version: string;
  /** When it was last changed, in ISO 8601; empty if Lambda does not say. */
  readonly lastModified: string;
  /** Why it is not ready: `it is Pending`; undefined if it is. */
  readonly unready: string | undefined;
  /** Whether its author promises that a command with the same inputs has the same outputs. */
  readonly isPure: boolean;
  /** Its code and settings. */
  readonly identity: FunctionCodeIdentity;
}

const configuration = z.object({
  RevisionId: z.string().check(z.minLength(1)),
  Version: z.string().check(z.minLength(1)),
  PackageType: maybe(z.string()),
  Architectures: maybe(z.array(z.string())),
  CodeSha256: z.string().check(z.minLength(1)),
  Environment: maybe(z.object({
    Variables: maybe(strings),
    Error: maybe(z.object({ Message: maybe(z.string()) })),
  })),
  FileSystemConfigs: maybe(z.array(z.object({ Arn: z.string(), LocalMountPath: z.string() }))),
  Handler: maybe(z.string()),
  ImageConfigResponse: maybe(z.object({
    ImageConfig: maybe(z.object({
      EntryPoint: maybe(z.array(z.string())),
      Command: maybe(z.array(z.string())),
      WorkingDirectory: maybe(z.string()),
    })),
    Error: maybe(z.object({ Message: maybe(z.string()) })),
  })),
  LastModified: maybe(z.string()),
  Layers: maybe(z.array(z.object({ Arn: z.string() }))),
  Runtime: maybe(z.string()),
  RuntimeVersionConfig: maybe(z.object({
    RuntimeVersionArn: maybe(z.string()),
    Error: maybe(z.object({ Message: maybe(z.string()) })),
  })),
  State: maybe(z.string()),
  LastUpdateStatus: maybe(z.string()),
});

const answer = z.object({ Configuration: configuration, Tags: maybe(strings) });

/**
 * Reads what a function's results depend on. One call of GetFunction.
 *
 * @param client The AWS client.
 * @param name A function's name, `NAME:ALIAS` or ARN.
 * @param signal Aborts the call.
 * @returns The function as it is now.
 * @throws {LlamaError} As `callRest`, such as `credentials` without `lambda:GetFunction`.
 */
export async function getFunctionIdentity(
  client: AwsClient,
  name: string,
  signal?: AbortSignal,
): Promise<FunctionIdentity> {
  const { Configuration: found, Tags: tags } = await callRest(client, {
    service: "lambda",
    action: "GetFunction",
    method: "GET",
    path: `/2015-03-31/functions/${encodeURIComponent(name)}`,
    signal,
  }, answer);
  const { State: state = "Active", LastUpdateStatus: update = "Successful" } = found;
  const hidden = [found.Environment, found.ImageConfigResponse, found.RuntimeVersionConfig]
    .find((part) => part?.Error)?.Error;
  return {
    // An alias may be moved to another version, whose own revision is older.
    revision: `${found.Version} ${found.RevisionId}`,
    version: found.Version,
    lastModified: found.LastModified ?? "",
    unready: hidden
      ? `Lambda does not show its settings${hidden.Message ? `: ${hidden.Message}` : ""}`
      : state !== null && state !== "Active"
      ? `it is ${state}`
      : update !== null && update !== "Successful"
      ? `its last update is ${update}`
      : undefined,
    isPure: tags?.[pureTag] === "true",
    identity: {
      code: found.CodeSha256,
      layers: found.Layers?.map(({ Arn }) => Arn) ?? [],
      command: found.PackageType === "Image"
        ? found.ImageConfigResponse?.ImageConfig ?? null
        : found.Handler ?? "",
      environment: found.Environment?.Variables ?? {},
      runtime: found.RuntimeVersionConfig?.RuntimeVersionArn ?? found.Runtime ?? "",
      architecture: found.Architectures?.[0] ?? "x86_64",
      fileSystems:
        found.FileSystemConfigs?.map(({ Arn, LocalMountPath }) => [Arn, LocalMountPath] as const) ??
          [],
    },
  };
}
