import assert from "node:assert/strict";
import { containerCredentials } from "../../lib/aws/credentials/container_credentials.ts";
import { LlamaError } from "../../lib/errors.ts";
import { TemporaryDirectory } from "../helpers.ts";

const good = {
  AccessKeyId: "KEY",
  SecretAccessKey: "the/secret",
  Token: "the/token",
  Expiration: "2999-01-01T00:00:00Z",
};

/** A container's server, which gives these answers in turn, the last one again and again. */
class Server implements AsyncDisposable {
  /** What each request was authorized with. */
  readonly authorizations: (string | null)[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(...answers: (() => Response)[]) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      ({ headers }) => {
        const number = this.authorizations.push(headers.get("authorization"));
        const answer = answers[number - 1] ?? answers.at(-1);
        return answer?.() ?? new Response();
      },
    );
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  find(more: Record<string, string> = {}) {
    const url = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${this.origin}/role` };
    return containerCredentials({ ...url, ...more }, "the container's role");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

async function rejects(found: Promise<unknown>, why: string): Promise<void> {
  await assert.rejects(found, (error) => {
    assert(error instanceof LlamaError && error.code === "credentials");
    assert.equal(error.message, `no AWS credentials from the container's role: ${why}`);
    assert(!String(error.cause).includes("the/"));
    return true;
  });
}

Deno.test("a container's credentials have a token and the time at which they expire", async () => {
  await using server = new Server(() => Response.json(good));
  assert.deepEqual(await server.find(), {
    accessKeyId: "KEY",
    secretAccessKey: "the/secret",
    sessionToken: "the/token",
    expiration: Date.parse(good.Expiration),
  });
});

Deno.test("a container's server gets the token of the file, as it is at that time, or of the variable", async () => {
  await using directory = new TemporaryDirectory();
  await using server = new Server(() => Response.json(good));
  const variable = { AWS_CONTAINER_AUTHORIZATION_TOKEN: "Basic variable" };
  const path = await directory.write("token", "Bearer first");
  const file = { ...variable, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: path };
  await server.find();
  await server.find(variable);
  await server.find(file);
  await directory.write("token", "Bearer second");
  await server.find(file);
  const expected = [null, "Basic variable", "Bearer first", "Bearer second"];
  assert.deepEqual(server.authorizations, expected);
  await rejects(
    server.find({ AWS_CONTAINER_AUTHORIZATION_TOKEN: "the/token\nHost: other" }),
    "its authorization token has characters that no header takes",
  );
});

Deno.test("a failure of a container's server is retried, and a refusal is not", async () => {
  await using failing = new Server(
    () => new Response("busy", { status: 503 }),
    () => Response.json(good),
  );
  assert.equal((await failing.find()).accessKeyId, "KEY");
  await using broken = new Server(() => new Response("busy", { status: 503 }));
  await rejects(broken.find(), `${broken.origin} answered with status 503: busy (tried 3 times)`);
  await using refusing = new Server(() => new Response("expired\n token", { status: 401 }));
  await rejects(refusing.find(), `${refusing.origin} answered with status 401: expired; token`);
  assert.equal(refusing.authorizations.length, 1);
});

Deno.test("an invalid answer from a container's server is refused without being quoted", async () => {
  const { Token: _, ...incomplete } = good;
  for (
    const [answer, why] of [
      [() => new Response("the/secret"), "did not answer with JSON"],
      [() => Response.json("the/secret"), "answered with credentials without Expiration"],
      [() => Response.json(incomplete), "answered with credentials without Token"],
      [
        () => Response.json({ ...good, Expiration: "the/end" }),
        "answered with credentials with an Expiration that is not a time",
      ],
      [() => Response.json(good, { status: 400 }), "answered with status 400"],
      [
        () => new Response("\x1b[2J", { status: 400 }),
        "answered with status 400: \\x1b[2J",
      ],
    ] as const
  ) {
    await using server = new Server(answer);
    await rejects(server.find(), `${server.origin} ${why}`);
  }
});

Deno.test("a container's token is sent to trusted servers only", async () => {
  for (
    const [uri, why] of [
      [
        "http://10.1.2.3/x",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI names 10.1.2.3, which is neither https, loopback nor " +
        "169.254.170.2, 169.254.170.23, [fd00:ec2::23]",
      ],
      ["file:///x", 'AWS_CONTAINER_CREDENTIALS_FULL_URI is not an http or https URL: "file:///x"'],
      ["", 'AWS_CONTAINER_CREDENTIALS_FULL_URI is not an http or https URL: ""'],
    ] as const
  ) {
    const found = containerCredentials(
      { AWS_CONTAINER_CREDENTIALS_FULL_URI: uri },
      "the container's role",
    );
    await rejects(found, why);
  }
});
