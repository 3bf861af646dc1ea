import assert from "node:assert/strict";
import { Workplace } from "./llama.ts";

/** A stub of Lambda that refuses requests that are not dated by its clock, which differs from ours. */
class Ahead implements AsyncDisposable {
  /** The number of requests that were refused for their date. */
  refused = 0;
  readonly #milliseconds: number;
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => this.#serve(request),
  );

  constructor(minutes: number) {
    this.#milliseconds = minutes * 60_000;
  }

  get environment(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${this.#server.addr.port}`,
      AWS_REGION: "us-west-2",
      AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "secret",
    };
  }

  async #serve(request: Request): Promise<Response> {
    const now = Date.now() + this.#milliseconds;
    const headers = { date: new Date(now).toUTCString() };
    await request.body?.cancel();
    const [, ...parts] = /^(....)(..)(..)T(..)(..)(..)Z$/.exec(
      request.headers.get("x-amz-date") ?? "",
    ) ?? [];
    const [year = 0, month = 0, ...rest] = parts.map(Number);
    if (Math.abs(Date.UTC(year, month - 1, ...rest) - now) > 15 * 60_000) {
      this.refused++;
      return Response.json({ message: "Signature expired" }, {
        status: 403,
        headers: { ...headers, "x-amzn-errortype": "InvalidSignatureException" },
      });
    }
    return Response.json({ status: 0, stdout: { s: "ran\n" } }, { headers });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

for (const minutes of [30, -30]) {
  Deno.test(`a clock that is off by ${minutes} minutes fails none of 50 concurrent jobs`, async () => {
    await using place = new Workplace();
    await using aws = new Ahead(minutes);
    const { status, stdout, stderr } = await place.run(
      ["xargs", "-j", "50", "f", "{{.Line}}"],
      {
        stdin: Array.from({ length: 100 }, (_, line) => `${line}\n`).join(""),
        environment: aws.environment,
      },
    );
    assert.deepEqual([status, stderr], [0, ""]);
    assert.equal(stdout, "ran\n".repeat(100));
    assert(aws.refused > 1, "they were not refused while others were on their way");
  });
}
