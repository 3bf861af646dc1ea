/** Programs of this machine as functions: in moto, a registry, and an empty root. */

import assert from "node:assert/strict";
import { zipOf } from "../../lib/deploy/zip_writer.ts";
import { registryUser, startRegistry } from "../image/docker_registry.ts";
import { type Ended, runtimeProgram, Workplace } from "../e2e/llama.ts";
import { motoEnvironment, type ServerProcess, startMoto } from "../e2e/servers.ts";
import { bytesOf, TemporaryDirectory, textOf } from "../helpers.ts";
import { Emulator, emulator } from "./emulator.ts";
import { run } from "./root.ts";

/** What these tests need: .ci/setup-moto, .ci/setup-images and .ci/setup-ship install it. */
export const needs = ["LLAMA_TEST_BIN", "LLAMA_TEST_MOTO", "LLAMA_TEST_REGISTRY"];

/** What those need that run what was pushed. */
export const needsRoot = [...needs, "LLAMA_TEST_IMAGES", "LLAMA_TEST_RIE", "LLAMA_TEST_SKOPEO"];

const manifestType = "application/vnd.docker.distribution.manifest.v2+json";

/** A registry's manifest. */
export interface Manifest {
  config: { digest: string };
  layers: { digest: string; size: number }[];
}

/** An account in moto with llama's stack, a registry with a login, and a place to work. */
export class Programs extends Workplace {
  readonly #moto: ServerProcess;
  readonly registry: ServerProcess;
  /** A directory for what goes along: in Lambda, /tmp is another one. */
  readonly files: string = Deno.makeTempDirSync({ dir: "/var/tmp", prefix: "llama-test-" });

  static async open(): Promise<Programs> {
    const directory = new TemporaryDirectory();
    const [moto, registry] = await Promise.all([startMoto(), startRegistry(directory)]);
    const programs = new Programs(moto, registry, directory);
    const auth = btoa(`${registryUser.user}:${registryUser.password}`);
    const config = JSON.stringify({ auths: { [registry.host]: { auth } } });
    await programs.write("docker/config.json", config, 0o600);
    await programs.write("layer.zip", zipOfNothing());
    const runtime = programs.join("layer.zip");
    const made = await programs.aws(["bootstrap", "-region", "us-west-2", "-runtime", runtime]);
    assert.equal(made.status, 0, made.stderr);
    return programs;
  }

  private constructor(
    moto: ServerProcess,
    registry: ServerProcess,
    readonly storage: TemporaryDirectory,
  ) {
    super();
    this.#moto = moto;
    this.registry = registry;
  }

  /** The variables by which llama finds moto, and the login of the registry. */
  get variables(): Record<string, string> {
    return { ...motoEnvironment(this.#moto), DOCKER_CONFIG: this.join("docker") };
  }

  aws(args: readonly string[], environment: Record<string, string> = {}): Promise<Ended> {
    // The system's own programs, whatever else whoever runs the tests has on PATH.
    const path = "/usr/bin:/bin";
    return this.run(args, { environment: { ...this.variables, PATH: path, ...environment } });
  }

  /** The compiled runtime. */
  get runtime(): string {
    return runtimeProgram[0] ?? "";
  }

  /** `llama update-function`, with the registry and the compiled runtime. */
  update(...args: string[]): Promise<Ended> {
    return this.aws([
      ...["update-function", "-registry", `${this.registry.host}/llama`],
      ...["-runtime", this.runtime, ...args],
    ]);
  }

  /** The same, which must succeed. */
  async ok(...args: string[]): Promise<Ended> {
    const ended = await this.update(...args);
    assert.equal(ended.status, 0, ended.stderr);
    return ended;
  }

  /** Writes a file below {@linkcode files}; gives its path. */
  async add(name: string, contents: string | Uint8Array, mode = 0o644): Promise<string> {
    const path = `${this.files}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeFile(path, typeof contents === "string" ? bytesOf(contents) : contents);
    await Deno.chmod(path, mode);
    return path;
  }

  /** What the registry has. */
  async ask(path: string, method = "GET", body?: Uint8Array<ArrayBuffer>): Promise<Response> {
    const basic = btoa(`${registryUser.user}:${registryUser.password}`);
    return await fetch(`http://${this.registry.host}/v2/llama/${path}`, {
      method,
      headers: {
        authorization: `Basic ${basic}`,
        ...(body === undefined ? { accept: manifestType } : { "content-type": manifestType }),
      },
      ...(body === undefined ? {} : { body }),
    });
  }

