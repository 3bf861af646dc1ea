/**
 * Whether to compress what is sent.
 *
 * @module
 */

import { inContainer } from "./credentials/credential_source.ts";
import { looksLikeEc2 } from "./ec2.ts";
import { type Location, serviceUrl } from "./endpoint.ts";
import type { Environment } from "../environment.ts";
import { LlamaError } from "../errors.ts";
import { type CompressMode, compressModes } from "../limits.ts";
import { isLoopback } from "../system/loopback.ts";

/**
 * Returns the mode that the environment asks for.
 *
 * @param environment The environment variables.
 * @returns The value of `LLAMA_COMPRESS`; `auto` by default.
 * @throws {LlamaError} `config` for any other value.
 */
export function compressModeOf({ LLAMA_COMPRESS: text }: Environment): CompressMode {
  const mode = compressModes.find((mode) => mode === (text || "auto"));
  if (mode !== undefined) return mode;
  throw new LlamaError("config", `LLAMA_COMPRESS must be auto, on or off: ${text}`);
}

/**
 * Reports whether compression saves time: not on loopback, and not inside AWS, where the network is
 * fast and costs nothing.
 *
 * @param environment The environment variables.
 * @param location Where Lambda is.
 * @param isEc2 Reports whether this machine is an EC2 instance. @default {looksLikeEc2}
 */
export async function compressionPays(
  environment: Environment,
  location: Location,
  isEc2: () => Promise<boolean> = looksLikeEc2,
): Promise<boolean> {
  if (isLoopback(new URL(serviceUrl(location, "lambda")).hostname)) return false;
  // Set in Lambda, ECS, CodeBuild and CloudShell.
  if (environment["AWS_EXECUTION_ENV"] || inContainer(environment)) return false;
  return !await isEc2();
}
