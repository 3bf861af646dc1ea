/**
 * The original's programs, and the server for comparisons.
 *
 * @module
 */

import { join } from "node:path";
import type { Environment } from "../../lib/environment.ts";

/** The server's counts since the last reset. */
export interface PeerStats {
  /** Requests by kind, such as `s3.PUT` and `lambda.invoke`. */
  readonly requests: Readonly<Record<string, number>>;
  /** Connections opened. */
  readonly connections_opened: number;
  /** Runtimes started. */
  readonly environments: {
    readonly list: readonly { readonly VmHWM_kB?: number; readonly VmRSS_kB?: number }[];
    readonly exec_to_first_next_ms?: { readonly p50: number } | null;
    readonly next_to_response_ms?: { readonly p50: number } | null;
  };
}

const server = "http://127.0.0.1:9900";

/**
 * The programs, the server, and the AWS host names in /etc/hosts that resolve to it. Dispose of it
 * when done, which removes the names.
 */
export class Peers implements AsyncDisposable {
  /** The complete environment for the clients. */
  readonly environment: Readonly<Record<string, string>>;
  /** The directory of the programs and of the server's files. */
  readonly home: string;
  readonly #folder: string;

  private constructor(folder: string, environment: Record<string, string>) {
    this.#folder = folder;
    this.environment = environment;
    this.home = environment["PEERS"] ?? "";
  }

  /**
   * Unpacks and builds missing programs, and points AWS host names to this machine.
   *
   * @param folder The folder with the programs and their scripts.
   * @param environment The environment variables; those of llama and AWS are dropped.
   * @returns The peers; the server is not started yet.
   * @throws {Error} If the folder does not exist, or one of its scripts fails.
   */
  static async open(folder: string, environment: Environment): Promise<Peers> {
    const setup = join(folder, "setup.sh");
    if (!await isFile(setup)) {
      throw new Error(
        `${setup} does not exist: name the folder with the original's programs ` +
          "(deno task bench:peer FOLDER)",
      );
    }
    const kept = Object.entries(environment).filter((entry): entry is [string, string] =>
      entry[1] !== undefined && !/^(LLAMA|AWS)_/.test(entry[0])
    );
    const before = Object.fromEntries(kept);
    await script(setup, [], before);
    const settings = await script("-c", ['. "$0"; env -0', join(folder, "env.sh")], before);
    const variables = settings.split("\0").filter((line) => line.includes("="));
    const peers = new Peers(
      folder,
      Object.fromEntries(variables.map((line): [string, string] => {
        const at = line.indexOf("=");
        return [line.slice(0, at), line.slice(at + 1)];
      })),
    );
    await peers.#run("peers-on.sh");
    return peers;
  }

  /** Returns the path of one of the programs. */
  program(name: string): string {
    return join(this.home, "bin", name);
  }

  /**
   * Restarts the server with an empty store.
   *
   * @param runtime The runtime for its functions.
   */
  async serve(runtime: string): Promise<void> {
    const functions = join(this.home, "functions-bench.json");
    await Deno.writeTextFile(functions, await this.#run("functions.sh", runtime));
    await this.#run("start.sh", functions);
  }

  /** Resets objects, counts and warm runtimes. */
  async reset(): Promise<void> {
    await ask("/__reset");
  }

  /** Adds latency to each request, in milliseconds. */
  async delay(milliseconds: number): Promise<void> {
    await ask(`/__faults?rate=0&latency=${milliseconds}`);
  }

  /**
   * Returns the counts.
   *
   * @param reset Whether to reset them; objects and runtimes remain.
   */
  async stats(reset = false): Promise<PeerStats> {
    return JSON.parse(await ask(reset ? "/__stats?reset=1" : "/__stats"));
  }

  /** Invokes a function without a signature, and returns its response. */
  async invoke(functionName: string, payload: string): Promise<string> {
    return await ask(`/2015-03-31/functions/${functionName}/invocations`, payload);
  }

  /** Stops the server and removes the host names. */
  async [Symbol.asyncDispose](): Promise<void> {
    // The original leaves a daemon running, which would exit only after ten minutes.
    await script("-c", ['"$0" daemon -shutdown || true', this.program("llama-head")], {
      ...this.environment,
    });
    await this.#run("stop.sh");
    await this.#run("peers-off.sh");
  }

  #run(name: string, ...args: string[]): Promise<string> {
    return script(join(this.#folder, name), args, this.environment);
  }
}

async function ask(path: string, body?: string): Promise<string> {
  const response = await fetch(server + path, body === undefined ? {} : { method: "POST", body });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: status ${response.status}: ${text}`);
  return text;
}

async function script(
  path: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("bash", {
    args: [path, ...args],
    env: environment,
    clearEnv: true,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${path} failed: ${decoder.decode(stderr).trim().slice(-500)}`);
  return decoder.decode(stdout);
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
