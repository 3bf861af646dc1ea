/**
 * Container images: built, and pushed to the registry that Lambda takes them from.
 *
 * @module
 */

import type { ImageKind, RegistryLogin } from "../aws/ecr.ts";
import type { Architecture } from "../aws/lambda_function.ts";
import type { Environment } from "../environment.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import * as z from "../zod.ts";
import { checkImagePrograms } from "./image_program.ts";

/** A program that builds and pushes images: docker, or another with the same commands. */
export interface ContainerTool {
  /** The program, a name on `PATH` or a path. */
  readonly program: string;
  /** The environment that it gets. */
  readonly environment: Environment;
  /** Gets what it writes, as it comes. */
  readonly onOutput: (output: Uint8Array) => void;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
}

/** What the tools call the processors. */
const platforms: Readonly<Record<Architecture, string>> = {
  x86_64: "linux/amd64",
  arm64: "linux/arm64",
};

/**
 * Builds an image from a folder with a `Dockerfile`.
 *
 * @param tool Builds it.
 * @param folder The folder.
 * @param image What to call it: `HOST/REPOSITORY:TAG`.
 * @param architecture The processor that it is for.
 * @param command The function's own command, in place of the image's.
 * @throws {LlamaError} `input` if the folder has no Dockerfile, `config` if the tool is not there or
 * the image would start a program for another processor, `service` if the tool fails.
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
    throw new LlamaError("input", `no image in ${folder}: Dockerfile: ${reasonOf(cause)}`, {
      cause,
      hint: "-build takes a folder with a Dockerfile, -zip one with a handler",
    });
  }
  await checkImagePrograms(folder, architecture, command);
  const args = ["build", "--platform", platforms[architecture], "-t", image, folder];
  await runTool(tool, args, `building ${folder}`);
}

/**
 * Pushes an image to its registry.
 *
 * @param tool Pushes it.
 * @param image `HOST/REPOSITORY:TAG`, as it was built.
 * @param login The registry's login; undefined if the tool has one of its own.
 * @throws {LlamaError} `config` if the tool is not there, `service` if it fails.
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
 * @param image `HOST/REPOSITORY:TAG`, as it was built.
 * @returns The architecture as Go names it; undefined if the tool does not say.
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
  // The form of docker, podman and nerdctl, and that of buildah.
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
 * @param kind The image's platform, where it is known.
 * @param architecture The function's processor.
 * @throws {LlamaError} `config` if it is for another one, or for several.
 */
export function checkArchitecture(
  image: string,
  kind: ImageKind | undefined,
  architecture: Architecture,
): void {
  if (kind?.isList) {
    throw new LlamaError("config", `${image} is a list of images, which Lambda does not take`, {
      hint: "build it for one platform and without attestations: --provenance=false",
    });
  }
  const made = kind?.architecture === "amd64" ? "x86_64" : kind?.architecture;
  if (made === undefined || made === architecture) return;
  throw new LlamaError(
    "config",
    `the image ${image} is made for ${made}, and the function for ${architecture}`,
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
      // With attestations an image is a list of images, which Lambda does not take:
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
      hint: "install Docker, or name another tool: -container-tool podman",
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
      // One that ends without reading says why in its own words.
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
    `${what}: ${program} ${args[0]} ended with status ${status.code}`,
    {
      hint: "its own words are above",
    },
  );
}

function defined(environment: Environment): Record<string, string> {
  const entries = Object.entries(environment);
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
