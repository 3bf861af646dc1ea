import assert from "node:assert/strict";
import { sha256 } from "../../lib/files/hash.ts";
import { Registry } from "../../lib/image/registry.ts";
import { bytesOf, noise, TemporaryDirectory, testWith } from "../helpers.ts";
import { registryUser, startRegistry } from "./docker_registry.ts";

const login = () => Promise.resolve(registryUser);
const manifestType = "application/vnd.docker.distribution.manifest.v2+json";

/** A blob of some bytes, and how much of it was read. */
function blobOf(bytes: Uint8Array<ArrayBuffer>) {
  const reads: [number, number][] = [];
  return {
    reads,
    digest: `sha256:${sha256(bytes)}`,
    size: bytes.length,
    read: (start: number, end: number) => {
      reads.push([start, end]);
      return Promise.resolve(bytes.slice(start, end));
    },
  };
}

/** A manifest of Docker's second schema. */
function manifestOf(
  config: { digest: string; size: number },
  layer: { digest: string; size: number },
) {
  return bytesOf(JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: "application/vnd.docker.container.image.v1+json", ...pick(config) },
    layers: [{ mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip", ...pick(layer) }],
  }));
}

function pick({ digest, size }: { digest: string; size: number }) {
  return { digest, size };
}

testWith(
  ["LLAMA_TEST_REGISTRY"],
  "Docker's registry takes blobs and manifests, and gives them back",
  async () => {
    await using directory = new TemporaryDirectory();
    await using server = await startRegistry(directory);
    using registry = new Registry(server.host, "llama", { login, chunkBytes: 1_000_000 });
    const layer = blobOf(noise(2_500_000));
    const config = blobOf(bytesOf('{"architecture": "amd64"}'));
    for (const blob of [layer, config]) {
      assert.equal(await registry.hasBlob(blob.digest), false);
      const progress: number[] = [];
      await registry.uploadBlob({ ...blob, onProgress: (bytes) => void progress.push(bytes) });
      assert.equal(await registry.hasBlob(blob.digest), true);
      assert.equal(progress.at(-1), blob.size);
    }
    assert.deepEqual(layer.reads, [[0, 1_000_000], [1_000_000, 2_000_000], [2_000_000, 2_500_000]]);
    const bytes = manifestOf(config, layer);
    assert.equal(await registry.manifest("f"), undefined);
    const digest = await registry.putManifest("f", manifestType, bytes);
    assert.deepEqual(await registry.manifest("f"), { digest, mediaType: manifestType, bytes });
    await registry.deleteManifest(digest);
    await registry.deleteManifest(digest);
    assert.equal(await registry.manifest("f"), undefined);
  },
);

testWith(["LLAMA_TEST_REGISTRY"], "a registry that refuses says why", async () => {
  await using directory = new TemporaryDirectory();
  await using server = await startRegistry(directory);
  const refusal = async (
    options: ConstructorParameters<typeof Registry>[2],
    repository = "llama",
  ) => {
    using registry = new Registry(server.host, repository, options);
    const blob = blobOf(bytesOf("x"));
    return await registry.uploadBlob(blob).then(() => undefined, (error) => error);
  };
  const wrong = () => Promise.resolve({ user: "llama", password: "hunter2" });
  const [none, other, name] = [
    await refusal({}),
    await refusal({ login: wrong }),
    await refusal({ login }, "UPPER"),
  ];
  assert.equal(none.code, "credentials");
  assert.match(none.message, /asks for a login$/);
  assert.match(none.hint, /docker login 127\.0\.0\.1:/);
  assert.equal(other.code, "credentials");
  assert.doesNotMatch(other.message + other.hint, /hunter2/);
  assert.match(name.message, /refused POST in UPPER/);
});

