/** Images built by buildah, and pushed to Debian's docker-registry with a login of the tool's own. */

import assert from "node:assert/strict";
import { zipOf } from "../../lib/deploy/zip_writer.ts";
import { bytesOf, testWith } from "../helpers.ts";
import { type Ended, Workplace } from "./llama.ts";
import { freePort, motoEnvironment, ServerProcess, startMoto } from "./servers.ts";

// .ci/setup-images installs them.
const buildah = Deno.env.get("LLAMA_TEST_BUILDAH");
const registryProgram = Deno.env.get("LLAMA_TEST_REGISTRY");

/** A login, and the same as htpasswd -B writes it. */
const login = { user: "AWS", password: "123456789012-auth-token" };
const htpasswd = "AWS:$2y$05$c8NWqe.vZvfPN5Ladgr/1un5srxS3prxm1j4eBezjzzB3MXqwAlP2\n";

class Builder extends Workplace {
  registry: ServerProcess | undefined;
  moto: ServerProcess | undefined;

  static async open(): Promise<Builder> {
    const builder = new Builder();
    const port = freePort();
    const config = {
      version: "0.1",
      storage: { filesystem: { rootdirectory: builder.join("registry") } },
      http: { addr: `127.0.0.1:${port}` },
      auth: { htpasswd: { realm: "test", path: await builder.write("htpasswd", htpasswd) } },
    };
    const file = await builder.write("registry.yml", JSON.stringify(config));
    builder.registry = await ServerProcess.start(registryProgram ?? "", ["serve", file], port);
    builder.moto = await startMoto();
    // As Docker does by itself for a registry on this machine: no TLS.
    const registries = await builder.write(
      "registries.conf",
      `[[registry]]\nlocation = "127.0.0.1:${port}"\ninsecure = true\n`,
    );
    await builder.write(
      "buildah",
      `#!/bin/sh\nexec ${buildah} --registries-conf ${registries} "$@"\n`,
      0o755,
    );
    await builder.write(
      "storage.conf",
      `[storage]\ndriver = "vfs"\ngraphroot = "${builder.join("graph")}"\n` +
        `runroot = "${builder.join("run")}"\n`,
    );
    const auth = btoa(`${login.user}:${login.password}`);
    const logins = { auths: { [builder.host]: { auth } } };
    await builder.write("auth.json", JSON.stringify(logins), 0o600);
    const zip = zipOf([{ name: "bootstrap", bytes: bytesOf("#!/bin/sh\n"), mode: 0o755 }]);
    const runtime = await builder.write("runtime.zip", zip);
    const { status, stderr } = await builder.aws([
      "bootstrap",
      "-region",
      "us-west-2",
      "-runtime",
      runtime,
    ]);
    assert.equal(status, 0, stderr);
    return builder;
  }

  get host(): string {
    return this.registry?.host ?? "";
  }

  aws(args: readonly string[], environment: Record<string, string> = {}): Promise<Ended> {
    return this.run(args, {
      environment: {
        ...(this.moto ? motoEnvironment(this.moto) : {}),
        LLAMA_CONTAINER_TOOL: this.join("buildah"),
        BUILDAH_ISOLATION: "chroot",
        STORAGE_DRIVER: "vfs",
        CONTAINERS_STORAGE_CONF: this.join("storage.conf"),
        REGISTRY_AUTH_FILE: this.join("auth.json"),
        ...environment,
      },
    });
  }

  /** A folder with an image of one file. */
  async image(name: string, dockerfile = "FROM scratch\nCOPY program /program\n"): Promise<void> {
    await this.write(`work/images/${name}/program`, "#!/bin/sh\n", 0o755);
    await this.write(`work/images/${name}/Dockerfile`, dockerfile);
    await this.write(
      `work/images/${name}/function.json`,
      JSON.stringify({ command: ["/program"], memory: 1024, architecture: "arm64" }),
    );
  }