  /** An image's manifest. */
  async manifest(name: string): Promise<Manifest> {
    return await (await this.ask(`manifests/${name}`)).json();
  }

  /** Gives an image a second tag, in the place of what had it. */
  async copyTag(from: string, to: string): Promise<void> {
    const manifest = await (await this.ask(`manifests/${from}`)).bytes();
    const put = await this.ask(`manifests/${to}`, "PUT", manifest);
    assert.equal(put.status, 201, await put.text());
  }

  /** Removes an image. */
  async remove(name: string): Promise<void> {
    const found = await this.ask(`manifests/${name}`);
    await found.body?.cancel();
    const digest = found.headers.get("docker-content-digest");
    const gone = await this.ask(`manifests/${digest}`, "DELETE");
    assert.equal(gone.status, 202, await gone.text());
  }

  /** An image's configuration: its command and its labels. */
  async configuration(
    name: string,
  ): Promise<{ config: Record<"Entrypoint" | "Cmd" | "Env", string[]> & { Labels: unknown } }> {
    const { config } = await this.manifest(name);
    return await (await this.ask(`blobs/${config.digest}`)).json();
  }

  /** Pulls an image by a client of someone else's, and starts it in an empty root. */
  async pull(name: string): Promise<PulledImage> {
    return await PulledImage.start(this, name);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.files, { recursive: true });
    await this.registry[Symbol.asyncDispose]();
    await this.#moto[Symbol.asyncDispose]();
    await this.storage[Symbol.asyncDispose]();
    await super[Symbol.asyncDispose]();
  }
}

/** A layer's zip, which moto keeps and never runs. */
function zipOfNothing(): Uint8Array {
  return zipOf([{ name: "bootstrap", bytes: new Uint8Array([0x23]), mode: 0o755 }]);
}

/** An image that was pulled and runs as Lambda would run it. */
export class PulledImage implements AsyncDisposable {
  readonly #emulator: Emulator;
  readonly #programs: Programs;
  readonly root: TemporaryDirectory;

  static async start(programs: Programs, name: string): Promise<PulledImage> {
    const root = new TemporaryDirectory();
    await using pulled = new TemporaryDirectory();
    const { registry, variables } = programs;
    const copied = await new Deno.Command(Deno.env.get("LLAMA_TEST_SKOPEO") ?? "skopeo", {
      args: [
        ...["copy", "--quiet", "--src-tls-verify=false", "--insecure-policy"],
        ...["--authfile", `${variables["DOCKER_CONFIG"]}/config.json`],
        ...[`docker://${registry.host}/llama:${name}`, `dir:${pulled.path}`],
      ],
    }).output();
    assert(copied.success, textOf(copied.stderr));
    const manifest: Manifest = JSON.parse(await Deno.readTextFile(pulled.join("manifest.json")));
    for (const { digest } of manifest.layers) {
      await run("tar", "-xzpf", pulled.join(digest.replace("sha256:", "")), "-C", root.path);
    }
    await Deno.chmod(root.path, 0o755);
    await Deno.copyFile(emulator, root.join("rie"));
    const { config } = await programs.configuration(name);
    return new PulledImage(programs, root, config);
  }

  private constructor(
    programs: Programs,
    root: TemporaryDirectory,
    { Entrypoint, Cmd, Env }: { Entrypoint: string[]; Cmd: string[]; Env: string[] },
  ) {
    this.#programs = programs;
    this.root = root;
    // bubblewrap itself runs without privileges, so that the modes of files count.
    const drop = Deno.uid() === 0
      ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
      : [];
    const sandbox = [
      ...drop,
      ...["bwrap", "--ro-bind", root.path, "/", "--tmpfs", "/tmp", "--proc", "/proc"],
      ...["--dev", "/dev", "--chdir", "/", "--die-with-parent"],
    ];
    const variables = Env.map((entry) => {
      const equals = entry.indexOf("=");
      return [entry.slice(0, equals), entry.slice(equals + 1)];
    });
    this.#emulator = new Emulator(
      sandbox,
      [...Entrypoint, ...Cmd],
      Object.fromEntries(variables),
    );
  }

  /** Runs `llama invoke` with the image as the function. */
  async invoke(args: readonly string[], options: readonly string[] = []): Promise<Ended> {
    return await this.#programs.run(["invoke", ...options, "function", ...args], {
      environment: await this.#emulator.environment(),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#emulator[Symbol.asyncDispose]();
    await this.root[Symbol.asyncDispose]();
  }
}