/** A registry that answers as a test says; what it keeps is what has arrived of one upload. */
class ScriptedRegistry implements AsyncDisposable {
  readonly requests: {
    method: string;
    path: string;
    authorization: string | null;
    range: string | null;
  }[] = [];
  arrived = new Uint8Array();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(
    answer: (
      request: Request,
      registry: ScriptedRegistry,
    ) => Response | undefined | Promise<Response | undefined>,
  ) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        const { pathname, search } = new URL(request.url);
        this.requests.push({
          method: request.method,
          path: pathname + search,
          authorization: request.headers.get("authorization"),
          range: request.headers.get("content-range"),
        });
        return await answer(request, this) ?? await this.#usual(request);
      },
    );
  }

  get host(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  /** Keeps what has come. */
  keep(bytes: Uint8Array): void {
    this.arrived = new Uint8Array([...this.arrived, ...bytes]);
  }

  async #usual(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const location = { location: "/v2/llama/blobs/uploads/1?state=x" };
    if (request.method === "POST") return new Response(null, { status: 202, headers: location });
    if (request.method === "PATCH") {
      const [, start] = /^(\d+)-/.exec(request.headers.get("content-range") ?? "") ?? [];
      if (Number(start) !== this.arrived.length) return new Response(null, { status: 416 });
      this.keep(await request.bytes());
      return new Response(null, { status: 202, headers: location });
    }
    if (request.method === "PUT") return new Response(null, { status: 201 });
    if (pathname.endsWith("/uploads/1")) {
      const range = `0-${Math.max(0, this.arrived.length - 1)}`;
      return new Response(null, { status: 204, headers: { ...location, range } });
    }
    return new Response(null, { status: 404 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

Deno.test("an upload goes on with the first byte that the registry does not have", async () => {
  const bytes = noise(100_000);
  let patches = 0;
  await using server: ScriptedRegistry = new ScriptedRegistry(async (request, registry) => {
    if (request.method !== "PATCH") return undefined;
    switch (++patches) {
      case 2: {
        // Half of the piece has arrived, and the answer is lost.
        registry.keep((await request.bytes()).subarray(0, 5_000));
        return new Response(null, { status: 502 });
      }
      case 4:
        return new Response(null, { status: 503 });
    }
    return undefined;
  });
  using registry = new Registry(server.host, "llama", { chunkBytes: 30_000 });
  await registry.uploadBlob(blobOf(bytes));
  assert.deepEqual(server.arrived, new Uint8Array(bytes));
  const ranges = server.requests.filter(({ method }) => method === "PATCH").map(({ range }) =>
    range
  );
  assert.deepEqual(ranges, [
    "0-29999",
    "30000-59999",
    "35000-64999",
    "65000-94999",
    "65000-94999",
    "95000-99999",
  ]);
  const last = server.requests.at(-1);
  assert.equal(last?.path, `/v2/llama/blobs/uploads/1?state=x&digest=sha256%3A${sha256(bytes)}`);
});

Deno.test("an upload that makes no progress ends with the registry's words", async () => {
  await using server: ScriptedRegistry = new ScriptedRegistry(async (request) => {
    if (request.method !== "PATCH") return undefined;
    await request.body?.cancel();
    return Response.json({ errors: [{ code: "UNKNOWN", message: "disk full" }] }, { status: 500 });
  });
  using registry = new Registry(server.host, "llama", { maxRetries: 1 });
  await assert.rejects(registry.uploadBlob(blobOf(noise(10))), {
    code: "service",
    message: /refused PATCH in llama: UNKNOWN: disk full \(tried 2 times\)$/,
  });
});

Deno.test("a login that is no longer taken is asked for again, once for each refusal", async () => {
  let logins = 0;
  await using server: ScriptedRegistry = new ScriptedRegistry((request) => {
    const isGood = request.headers.get("authorization") === `Basic ${btoa(`u:${logins}`)}` &&
      logins > 0;
    // The first login is good for two requests.
    if (isGood && !(logins === 1 && server.requests.length > 3)) return undefined;
    return new Response(null, { status: 401, headers: { "www-authenticate": 'Basic realm="x"' } });
  });
  const login = () => Promise.resolve({ user: "u", password: String(++logins) });
  using registry = new Registry(server.host, "llama", { login });
  await registry.uploadBlob(blobOf(noise(10)));
  assert.equal(logins, 2);
});

Deno.test("a token service gets the login, and the registry its token", async () => {
  await using server: ScriptedRegistry = new ScriptedRegistry((request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/token") {
      assert.equal(searchParams.get("scope"), "repository:llama:pull,push,delete");
      assert.equal(searchParams.get("service"), "registry");
      return Response.json({ token: "t0ken" });
    }
    if (request.headers.get("authorization") === "Bearer t0ken") return undefined;
    const challenge = `Bearer realm="http://${server.host}/token",service="registry"`;
    return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
  });
  using registry = new Registry(server.host, "llama", { login });
  assert.equal(await registry.hasBlob(`sha256:${"0".repeat(64)}`), false);
  assert.deepEqual(
    server.requests.map(({ path, authorization }) => [path.split("?")[0], authorization]),
    [
      [`/v2/llama/blobs/sha256:${"0".repeat(64)}`, null],
      ["/token", `Basic ${btoa("llama:secret")}`],
      [`/v2/llama/blobs/sha256:${"0".repeat(64)}`, "Bearer t0ken"],
    ],
  );
});

Deno.test("no other host gets the login, not by a redirect and not by where an upload goes", async () => {
  await using other: ScriptedRegistry = new ScriptedRegistry((request) => {
    if (request.method === "HEAD") return new Response(null, { status: 200 });
    if (request.method === "PATCH") {
      const headers = { location: `http://${other.host}/v2/llama/blobs/uploads/1` };
      return new Response(null, { status: 202, headers });
    }
    return undefined;
  });
  await using server: ScriptedRegistry = new ScriptedRegistry((request) => {
    if (request.headers.get("authorization") === null) {
      return new Response(null, { status: 401, headers: { "www-authenticate": "Basic" } });
    }
    const headers = { location: `http://${other.host}/elsewhere` };
    return new Response(null, { status: request.method === "POST" ? 202 : 307, headers });
  });
  using registry = new Registry(server.host, "llama", { login });
  assert(await registry.hasBlob(`sha256:${"0".repeat(64)}`));
  await registry.uploadBlob(blobOf(noise(10)));
  assert(other.requests.length >= 3);
  assert.deepEqual(other.requests.filter(({ authorization }) => authorization !== null), []);
});

Deno.test("an answer that never ends is not read to its end", async () => {
  await using server: ScriptedRegistry = new ScriptedRegistry(() => {
    let sent = 0;
    return new Response(
      new ReadableStream({
        pull(controller) {
          if (sent++ > 200) controller.close();
          else controller.enqueue(new Uint8Array(64 * 1024));
        },
      }),
    );
  });
  using registry = new Registry(server.host, "llama");
  await assert.rejects(registry.manifest("f"), { code: "protocol", message: /is too large$/ });
});
