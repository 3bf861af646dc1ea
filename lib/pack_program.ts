/**
 * Programs of this machine as a container image, for those who use llama as a library.
 *
 * @module
 */

import { ownArchitecture } from "./functions/architecture.ts";
import { findRuntimeProgram } from "./deploy/runtime_program.ts";
import { defaultStackName } from "./deploy/stack_template.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import { LlamaError } from "./errors.ts";
import type { CheckVerdict } from "./image/check.ts";
import type { PushedImage } from "./image/image.ts";
import type { Pack, RuntimeProgram } from "./image/pack.ts";
import type { ImagePlan, ProgramSelection } from "./image/plan.ts";
import type { RegistryCredentials } from "./image/registry.ts";
import { repositoryOf } from "./image/repository.ts";

/** Options for {@linkcode packProgram}. */
export interface PackProgramOptions extends ProgramSelection {
  /** What the image runs, where that is not the first program alone. */
  readonly command?: readonly string[] | undefined;
  /** The compiled runtime, a path. @default {the one that comes with llama} */
  readonly runtime?: string | undefined;
  /** `PATH`, `HOME` and `TMPDIR`, and what says where docker keeps its logins. @default {the process's} */
  readonly environment?: Environment | undefined;
}

/** Options for {@linkcode ProgramImage.push}. */
export interface PushImageOptions {
  /** The registry's login. @default {what `docker login` left} */
  readonly login?: RegistryCredentials | undefined;
  /** The stack that the image's label names. @default {"llama"} */
  readonly stack?: string | undefined;
  /** A file of certificates that are trusted besides Mozilla's. */
  readonly caBundle?: string | undefined;
  /** Told how many bytes of a layer have been sent, of how many. */
  readonly onProgress?: ((layer: string, sent: number, size: number) => void) | undefined;
}

/** Programs with all that they need. Dispose of it: its runtime may have been made for it. */
export class ProgramImage implements AsyncDisposable {
  readonly #pack: Pack;
  readonly #runtime: RuntimeProgram;
  readonly #environment: Environment;
  readonly #signal: AbortSignal | undefined;

  /**
   * See {@linkcode packProgram}.
   *
   * @param pack What goes into the image.
   * @param runtime The runtime.
   * @param options Environment and signal.
   */
  constructor(
    pack: Pack,
    runtime: RuntimeProgram,
    { environment, signal }: {
      readonly environment: Environment;
      readonly signal: AbortSignal | undefined;
    },
  ) {
    this.#pack = pack;
    this.#runtime = runtime;
    this.#environment = environment;
    this.#signal = signal;
  }

  /** What goes into the image: each file with its size and the reason for which it is there. */
  get plan(): ImagePlan {
    return this.#pack.plan;
  }

  /**
   * Runs a command in the assembled image, alone and without privileges.
   *
   * @param command The command. @default {the first program with `--version`}
   * @returns What came of it.
   * @throws {LlamaError} `usage`, naming what is missing.
   */
  check(command?: readonly string[]): Promise<CheckVerdict> {
    return this.#pack.check(command);
  }

  /**
   * Pushes the image: the layers that the registry lacks, and then the manifest.
   *
   * @param image Where to: `HOST/REPOSITORY:TAG`. ECR's login is `AWS` with the password that
   * `aws ecr get-login-password` prints.
   * @param options The login, and progress.
   * @returns What was sent, and the digest by which a function names the image.
   * @throws {LlamaError} `usage` if the name makes no sense, `credentials`, `network` or `service` as
   * the registry, `config` if there is no room for compressed layers.
   */
  async push(image: string, options: PushImageOptions = {}): Promise<PushedImage> {
    const { login, stack = defaultStackName, caBundle, onProgress } = options;
    const [, place, tag] = /^(.+\/.+):([\w][\w.-]{0,127})$/.exec(image) ?? [];
    if (place === undefined || tag === undefined) {
      throw new LlamaError("usage", `${JSON.stringify(image)} is not HOST/REPOSITORY:TAG`);
    }
    const { host, name } = repositoryOf(undefined, place);
    const [{ Registry }, { dockerLogin }] = await Promise.all([
      import("./image/registry.ts"),
      import("./image/docker_login.ts"),
    ]);
    using registry = new Registry(host, name, {
      caBundle,
      login: async () => login ?? await dockerLogin(host, this.#environment),
    });
    using prepared = await this.#pack.prepare(registry, { tag, stack });
    return await prepared.push({ onProgress, signal: this.#signal });
  }

  /** Removes the runtime if it was made for this image. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#runtime[Symbol.asyncDispose]();
  }
}

/**
 * Finds all that programs of this machine need in a container image for Lambda. Linux only.
 *
 * @param options The programs, and what goes along.
 * @returns The image: what goes into it and why; to be checked, pushed and disposed of.
 * @throws {LlamaError} `usage` if something that was named cannot run in Lambda, or cannot be sent;
 * `config` if there is no runtime.
 *
 * @example What optipng needs
 * ```ts ignore
 * import { packProgram } from "./mod.ts";
 *
 * await using image = await packProgram({ programs: ["optipng"] });
 * for (const { path, reason } of image.plan.entries) console.log(path, reason);
 * const { digest } = await image.push("registry.example.com/llama:optipng");
 * ```
 */
export async function packProgram(options: PackProgramOptions): Promise<ProgramImage> {
  const { environment = readEnvironment(), runtime: named, signal } = options;
  // Loaded on demand: most users of the library do not build images.
  const { checkMachine, pack } = await import("./image/pack.ts");
  const { architecture = ownArchitecture } = options;
  checkMachine(architecture);
  const never = new AbortController().signal;
  const runtime = await findRuntimeProgram(architecture, { named, signal: signal ?? never });
  try {
    const packed = await pack({ ...options, architecture, environment, runtime });
    return new ProgramImage(packed, runtime, { environment, signal });
  } catch (error) {
    await runtime[Symbol.asyncDispose]();
    throw error;
  }
}
