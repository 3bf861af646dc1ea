/**
 * What a registry says of the image that a function is made of.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import { Connections } from "../aws/connections.ts";
import { blobUrl, findImage, isEcr } from "../aws/api/ecr.ts";
import type { Architecture } from "../functions/architecture.ts";
import type { DeployedFunction } from "../aws/api/lambda_types.ts";
import type { Environment } from "../environment.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import { sha256 } from "../files/hash.ts";
import * as z from "../zod.ts";
import { type ImageContents, readLabels } from "./labels.ts";
import { openRepository } from "./target.ts";

/** An image as its registry has it. */
export interface ImageState {
  /** The repository, `HOST/NAME`. */
  readonly repository: string;
  /** The digest that the function was made of; undefined where Lambda does not say. */
  readonly digest: string | undefined;
  /** Whether the registry has it still. */
  readonly isThere: boolean;
  /** The digest that the tag with the function's name has; undefined if there is no such tag. */
  readonly tagged: string | undefined;
  /** The processor that it is for, as far as its configuration was read. */
  readonly architecture: Architecture | undefined;
  /** What is in it, of an image that llama made of programs. */
  readonly contents: ImageContents | undefined;
}

/** Reads manifests and configurations, whichever registry has them. */
interface Source {
  manifest(id: string): Promise<{ digest: string; text: string } | undefined>;
  configuration(digest: string): Promise<string | undefined>;
}

const manifestSchema = z.object({ config: z.object({ digest: z.string() }) });

const configurationSchema = z.object({
  architecture: z.optional(z.string()),
  config: z.optional(z.nullable(z.object({
    Labels: z.optional(z.nullable(z.record(z.string(), z.string()))),
  }))),
});

/**
 * Asks the registry about a function's image.
 *
 * @param found The function.
 * @param client The account.
 * @param environment Says where docker keeps its logins.
 * @param signal Cancels the operation.
 * @returns What the registry says; undefined for a function without an image.
 * @throws {LlamaError} `credentials`, `network` or `service`; `protocol` if its answer makes no sense.
 */
export async function imageState(
  { name, image, resolvedImage }: Pick<DeployedFunction, "name" | "image" | "resolvedImage">,
  client: AwsClient,
  environment: Environment,
  signal?: AbortSignal,
): Promise<ImageState | undefined> {
  const [, host, repository, reference] =
    /^([^/]+)\/(.+?)(?:@(sha256:[0-9a-f]{64})|:[\w.-]+)?$/.exec(image ?? "") ?? [];
  if (host === undefined || repository === undefined) return undefined;
  const digest = reference ?? /@(sha256:[0-9a-f]{64})$/.exec(resolvedImage ?? "")?.[1];
  const place = { host, name: repository };
  using registry = isEcr(host) ? undefined : await openRepository(place, client, environment);
  const source: Source = registry === undefined ? ecrSource(client, host, repository, signal) : {
    async manifest(id) {
      const found = await registry.manifest(id, signal);
      return found && { digest: found.digest, text: decode(found.bytes) };
    },
    async configuration(digest) {
      const bytes = await registry.blob(digest, signal);
      return bytes && decode(bytes);
    },
  };
  const [own, tagged] = await Promise.all([
    digest === undefined ? undefined : source.manifest(digest),
    source.manifest(name),
  ]);
  const manifest = own ?? (digest === undefined ? tagged : undefined);
  const configuration = manifest && await readConfiguration(source, manifest.text, host);
  const { architecture, config } = configuration ?? {};
  return {
    repository: `${host}/${repository}`,
    digest,
    isThere: digest === undefined ? tagged !== undefined : own !== undefined,
    tagged: tagged?.digest,
    architecture: architecture === "amd64"
      ? "x86_64"
      : architecture === "arm64"
      ? "arm64"
      : undefined,
    contents: readLabels(config?.Labels ?? {}),
  };
}

async function readConfiguration(
  source: Source,
  manifest: string,
  host: string,
): Promise<z.infer<typeof configurationSchema> | undefined> {
  try {
    const parsed = manifestSchema.safeParse(JSON.parse(manifest));
    // A list of images, say, which others made.
    if (!parsed.success) return undefined;
    const text = await source.configuration(parsed.data.config.digest);
    return text === undefined ? undefined : configurationSchema.parse(JSON.parse(text));
  } catch (cause) {
    if (cause instanceof LlamaError) throw cause;
    throw new LlamaError("protocol", `the registry ${host} has an image that is not JSON`, {
      cause,
    });
  }
}

/** ECR's own API, which needs no login besides the account's. */
function ecrSource(
  client: AwsClient,
  host: string,
  repositoryName: string,
  signal: AbortSignal | undefined,
): Source {
  const repository = { registryId: /^\d{12}(?=\.)/.exec(host)?.[0], repositoryName };
  return {
    async manifest(id) {
      const key = id.startsWith("sha256:") ? { imageDigest: id } : { imageTag: id };
      const found = await findImage(client, repository, key, signal);
      return found && { digest: found.digest, text: found.manifest };
    },
    async configuration(digest) {
      const url = new URL(await blobUrl(client, repository, digest, signal));
      const { caBundle } = await client.location();
      using connections = new Connections(caBundle);
      try {
        const response = await fetch(url, {
          client: await connections.client(url, false),
          ...(signal === undefined ? {} : { signal }),
        });
        const text = await response.text();
        if (response.ok && `sha256:${sha256(new TextEncoder().encode(text))}` === digest) {
          return text;
        }
        throw new Error(`HTTP status ${response.status}`);
      } catch (cause) {
        signal?.throwIfAborted();
        const reason = reasonOf(cause);
        throw new LlamaError("network", `no configuration of an image from ECR: ${reason}`, {
          cause,
        });
      }
    },
  };
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
