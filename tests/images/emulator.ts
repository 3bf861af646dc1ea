/** AWS's runtime interface emulator in a sandbox. */

import assert from "node:assert/strict";
import { until } from "../helpers.ts";
import { freePort } from "../peer/servers.ts";

/** Its program; empty where LLAMA_TEST_RIE is not set. */
export const emulator: string = Deno.env.get("LLAMA_TEST_RIE") ?? "";

/** The emulator in a sandbox, with one function. */
export class Emulator implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #log: Promise<string>;
  readonly #port = freePort();
  #hasEnded = false;

  /**
   * @param sandbox The command that runs another in the sandbox.
   * @param args What the emulator starts; nothing for a layer's bootstrap.
   * @param env The function's environment.
   */
  constructor(sandbox: readonly string[], args: readonly string[], env: Record<string, string>) {
    const [executable = "", ...before] = sandbox;
    this.#child = new Deno.Command(executable, {
      args: [
        ...before,
        ...["/rie", "--runtime-interface-emulator-address", `127.0.0.1:${this.#port}`],
        ...["--runtime-api-address", `127.0.0.1:${freePort()}`, ...args],
      ],
      clearEnv: true,
      env: { PATH: "/usr/local/bin:/usr/bin:/bin", ...env },
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#log = new Response(this.#child.stderr).text();
    void this.#child.status.then(() => this.#hasEnded = true);
  }

  /** What a client needs to reach it, once it listens. */
  async environment(): Promise<Record<string, string>> {
    const listens = async () => {
      if (this.#hasEnded) assert.fail(`the emulator has ended: ${await this.#log}`);
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port: this.#port })).close();
        return true;
      } catch (error) {
        if (error instanceof Deno.errors.ConnectionRefused) return false;
        throw error;
      }
    };
    await until(listens, "the emulator listens");
    return {
      AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${this.#port}`,
      AWS_REGION: "us-west-2",
      AWS_ACCESS_KEY_ID: "any",
      AWS_SECRET_ACCESS_KEY: "any",
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#log;
  }
}
