/**
 * Images: from a plan to what a registry holds.
 *
 * @module
 */

import type { Architecture } from "../aws/lambda_function.ts";
import { sha256 } from "../hash.ts";
import { Layer } from "./layer.ts";
import type { Registry } from "./registry.ts";
import type { ImageEntry, LayerName } from "./tree.ts";

/**
 * The environment of programs in an image. `HOME` is the one place that can be written to, and where
 * fontconfig, for one, keeps its cache: one that was made elsewhere is not valid, since it holds the
 * times of directories to the nanosecond.
 */
export const imageEnvironment: Readonly<Record<string, string>> = {
  HOME: "/tmp",
  LANG: "C.UTF-8",
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
};

/** How an image is started, and what is written on it. */
export interface ImageSettings {
  /** The processor that it is for. */
  readonly architecture: Architecture;
  /** What Lambda starts. */
  readonly entryPoint: readonly string[];
  /** The command that the runtime runs. */
  readonly command: readonly string[];
  /** Environment variables. */
  readonly environment: Readonly<Record<string, string>>;
  /** Labels. */
  readonly labels: Readonly<Record<string, string>>;
}

/** What pushing an image reports. */
export interface PushOptions {
  /** A directory for layers while they are sent. */
  readonly temporary: string;
  /** What is known of layers by the digest of their tar files; what is learned is added. */
  readonly known?: KnownLayers | undefined;
  /** Told how many bytes of a layer have been sent, of how many. */
  readonly onProgress?: ((layer: LayerName, sent: number, size: number) => void) | undefined;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
}

/** A layer as a registry holds it. */
export interface StoredLayer {
  /** The digest of its compressed bytes. */
  readonly digest: string;
  /** The size of its compressed bytes. */
  readonly size: number;
}

/** What compressed layers there are, by the digests of their tar files. */
export interface KnownLayers {
  /** Returns a layer that was compressed before. */
  get(diffId: string): StoredLayer | undefined;
  /** Remembers a layer. */
  set(diffId: string, layer: StoredLayer): void;
}

/** An image that a registry has. */
export interface PushedImage {
  /** The digest of its manifest. */
  readonly digest: string;
  /** How many blobs were sent, and not there before. */
  readonly blobsSent: number;
  /** The bytes of those. */
  readonly bytesSent: number;
  /** Whether the tag named this very image before. */
  readonly isUnchanged: boolean;
}

/**
 * Docker's second schema, which Lambda has taken since it takes images.
 * https://distribution.github.io/distribution/spec/manifest-v2-2/
 */
const types = {
  manifest: "application/vnd.docker.distribution.manifest.v2+json",
  config: "application/vnd.docker.container.image.v1+json",
  layer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
} as const;

/** What changes least comes first, so that functions share it. */
const order: readonly LayerName[] = ["runtime", "packages", "programs"];

/**
 * Divides entries into layers.
 *
 * @param entries The entries of an image.
 * @returns The layers that have any, in the order in which they are applied.
 */
export function layersOf(entries: readonly ImageEntry[]): { name: LayerName; layer: Layer }[] {
  return order.flatMap((name) => {
    const own = entries.filter(({ layer }) => layer === name);
    return own.length === 0 ? [] : [{ name, layer: new Layer(own) }];
  });
}

/**
 * Writes an image's configuration.
 *
 * @param settings How it is started.
 * @param diffIds The digests of its layers' tar files.
 * @returns JSON, the same for the same image.
 */
export function configurationOf(
  settings: ImageSettings,
  diffIds: readonly string[],
): Uint8Array<ArrayBuffer> {
  const { architecture, entryPoint, command, environment, labels } = settings;
  return encode({
    architecture: architecture === "arm64" ? "arm64" : "amd64",
    os: "linux",
    created: new Date(0).toISOString(),
    config: {
      Entrypoint: entryPoint,
      Cmd: command,
      Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`).sort(),
      Labels: Object.fromEntries(Object.entries(labels).sort(([a], [b]) => a < b ? -1 : 1)),
      WorkingDir: "/",
    },
    rootfs: { type: "layers", diff_ids: diffIds },
    history: diffIds.map(() => ({ created: new Date(0).toISOString(), created_by: "llama" })),
  });
}

/**
 * Pushes an image: the blobs that the registry lacks, and then the manifest.
 *
 * @param registry Where to.
 * @param tag The image's tag.
 * @param layers Its layers.
 * @param settings How it is started.
 * @param options Progress, and what is known of layers.
 * @returns What the registry has now.
 * @throws {LlamaError} `input` if a file cannot be read, `credentials`, `network` or `service` as the
 * registry.
 */
export async function pushImage(
  registry: Registry,
  tag: string,
  layers: readonly { readonly name: LayerName; readonly layer: Layer }[],
  settings: ImageSettings,
  options: PushOptions,
): Promise<PushedImage> {
  const { signal } = options;
  const sent = { blobs: 0, bytes: 0 };
  const stored: StoredLayer[] = [];
  const diffIds: string[] = [];
  for (const { name, layer } of layers) {
    diffIds.push(await layer.diffId(signal));
    stored.push(await pushLayer(registry, name, layer, options, sent));
  }
  const config = configurationOf(settings, diffIds);
  const configDigest = `sha256:${sha256(config)}`;
  if (!await registry.hasBlob(configDigest, signal)) {
    await registry.uploadBlob({
      digest: configDigest,
      size: config.length,
      read: (start, end) => Promise.resolve(config.slice(start, end)),
    }, signal);
    sent.blobs++;
    sent.bytes += config.length;
  }
  const manifest = encode({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: { mediaType: types.config, size: config.length, digest: configDigest },
    layers: stored.map(({ digest, size }) => ({ mediaType: types.layer, size, digest })),
  });
  const digest = `sha256:${sha256(manifest)}`;
  const before = await registry.manifest(tag, signal);
  const isUnchanged = before?.digest === digest;
  if (!isUnchanged) await registry.putManifest(tag, types.manifest, manifest, signal);
  return { digest, blobsSent: sent.blobs, bytesSent: sent.bytes, isUnchanged };
}

async function pushLayer(
  registry: Registry,
  name: LayerName,
  layer: Layer,
  { temporary, known, onProgress, signal }: PushOptions,
  sent: { blobs: number; bytes: number },
): Promise<StoredLayer> {
  const diffId = await layer.diffId(signal);
  const before = known?.get(diffId);
  // The registry decides: images are removed there too.
  if (before !== undefined && await registry.hasBlob(before.digest, signal)) return before;
  using compressed = await layer.compress(temporary, signal);
  const { digest, size } = compressed;
  if (!await registry.hasBlob(digest, signal)) {
    await registry.uploadBlob({
      ...{ digest, size, read: compressed.read },
      onProgress: (bytes) => onProgress?.(name, bytes, size),
    }, signal);
    sent.blobs++;
    sent.bytes += size;
  }
  known?.set(diffId, { digest, size });
  return { digest, size };
}

function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}
