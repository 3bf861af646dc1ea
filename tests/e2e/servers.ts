/** Third-party servers, which run during a test. */

import { until } from "../helpers.ts";

/** A server on loopback, in its own process. */
export class ServerProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<string>;
  /** Its host and port. */
  readonly host: string;

  /**
   * Starts the server, and waits until it responds.
   *
   * @param program The program.
   * @param args Its arguments.
   * @param port The port that it listens on.
   * @param env Environment variables besides ours.
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
      // The server has exited, which has failed the test.
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

/** Returns a port that was free a moment ago. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** The program of moto, a mock of AWS; undefined unless `.ci/setup-moto` was run. */
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

/** Returns the environment in which `llama` uses moto as AWS. */
export function motoEnvironment({ host }: ServerProcess): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: `http://${host}`,
    AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "secret",
  };
}

/** Sends a request to moto, which reads the service from signatures but does not verify them. */
export async function askMoto(
  { host }: ServerProcess,
  service: string,
  path: string,
  init?: RequestInit,
): Promise<Response> {
  const authorization = `AWS4-HMAC-SHA256 Credential=x/20260101/us-west-2/${service}/aws4_request`;
  return await fetch(`http://${host}${path}`, { headers: { authorization }, ...init });
}