  /** What the registry has, for who has the login. */
  async ask(path: string): Promise<Response> {
    const basic = btoa(`${login.user}:${login.password}`);
    const accept = "application/vnd.oci.image.manifest.v1+json";
    return await fetch(`http://${this.host}${path}`, {
      headers: { authorization: `Basic ${basic}`, accept },
    });
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.registry?.[Symbol.asyncDispose]();
    await this.moto?.[Symbol.asyncDispose]();
    await super[Symbol.asyncDispose]();
  }
}

function test(name: string, run: (builder: Builder) => Promise<void>): void {
  const needs = ["LLAMA_TEST_MOTO", "LLAMA_TEST_BUILDAH", "LLAMA_TEST_REGISTRY"];
  testWith(needs, name, async () => {
    await using builder = await Builder.open();
    await run(builder);
  });
}

test("an image is built, pushed with the tool's own login, and made a function of; and again", async (builder) => {
  await builder.image("pic");
  const args = ["-create", "-build", "images/pic", "-registry", builder.host, "pic"];
  const first = await builder.aws(["update-function", ...args]);
  assert.equal(first.status, 0, first.stderr);
  assert.equal(first.stdout, "created pic: image, 1024 MB, 60 s, arm64\n");
  const tags = await (await builder.ask("/v2/llama/tags/list")).json();
  assert.deepEqual(tags, { name: "llama", tags: ["pic"] });
  const manifest = await (await builder.ask("/v2/llama/manifests/pic")).json();
  // One image, not a list of images, which Lambda does not take.
  const config = await (await builder.ask(`/v2/llama/blobs/${manifest.config.digest}`)).json();
  assert.equal(config.architecture, "arm64");

  const again = await builder.aws(["update-function", ...args]);
  assert.equal(again.status, 0, again.stderr);
  assert.match(again.stdout, /^pic is up to date|^updated pic: code/);
});

test("an image for another processor is neither pushed nor deployed", async (builder) => {
  await builder.image("pic", "FROM --platform=linux/amd64 scratch\nCOPY program /program\n");
  // Built for the function's processor, and then for this machine's, as from a base image that is.
  await builder.write(
    "wrong",
    '#!/bin/sh\n[ "$1" = build ] && shift 3 && set -- build --platform linux/amd64 "$@"\n' +
      `exec ${builder.join("buildah")} "$@"\n`,
    0o755,
  );
  const args = ["-create", "-build", "images/pic", "-registry", builder.host, "pic"];
  const tool = { LLAMA_CONTAINER_TOOL: builder.join("wrong") };
  const { status, stderr } = await builder.aws(["update-function", ...args], tool);
  assert.equal(status, 2, stderr);
  assert.match(
    stderr,
    /the image \S+:pic is built for x86_64, and the function for arm64\nllama: hint: add -arch x86_64/,
  );
  assert.deepEqual(await (await builder.ask("/v2/_catalog")).json(), { repositories: [] });
  assert.match((await builder.aws(["functions"])).stderr, /no llama functions/);
});

test("a Dockerfile that fails, and a registry that refuses, leave no function", async (builder) => {
  await builder.image("broken", "FROM scratch\nCOPY nothing /nothing\n");
  const build = ["-create", "-build", "images/broken", "-registry", builder.host, "broken"];
  const failed = await builder.aws(["update-function", ...build]);
  assert.equal(failed.status, 125);
  assert.match(failed.stderr, /nothing.*no such file/s);
  assert.match(failed.stderr, /building images\/broken: \S*buildah build exited with status \d+\n/);

  await builder.image("pic");
  await builder.write(
    "htpasswd",
    "AWS:$2y$05$6cfBbTHYxxb28/9sbD7sg.sxiUE93vYMaQ1SGw29K.LGRUn6Oea.K\n",
  );
  const push = ["-create", "-build", "images/pic", "-registry", builder.host, "pic"];
  const refused = await builder.aws(["update-function", ...push]);
  assert.equal(refused.status, 125);
  assert.match(
    refused.stderr,
    /pushing 127\.0\.0\.1:\d+\/llama:pic: \S*buildah push exited with status \d+\n/,
  );
  assert.doesNotMatch(refused.stderr, /auth-token/);
  assert.match((await builder.aws(["functions"])).stderr, /no llama functions/);
});
