/**
 * Images: from a plan to what a registry holds.
 *
 * @module
 */

import type { Architecture } from "../functions/architecture.ts";
import { sha256 } from "../files/hash.ts";
import { type CompressedLayer, Layer } from "./layer.ts";
import type { BlobUpload, Registry } from "./registry.ts";
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

/** Options for {@linkcode prepareImage}. */
export interface PrepareOptions {
  /** A directory for layers until they are sent. */
  readonly temporary: string;
  /** What is known of layers by the digest of their tar files; what is learned is added. */
  readonly known?: KnownLayers | undefined;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
}

/** Options for {@linkcode PreparedImage.push}. */
export interface SendOptions {
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

/** An image that is ready to be sent: what the registry lacks is compressed. Dispose of it. */
export class PreparedImage implements Disposable {
  /** The digest of its manifest, by which a function names it. */
  readonly digest: string;
  /** The bytes that are to be sent, by layer. */
  readonly bytesToSend: ReadonlyMap<LayerName, number>;
  /** Whether the tag names this very image already. */
  readonly isThere: boolean;
  readonly #parts: ImageParts;
  readonly #manifest: Uint8Array<ArrayBuffer>;

  /**
   * @param parts What it is made of.
   * @param manifest Its manifest.
   * @param isThere Whether the tag names it already.
   */
  constructor(parts: ImageParts, manifest: Uint8Array<ArrayBuffer>, isThere: boolean) {
    this.digest = digestOf(manifest);
    this.isThere = isThere;
    this.bytesToSend = new Map(parts.layers.map(({ name, compressed }) => [
      name,
      compressed?.size ?? 0,
    ]));
    this.#parts = parts;
    this.#manifest = manifest;
  }

  /** Closes the compressed layers. */
  [Symbol.dispose](): void {
    close(this.#parts.layers);
  }

  /**
   * Sends what the registry lacks: blobs, and then the manifest.
   *
   * @param options Progress, and a signal.
   * @returns What was sent.
   * @throws {LlamaError} `credentials`, `network` or `service` as the registry.
   */
  async push({ onProgress, signal }: SendOptions = {}): Promise<PushedImage> {
    const { registry, tag, layers, config } = this.#parts;
    const sent = { blobs: 0, bytes: 0 };
    const send = async (blob: BlobUpload) => {
      await registry.uploadBlob(blob, signal);
      sent.blobs++;
      sent.bytes += blob.size;
    };
    for (const { name, compressed } of layers) {
      if (compressed === undefined) continue;
      const { digest, size, read } = compressed;
      const report = (bytes: number) => onProgress?.(name, bytes, size);
      await send({ digest, size, read, onProgress: report });
    }
    if (!this.isThere) {
      const digest = digestOf(config);
      if (!await registry.hasBlob(digest, signal)) {
        const read = (start: number, end: number) => Promise.resolve(config.slice(start, end));
        await send({ digest, size: config.length, read });
      }
      await registry.putManifest(tag, types.manifest, this.#manifest, signal);
    }
    return { digest: this.digest, blobsSent: sent.blobs, bytesSent: sent.bytes };
  }
}

/** What an image is made of. */
interface ImageParts {
  readonly registry: Registry;
  readonly tag: string;
  readonly layers: readonly PreparedLayer[];
  readonly config: Uint8Array<ArrayBuffer>;
}

/** A layer, compressed if the registry lacks it. */
interface PreparedLayer {
  readonly name: LayerName;
  readonly stored: StoredLayer;
  readonly compressed: CompressedLayer | undefined;
}

/**
 * Compresses what a registry lacks of an image.
 *
 * @param registry Where the image goes.
 * @param tag The image's tag.
 * @param layers Its layers.
 * @param settings How it is started.
 * @param options Where layers are kept until they are sent, and what is known of them.
 * @returns The image, to be pushed and disposed of.
 * @throws {LlamaError} `input` if a file cannot be read, `config` if there is no room for the layers;
 * `credentials`, `network` or `service` as the registry.
 */
export async function prepareImage(
  registry: Registry,
  tag: string,
  layers: readonly { readonly name: LayerName; readonly layer: Layer }[],
  settings: ImageSettings,
  options: PrepareOptions,
): Promise<PreparedImage> {
  const prepared: PreparedLayer[] = [];
  const diffIds: string[] = [];
  try {
    for (const { name, layer } of layers) {
      diffIds.push(await layer.diffId(options.signal));
      prepared.push(await prepareLayer(registry, name, layer, options));
    }
    const config = configurationOf(settings, diffIds);
    const manifest = encode({
      schemaVersion: 2,
      mediaType: types.manifest,
      config: { mediaType: types.config, size: config.length, digest: digestOf(config) },
      layers: prepared.map(({ stored: { digest, size } }) => ({
        mediaType: types.layer,
        size,
        digest,
      })),
    });
    const before = await registry.manifest(tag, options.signal);
    const parts = { registry, tag, layers: prepared, config };
    return new PreparedImage(parts, manifest, before?.digest === digestOf(manifest));
  } catch (error) {
    close(prepared);
    throw error;
  }
}

async function prepareLayer(
  registry: Registry,
  name: LayerName,
  layer: Layer,
  { temporary, known, signal }: PrepareOptions,
): Promise<PreparedLayer> {
  const diffId = await layer.diffId(signal);
  const before = known?.get(diffId);
  // The registry decides: images are removed there too.
  if (before !== undefined && await registry.hasBlob(before.digest, signal)) {
    return { name, stored: before, compressed: undefined };
  }
  const compressed = await layer.compress(temporary, signal);
  try {
    const { digest, size } = compressed;
    const stored = { digest, size };
    known?.set(diffId, stored);
    if (!await registry.hasBlob(digest, signal)) return { name, stored, compressed };
  } catch (error) {
    compressed[Symbol.dispose]();
    throw error;
  }
  compressed[Symbol.dispose]();
  return {
    name,
    stored: { digest: compressed.digest, size: compressed.size },
    compressed: undefined,
  };
}

function close(layers: readonly PreparedLayer[]): void {
  for (const { compressed } of layers) compressed?.[Symbol.dispose]();
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${sha256(bytes)}`;
}

function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}
