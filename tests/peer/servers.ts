/**
 * Servers that others wrote, or that were written to be unlike ours, for the tests in this folder.
 * `LLAMA_TEST_PEERS` names the directory with their programs, in `bin/`.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { readEnvironment } from "../../lib/environment.ts";
import { hostVariables } from "../../lib/local/variables.ts";
import { until } from "../helpers.ts";

const directory = Deno.env.get("LLAMA_TEST_PEERS") ?? "";

/** The keys that the servers know, and their region. */
export const keys = {
  AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
  AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  AWS_REGION: "us-west-2",
};

/** A test that needs the peers' programs; ignored, and its name says why, where there are none. */
export function peerTest(name: string, fn: () => Promise<void>): void {
  const ignore = directory === "";
  Deno.test({ name: ignore ? `${name} (LLAMA_TEST_PEERS is not set)` : name, ignore, fn });
}

/** The path of one of the peers' programs. */
export function peerProgram(name: string): string {
  return join(directory, "bin", name);
}

/** The certificate of those who sign the servers' own. */
export function caBundle(): string {
  return join(directory, "ca", "ca.pem");
}

/** A program that runs until it is disposed of. */
class Server implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  #log = "";
  #hasEnded = false;
  readonly #read: Promise<unknown>;

  constructor(path: string, args: string[], env: Record<string, string> = {}) {
    const options = { args, env, clearEnv: true, stdin: "null", stdout: "null" } as const;
    this.#child = new Deno.Command(path, { ...options, stderr: "piped" }).spawn();
    this.#read = this.#child.stderr.pipeThrough(new TextDecoderStream()).pipeTo(
      new WritableStream({ write: (text) => void (this.#log += text) }),
    );
    void this.#child.status.then(() => this.#hasEnded = true);
  }

  /** Waits until it does what it is there for; fails if it ends before. */
  async until(condition: (log: string) => boolean | Promise<boolean>): Promise<void> {
    await until(() => {
      assert(!this.#hasEnded, `the server has ended: ${this.#log}`);
      return condition(this.#log);
    }, "the server answers");
  }

  /** Its process. */
  get pid(): number {
    return this.#child.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) this.#child.kill();
    await this.#child.status;
    await this.#read;
  }
}

/** A function of {@linkcode FakeAws}: a command, or an answer without one. */
export interface FakeFunction {
  /** The runtime and its arguments. */
  cmd?: string[];
  /** The handler. */
  handler?: string;
  /** The runtime's working directory. */
  taskRoot?: string;
  /** More of the runtime's environment. */
  env?: Record<string, string>;
  /** In seconds. */
  timeout?: number;
  /** Answers without a process; with `echo` output i is input i. */
  stub?: { echo?: boolean; delayMs?: number; response?: unknown; error?: string; logs?: string };
}

/** S3 (without multipart uploads) and Lambda in one server, which counts requests and fails at will. */
export class FakeAws implements AsyncDisposable {
  /** Its base URL. */
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  /**
   * Starts it. Every signature is checked.
   *
   * @param functions Its functions by name; the environment of commands has what our
   * runtime needs, and the server's URL in `AWS_ENDPOINT_URL`.
   * @param flags More of the program's flags.
   */
  static async start(
    functions: Record<string, FakeFunction> = {},
    flags: string[] = [],
  ): Promise<FakeAws> {
    const address = `127.0.0.1:${freePort()}`;
    const url = `http://${address}`;
    const complete = Object.entries(functions).map(([name, each]) => [name, {
      ...each,
      env: {
        ...hostVariables(readEnvironment()),
        DENO_NO_UPDATE_CHECK: "1",
        AWS_ENDPOINT_URL: url,
        ...each.env,
      },
    }]);
    const file = await Deno.makeTempFile({ prefix: "llama-test-" });
    try {
      await Deno.writeTextFile(file, JSON.stringify(Object.fromEntries(complete)));
      const args = ["-strict", "-http", address, "-ca-dir", join(directory, "ca")];
      const server = new Server(peerProgram("fakeaws"), [...args, "-functions", file, ...flags]);
      await server.until((log) => log.includes("listening on"));
      return new FakeAws(server, url);
    } finally {
      await Deno.remove(file);
    }
  }

  /** What a client needs to reach it. */
  get environment(): Record<string, string> {
    return { ...keys, AWS_ENDPOINT_URL: this.url };
  }

  /** How many requests there were of each kind, such as `s3.PUT`, `s3.PUT 503`, `lambda.invoke`. */
  async requests(): Promise<Record<string, number>> {
    const { requests }: { requests: Record<string, number> } = await this.#get("/__stats");
    return requests;
  }

  /** The most memory that each runtime has used, in kibibytes. */
  async memory(): Promise<number[]> {
    const { environments }: { environments: { list: { VmHWM_kB: number }[] } } = await this.#get(
      "/__stats",
    );
    return environments.list.map(({ VmHWM_kB }) => VmHWM_kB);
  }

  /** Fails from now on. */
  async fail(rate: number, kinds: string, seed = 1): Promise<void> {
    await this.#get(
      `/__faults?${new URLSearchParams({ rate: `${rate}`, kinds, seed: `${seed}` })}`,
    );
  }

  /** Forgets objects, counts and execution environments. */
  async reset(): Promise<void> {
    await this.#get("/__reset");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  async #get(path: string) {
    const response = await fetch(this.url + path);
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return text.startsWith("{") ? JSON.parse(text) : text;
  }
}

/** versitygw, an S3 server over a directory. */
export class VersityGw implements AsyncDisposable {
  /** Its base URL. */
  readonly url: string;
  readonly #server: Server;
  readonly #directory: string;

  private constructor(server: Server, url: string, directory: string) {
    this.#server = server;
    this.url = url;
    this.#directory = directory;
  }

  /**
   * Starts it.
   *
   * @param buckets The buckets that there shall be.
   */
  static async start(buckets: string[] = ["bucket"]): Promise<VersityGw> {
    const address = `127.0.0.1:${freePort()}`;
    const directory = await Deno.makeTempDir({ prefix: "llama-test-" });
    await Deno.mkdir(join(directory, "meta"));
    for (const bucket of buckets) {
      await Deno.mkdir(join(directory, "data", bucket), { recursive: true });
    }
    const server = new Server(peerProgram("versitygw"), [
      ...["--access", keys.AWS_ACCESS_KEY_ID, "--secret", keys.AWS_SECRET_ACCESS_KEY],
      ...["--region", keys.AWS_REGION, "--port", address, "--keep-alive", "--quiet"],
      ...["posix", "--sidecar", join(directory, "meta"), join(directory, "data")],
    ]);
    await server.until(() => answers(address));
    return new VersityGw(server, `http://${address}`, directory);
  }

  /** What a client needs to reach it; for Lambda, see {@linkcode FakeAws}. */
  get environment(): Record<string, string> {
    // It knows no account numbers, and would refuse a bucket that must be of a certain account.
    return { ...keys, AWS_ENDPOINT_URL_S3: this.url, LLAMA_BUCKET_OWNER: "any" };
  }

  /** Its process. */
  get pid(): number {
    return this.#server.pid;
  }

  /** The path of a bucket's directory. */
  data(bucket: string): string {
    return join(this.#directory, "data", bucket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    await Deno.remove(this.#directory, { recursive: true });
  }
}

/** A port that nobody listens on. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function answers(address: string): Promise<boolean> {
  try {
    const response = await fetch(`http://${address}/`);
    await response.body?.cancel();
    return true;
  } catch {
    // Not yet.
    return false;
  }
}
