/** Servers that others wrote, started for a test and ended with it. */

import { until } from "../helpers.ts";

/** A server on loopback, in a process of its own. */
export class ServerProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<string>;
  /** Its host and port. */
  readonly host: string;

  /**
   * Starts it, and waits until it answers.
   *
   * @param program The program.
   * @param args Its arguments.
   * @param port Where it listens.
   * @param env Its environment beside ours.
   */
  static async start(
    program: string,
    args: readonly string[],
    port: number,
    env: Record<string, string> = {},
  ): Promise<ServerProcess> {
    const server = new ServerProcess(program, args, port, env);
    let ended = false;
    const watched = server.#child.status.then(() => ended = true);
    await until(async () => {
      if (ended) throw new Error(`${program} ended: ${await server.#output}`);
      return await answers(server.host);
    }, `${program} listens`);
    void watched;
    return server;
  }

  private constructor(
    program: string,
    args: readonly string[],
    port: number,
    env: Record<string, string>,
  ) {
    this.host = `127.0.0.1:${port}`;
    this.#child = new Deno.Command(program, {
      args: [...args],
      env,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#output = new Response(this.#child.stderr).text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch (error) {
      // It has ended by itself, which the test has noticed.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#child.status;
    await this.#output;
  }
}

async function answers(host: string): Promise<boolean> {
  try {
    const response = await fetch(`http://${host}/`);
    await response.body?.cancel();
    return true;
  } catch {
    return false;
  }
}

/** A port that was free a moment ago. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** The program of moto, a stand-in for AWS; undefined where `.ci/setup-moto` was not run. */
export const motoProgram: string | undefined = Deno.env.get("LLAMA_TEST_MOTO");

/** Starts moto. */
export async function startMoto(): Promise<ServerProcess> {
  const port = freePort();
  return await ServerProcess.start(motoProgram ?? "moto_server", [
    "-H",
    "127.0.0.1",
    "-p",
    String(port),
  ], port);
}

/** What `llama` needs to take moto for AWS. */
export function motoEnvironment({ host }: ServerProcess): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: `http://${host}`,
    AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "secret",
  };
}

/** Asks moto itself, which checks no signatures, but takes the service from them. */
export async function askMoto(
  { host }: ServerProcess,
  service: string,
  path: string,
  init?: RequestInit,
): Promise<Response> {
  const authorization = `AWS4-HMAC-SHA256 Credential=x/20260101/us-west-2/${service}/aws4_request`;
  return await fetch(`http://${host}${path}`, { headers: { authorization }, ...init });
}
