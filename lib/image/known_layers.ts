/**
 * A note of layers that were compressed before, so that a second run compresses nothing.
 *
 * @module
 */

import { join } from "node:path";
import type { Environment } from "../environment.ts";
import { writeWhole } from "../files/whole.ts";
import { noteDirectory } from "../store/known_objects.ts";
import type { KnownLayers, StoredLayer } from "./image.ts";

/** How many layers are remembered at most. */
const most = 1000;

/** The most that is read of a note, in bytes: ours are smaller. */
const mostBytes = 1024 * 1024;

const heading = "llama's note of compressed layers";

/** Layers that this and earlier processes compressed. What cannot be read or written is forgotten. */
export class LayerNote implements KnownLayers {
  readonly #path: string | undefined;
  readonly #layers: Map<string, StoredLayer>;
  #isChanged = false;

  /** @param environment Says where notes are kept. */
  constructor(environment: Environment) {
    const directory = noteDirectory(environment);
    this.#path = directory === undefined ? undefined : join(directory, "layers");
    this.#layers = this.#path === undefined ? new Map() : readNote(this.#path);
  }

  /** See {@linkcode KnownLayers}. */
  get(diffId: string): StoredLayer | undefined {
    return this.#layers.get(diffId);
  }

  /** See {@linkcode KnownLayers}. */
  set(diffId: string, layer: StoredLayer): void {
    this.#layers.delete(diffId);
    this.#layers.set(diffId, layer);
    this.#isChanged = true;
  }

  /** Writes the note, with what other processes have written meanwhile; it appears whole. */
  async save(): Promise<void> {
    if (this.#path === undefined || !this.#isChanged) return;
    const all = new Map([...readNote(this.#path), ...this.#layers]);
    const lines = [...all].slice(-most).map(([diffId, { digest, size }]) =>
      `${diffId} ${digest} ${size}\n`
    );
    try {
      await Deno.mkdir(join(this.#path, ".."), { recursive: true, mode: 0o700 });
      await writeWhole(
        this.#path,
        (temporary) => Deno.writeTextFile(temporary, `${heading}\n${lines.join("")}`),
        0o600,
      );
      this.#isChanged = false;
    } catch (error) {
      // It only saves time. What is not the file system's doing is a defect.
      if (!(error instanceof Error) || !("code" in error)) throw error;
    }
  }
}

/** Empty if there is none, or others may have written it. */
function readNote(path: string): Map<string, StoredLayer> {
  const layers = new Map<string, StoredLayer>();
  let text: string;
  try {
    const { isFile, size, uid, mode } = Deno.lstatSync(path);
    const isOwn = uid === Deno.uid() && ((mode ?? 0) & 0o022) === 0;
    if (!isFile || !isOwn || size > mostBytes) return layers;
    text = Deno.readTextFileSync(path);
  } catch {
    // Then nothing is known.
    return layers;
  }
  const [first, ...lines] = text.split("\n");
  if (first !== heading) return layers;
  for (const line of lines) {
    const [, diffId, digest, size] =
      /^(sha256:[0-9a-f]{64}) (sha256:[0-9a-f]{64}) (\d{1,15})$/.exec(line) ?? [];
    if (diffId !== undefined && digest !== undefined) {
      layers.set(diffId, { digest, size: Number(size) });
    }
  }
  return layers;
}
