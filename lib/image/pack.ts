/**
 * Programs of this machine as an image for Lambda: planned, checked and pushed.
 *
 * @module
 */

import { checkPlan, type CheckVerdict } from "./check.ts";
import {
  imageEnvironment,
  type KnownLayers,
  layersOf,
  type PreparedImage,
  prepareImage,
} from "./image.ts";
import { labelsOf } from "./labels.ts";
import type { Layer } from "./layer.ts";
import { checkMachine, type ImagePlan, planImage, type PlanOptions, runtimePath } from "./plan.ts";
import type { Registry } from "./registry.ts";
import type { LayerName } from "./tree.ts";

/** The runtime's program. Dispose of it when done: it may be a temporary file. */
export interface RuntimeProgram extends AsyncDisposable {
  /** Where it is on this machine. */
  readonly path: string;
  /** The arguments by which it is the runtime; those of a function follow. */
  readonly args: readonly string[];
}

/** Options for {@linkcode pack}. */
export interface PackOptions extends Omit<PlanOptions, "runtime"> {
  /** The runtime's program. */
  readonly runtime: Pick<RuntimeProgram, "path" | "args">;
  /** What the function runs. @default {the first program} */
  readonly command?: readonly string[] | undefined;
  /** A directory for what is temporary. @default {TMPDIR, or /tmp} */
  readonly temporary?: string | undefined;
}

/** How much there is in an image. */
export interface ImageAmounts {
  /** How many programs were named. */
  readonly programs: number;
  /** How many packages are in it. */
  readonly packages: number;
  /** How many files and links are in it besides the runtime's. */
  readonly files: number;
  /** The bytes of these. */
  readonly bytes: number;
  /** The bytes of the runtime, with what it needs of the C library. */
  readonly runtimeBytes: number;
}

/** Programs with all that they need, on their way into an image. */
export class Pack {
  /** What goes into the image, and why. */
  readonly plan: ImagePlan;
  readonly #options: PackOptions;
  readonly #layers: readonly { readonly name: LayerName; readonly layer: Layer }[];

  /**
   * @param plan What goes into the image.
   * @param options The options that it was planned with.
   */
  constructor(plan: ImagePlan, options: PackOptions) {
    this.plan = plan;
    this.#options = options;
    this.#layers = layersOf(plan.entries);
  }

  /** How much there is in the image. */
  get amounts(): ImageAmounts {
    const { programs, packages, entries } = this.plan;
    const own = entries.filter(({ kind, layer }) => kind !== "directory" && layer !== "runtime");
    const sum = (isRuntime: boolean) =>
      entries.reduce(
        (bytes, { layer, size }) => (layer === "runtime") === isRuntime ? bytes + size : bytes,
        0,
      );
    return {
      programs: programs.length,
      packages: packages.length,
      files: own.length,
      bytes: sum(false),
      runtimeBytes: sum(true),
    };
  }

  /**
   * Runs a command in the assembled image, alone and without privileges.
   *
   * @param command The command. @default {the first program with `--version`}
   * @returns What came of it.
   * @throws {LlamaError} `usage`, naming what is missing.
   */
  async check(command?: readonly string[]): Promise<CheckVerdict> {
    const { signal } = this.#options;
    return await checkPlan(this.plan, command, {
      temporary: this.#temporary,
      environment: imageEnvironment,
      signal,
    });
  }

  /**
   * Compresses what a registry lacks of the image.
   *
   * @param registry Where the image goes.
   * @param target The image's tag, the stack that it belongs to, and what is known of layers.
   * @returns The image, to be pushed and disposed of.
   * @throws {LlamaError} As `prepareImage`.
   */
  async prepare(
    registry: Registry,
    { tag, stack, known }: {
      readonly tag: string;
      readonly stack: string;
      readonly known?: KnownLayers | undefined;
    },
  ): Promise<PreparedImage> {
    const { runtime, command = this.#firstProgram, signal } = this.#options;
    return await prepareImage(registry, tag, this.#layers, {
      architecture: this.plan.architecture,
      entryPoint: [runtimePath, ...runtime.args],
      command,
      environment: imageEnvironment,
      labels: labelsOf(this.plan, stack),
    }, { temporary: this.#temporary, known, signal });
  }

  get #firstProgram(): string[] {
    return this.plan.programs.slice(0, 1).map(({ path }) => path);
  }

  get #temporary(): string {
    const { temporary, environment } = this.#options;
    return temporary ?? (environment["TMPDIR"] || "/tmp");
  }
}

/**
 * Finds all that programs of this machine need in an image.
 *
 * @param options The programs, and what goes along.
 * @returns The programs with all that they need.
 * @throws {LlamaError} `usage` if something that was named cannot run in Lambda, or cannot be sent.
 */
export async function pack(options: PackOptions): Promise<Pack> {
  const plan = await planImage({ ...options, runtime: options.runtime.path });
  return new Pack(plan, options);
}

export { checkMachine };
