/**
 * Builds container images and pushes them to ECR.
 *
 * @module
 */

import type { ImageKind, RegistryLogin } from "../aws/api/ecr.ts";
import type { Architecture } from "../functions/architecture.ts";
import type { Environment } from "../environment.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import * as z from "../zod.ts";
import { checkImagePrograms } from "./image_program.ts";

/** A program that builds and pushes images: docker, or a compatible one. */
export interface ContainerTool {
  /** The program, a name on `PATH` or a path. */
  readonly program: string;
  /** Its environment. */
  readonly environment: Environment;
  /** Called with its output as it arrives. */
  readonly onOutput: (output: Uint8Array) => void;
  /** Aborts the work. */
  readonly signal?: AbortSignal | undefined;
}

/** The tools' names for the architectures. */
const platforms: Readonly<Record<Architecture, string>> = {
  x86_64: "linux/amd64",
  arm64: "linux/arm64",
};

/**
 * Builds an image from a folder with a `Dockerfile`.
 *
 * @param tool Builds it.
 * @param folder The folder.
 * @param image The image's name: `HOST/REPOSITORY:TAG`.
 * @param architecture The target architecture.
 * @param command The function's own command, which replaces the image's.
 * @throws {LlamaError} `input` if the folder has no Dockerfile, `config` if the tool cannot be run or
 * the image would start a program for another architecture, `service` if the tool fails.
 */
export async function buildImage(
  tool: ContainerTool,
  folder: string,
  image: string,
  architecture: Architecture,
  command: readonly string[] = [],
): Promise<void> {
  try {
    await Deno.stat(`${folder}/Dockerfile`);
  } catch (cause) {
    throw new LlamaError(
      "input",
      `cannot build an image from ${folder}: Dockerfile: ${reasonOf(cause)}`,
      {
        cause,
        hint: "use -build for a folder with a Dockerfile, -zip for a folder with a handler",
      },
    );
  }
  await checkImagePrograms(folder, architecture, command);
  const args = ["build", "--platform", platforms[architecture], "-t", image, folder];
  await runTool(tool, args, `building ${folder}`);
}

/**
 * Pushes an image to its registry.
 *
 * @param tool Pushes it.
 * @param image `HOST/REPOSITORY:TAG`.
 * @param login The registry's login; undefined if the tool has its own.
 * @throws {LlamaError} `config` if the tool cannot be run, `service` if it fails.
 */
export async function pushImage(
  tool: ContainerTool,
  image: string,
  login: RegistryLogin | undefined,
): Promise<void> {
  if (login !== undefined) {
    const [host = ""] = image.split("/");
    const args = ["login", "--username", login.user, "--password-stdin", host];
    await runTool(tool, args, `logging in to ${host}`, login.password);
  }
  await runTool(tool, ["push", image], `pushing ${image}`);
}

/**
 * Returns the architecture that an image was built for. With `FROM --platform`, or a local base
 * image, it may differ from the requested one.
 *
 * @param tool Has the image.
 * @param image `HOST/REPOSITORY:TAG`.
 * @returns The architecture as Go names it; undefined if the tool does not report it.
 */
export async function builtArchitecture(
  { program, environment, signal }: ContainerTool,
  image: string,
): Promise<string | undefined> {
  const { success, stdout } = await new Deno.Command(program, {
    args: ["inspect", "--type", "image", image],
    env: defined(environment),
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "null",
    ...(signal ? { signal } : {}),
  }).output();
  signal?.throwIfAborted();
  if (!success) return undefined;
  return architectureIn(new TextDecoder().decode(stdout));
}

const inspected = z.union([
  // The output of docker, podman and nerdctl, and of buildah.
  z.array(z.object({ Architecture: z.string() })),
  z.object({ OCIv1: z.object({ architecture: z.string() }) }),
]);

function architectureIn(json: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  const found = inspected.safeParse(value).data;
  return found && ("OCIv1" in found ? found.OCIv1.architecture : found[0]?.Architecture);
}

/**
 * Checks that an image is built for the function's architecture.
 *
 * @param image The image.
 * @param kind The image's platform, if known.
 * @param architecture The function's architecture.
 * @throws {LlamaError} `config` if it is for another one, or for several.
 */
export function checkArchitecture(
  image: string,
  kind: ImageKind | undefined,
  architecture: Architecture,
): void {
  if (kind?.isList) {
    throw new LlamaError("config", `${image} is a list of images, which Lambda does not support`, {
      hint: "build it for one platform and without attestations: --provenance=false",
    });
  }
  const made = kind?.architecture === "amd64" ? "x86_64" : kind?.architecture;
  if (made === undefined || made === architecture) return;
  throw new LlamaError(
    "config",
    `the image ${image} is built for ${made}, and the function for ${architecture}`,
    {
      hint: made === "arm64" || made === "x86_64"
        ? `add -arch ${made}, or build the image with --platform ${platforms[architecture]}`
        : `build the image with --platform ${platforms[architecture]}`,
    },
  );
}

async function runTool(
  { program, environment, onOutput, signal }: ContainerTool,
  args: readonly string[],
  what: string,
  input = "",
): Promise<void> {
  signal?.throwIfAborted();
  let child;
  try {
    child = new Deno.Command(program, {
      args: [...args],
      // Attestations turn an image into a list of images, which Lambda does not support:
      // https://docs.docker.com/build/metadata/attestations/
      env: { BUILDX_NO_DEFAULT_ATTESTATIONS: "1", ...defined(environment) },
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      ...(signal ? { signal } : {}),
    }).spawn();
  } catch (cause) {
    throw new LlamaError("config", `${what}: cannot run ${program}: ${reasonOf(cause)}`, {
      cause,
      hint: "install Docker, or use another tool: -container-tool podman",
    });
  }
  const write = async (stream: ReadableStream<Uint8Array>) => {
    for await (const chunk of stream) onOutput(chunk);
  };
  const feed = async (stdin: WritableStream<Uint8Array>) => {
    const writer = stdin.getWriter();
    try {
      await writer.write(new TextEncoder().encode(input));
      await writer.close();
    } catch (error) {
      // A tool that exits without reading its input reports the reason itself.
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    }
  };
  const [status] = await Promise.all([
    child.status,
    feed(child.stdin),
    write(child.stdout),
    write(child.stderr),
  ]);
  signal?.throwIfAborted();
  if (status.success) return;
  throw new LlamaError(
    "service",
    `${what}: ${program} ${args[0]} exited with status ${status.code}`,
    {
      hint: `see the output of ${program} above`,
    },
  );
}

function defined(environment: Environment): Record<string, string> {
  const entries = Object.entries(environment);
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
