/**
 * Runs llama from source against a Lambda stub that responds immediately.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readEnvironment } from "../../lib/environment.ts";
import { quote, root, Shell } from "../shell.ts";
import type { BenchContext } from "./figure.ts";
import { type Usage, usageVariable } from "./usage.ts";

/** Starts the stub, over TLS if there is a certificate. */
export async function startEndpoint(
  certificate?: { readonly cert: string; readonly key: string },
): Promise<{ port: number } & AsyncDisposable> {
  const script = fileURLToPath(new URL("./stub_endpoint.ts", import.meta.url));
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--allow-net", "--allow-read", "--quiet", script],
      ...(certificate ? [certificate.cert, certificate.key] : []),
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const port = Number(new TextDecoder().decode(value).trim());
  return {
    port,
    async [Symbol.asyncDispose]() {
      await child.stdin.close();
      await reader.cancel();
      await child.status;
    },
  };
}

/**
 * Returns the environment variables with which llama uses the stub.
 *
 * @param port The port of the stub.
 * @returns The variables.
 */
export function stubEnvironment(port: number) {
  return {
    AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${port}`,
    AWS_REGION: "us-west-2",
    AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "example",
  };
}

/**
 * Writes lines of input.
 *
 * @param path The file.
 * @param count The number of lines.
 */
export async function writeLines(path: string, count: number): Promise<void> {
  const lines = Array.from({ length: count }, (_, index) => `picture-${index}.png\n`);
  await Deno.writeTextFile(path, lines.join(""));
}

/**
 * Returns a shell command line that runs llama from source and records its resource usage.
 *
 * @param args Its arguments.
 * @returns The command line.
 */
export function fromSource(args: readonly string[]): string {
  return [
    ...[Deno.execPath(), "run", "--allow-all", "--quiet"],
    ...["--preload", join(root, "scripts/bench/usage.ts"), join(root, "cli.ts")],
    ...args,
  ].map(quote).join(" ");
}

/** Runs of llama from source against a stub, in a directory. */
export class StubRuns implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly #shell: Shell;
  readonly #directory: string;

  private constructor(stack: AsyncDisposableStack, shell: Shell, directory: string) {
    this.#stack = stack;
    this.#shell = shell;
    this.#directory = directory;
  }

  /**
   * Starts the stub.
   *
   * @param context The directory for the files of the runs, and a signal.
   * @param variables Additional environment variables.
   * @param proxy Starts a proxy before the stub's port. @default {none}
   * @returns The runs.
   */
  static async open(
    { directory, signal }: Pick<BenchContext, "directory" | "signal">,
    variables: Record<string, string> = {},
    proxy?: (port: number) => Promise<{ port: number } & AsyncDisposable>,
  ): Promise<StubRuns> {
    await using stack = new AsyncDisposableStack();
    const endpoint = stack.use(await startEndpoint());
    const { port } = proxy ? stack.use(await proxy(endpoint.port)) : endpoint;
    const shell = stack.use(
      await Shell.open({
        environment: readEnvironment(),
        variables: {
          ...stubEnvironment(port),
          ...variables,
          [usageVariable]: join(directory, "usage.json"),
        },
        signal,
      }),
    );
    return new StubRuns(stack.move(), shell, directory);
  }

  /** Writes `count` lines to the file `lines`. */
  async writeLines(count: number): Promise<void> {
    await writeLines(join(this.#directory, "lines"), count);
  }

  /**
   * Runs a command line from {@linkcode fromSource}.
   *
   * @param command The command line, with redirections.
   * @returns The resources that llama used, and the elapsed time.
   * @throws {Error} If it fails.
   */
  async run(command: string): Promise<Usage & { elapsedMilliseconds: number }> {
    const directory = this.#directory;
    const options = { cwd: directory, log: "log" };
    const { status, elapsedMilliseconds } = await this.#shell.run(command, options);
    if (status !== 0) throw new Error(`exit status ${status}; see ${directory}/log`);
    const usage: Usage = JSON.parse(await Deno.readTextFile(join(directory, "usage.json")));
    return { ...usage, elapsedMilliseconds };
  }

  /** Stops the stub. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
