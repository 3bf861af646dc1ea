/**
 * Container images: built, and pushed to the registry that Lambda takes them from.
 *
 * @module
 */

import type { RegistryLogin } from "../aws/ecr.ts";
import type { Architecture } from "../aws/lambda_function.ts";
import type { Environment } from "../environment.ts";
import { LlamaError, reasonOf } from "../errors.ts";

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
 * @throws {LlamaError} `input` if the folder has no Dockerfile, `config` if the tool is not there,
 * `service` if it fails.
 */
export async function buildImage(
  tool: ContainerTool,
  folder: string,
  image: string,
  architecture: Architecture,
): Promise<void> {
  try {
    await Deno.stat(`${folder}/Dockerfile`);
  } catch (cause) {
    throw new LlamaError("input", `no image in ${folder}: Dockerfile: ${reasonOf(cause)}`, {
      cause,
      hint: "-build takes a folder with a Dockerfile, -zip one with a handler",
    });
  }
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
