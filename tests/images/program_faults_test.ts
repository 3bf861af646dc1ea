/** What goes wrong between a program and the registry, and what another try makes of it. */

import assert from "node:assert/strict";
import { packProgram } from "../../mod.ts";
import { program, type RunOptions } from "../e2e/llama.ts";
import { Terminal } from "../e2e/terminal.ts";
import { registryUser } from "../image/docker_registry.ts";
import { testWith, until } from "../helpers.ts";
import { needs, Programs } from "./programs.ts";

let shared: Programs | undefined;

Deno.test.afterAll(async () => {
  await shared?.[Symbol.asyncDispose]();
});

/** A registry behind which is the real one, and that may answer itself. */
class Proxy implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #programs: Programs;

  /**
   * @param programs The registry, and the place of the logins.
   * @param fault What it answers itself; undefined for what goes on.
   */
  static async start(
    programs: Programs,
    fault: (request: Request) => Promise<Response | undefined> | Response | undefined,
  ): Promise<Proxy> {
    const proxy = new Proxy(programs, fault);
    const auth = btoa(`${registryUser.user}:${registryUser.password}`);
    const hosts = [programs.registry.host, proxy.host];
    const auths = Object.fromEntries(hosts.map((host) => [host, { auth }]));
    await programs.write("docker/config.json", JSON.stringify({ auths }), 0o600);
    return proxy;
  }

  private constructor(
    programs: Programs,
    fault: (request: Request) => Promise<Response | undefined> | Response | undefined,
  ) {
    this.#programs = programs;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        return await fault(request) ?? await this.#forward(request);
      },
    );
  }

  get host(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  async #forward(request: Request): Promise<Response> {
    const { host } = this.#programs.registry;
    const { pathname, search } = new URL(request.url);
    const headers = new Headers(request.headers);
    headers.delete("host");
    const body = request.method === "GET" || request.method === "HEAD"
      ? null
      : await request.arrayBuffer();
    const url = `http://${host}${pathname}${search}`;
    const answer = await fetch(url, { method: request.method, headers, body, redirect: "manual" });
    const answered = new Headers(answer.headers);
    const location = answered.get("location");
    if (location !== null) answered.set("location", location.replace(host, this.host));
    return new Response(answer.body, { status: answer.status, headers: answered });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** The arguments that make a function whose image no other test makes. */
async function args(programs: Programs, host: string, name: string): Promise<string[]> {
  const file = await programs.add(`faults/${name}`, crypto.randomUUID());
  return [
    ...["update-function", "-create", "-registry", `${host}/${name}`, "-runtime", programs.runtime],
    ...["-minimal", "-program", "true", "-include", file, name],
  ];
}

async function repositoryOf(name: string, programs: Programs, path: string): Promise<Response> {
  const basic = btoa(`${registryUser.user}:${registryUser.password}`);
  return await fetch(`http://${programs.registry.host}/v2/${name}/${path}`, {
    headers: {
      authorization: `Basic ${basic}`,
      accept: "application/vnd.docker.distribution.manifest.v2+json",
    },
  });
}

function test(
  name: string,
  body: (programs: Programs) => Promise<void>,
  more: string[] = [],
): void {
  testWith([...needs, ...more], name, async () => {
    shared ??= await Programs.open();
    await body(shared);
  });
}

test("errors of the server and a lost connection cost a repetition, and nothing else", async (programs) => {
  const left = [503, 500, 429];
  let isCut = false;
  await using proxy = await Proxy.start(programs, async (request) => {
    if (request.method !== "PATCH") return undefined;
    const status = left.shift();
    if (status !== undefined) {
      await request.body?.cancel();
      return new Response("", { status, headers: { "retry-after": "0" } });
    }
    if (isCut) return undefined;
    isCut = true;
    await request.body?.cancel();
    // An answer whose connection is cut before its end.
    return new Response(new ReadableStream({ start: (c) => c.error(new Error("cut")) }), {
      status: 202,
    });
  });
  const ended = await programs.aws(await args(programs, proxy.host, "shaky"));
  assert.equal(ended.status, 0, ended.stderr);
  assert.match(ended.stdout, /^created shaky/m);
  assert.deepEqual([left, isCut], [[], true]);
});

test("a run that is killed during the upload leaves nothing half-made, and the next goes on", async (programs) => {
  let uploads = 0;
  const { promise: forever, resolve: release } = Promise.withResolvers<Response>();
  await using proxy = await Proxy.start(programs, async (request) => {
    if (request.method !== "PATCH" || ++uploads !== 2) return undefined;
    await request.body?.cancel();
    return await forever;
  });
  const line = await args(programs, proxy.host, "killed");
  const options: RunOptions = { environment: { ...programs.variables, PATH: "/usr/bin:/bin" } };
  const child = programs.start(line, options);
  await until(() => uploads === 2, "an upload is under way");
  // The wrapper of a test from source is a process of its own.
  child.kill("SIGKILL");
  const { code } = await child.output();
  assert.notEqual(code, 0);
  release(new Response("", { status: 500 }));
  assert.equal((await repositoryOf("killed", programs, "manifests/killed")).status, 404);
  assert.deepEqual(await programs.list("tmp"), []);
  uploads = 2;
  const again = await programs.aws(line);
  assert.equal(again.status, 0, again.stderr);
  assert.match(again.stdout, /^created killed/m);
});

test("a registry that refuses the login is named, and nothing is made", async (programs) => {
  await using proxy = await Proxy.start(programs, () => undefined);
  const wrong = { auths: { [proxy.host]: { auth: btoa("llama:wrong-password") } } };
  await programs.write("docker/config.json", JSON.stringify(wrong), 0o600);
  const { status, stdout, stderr } = await programs.aws(
    await args(programs, proxy.host, "refused"),
  );
  assert.deepEqual([status, stdout], [125, ""]);
  assert.match(stderr, /^llama: the registry 127\.0\.0\.1:\d+ refused HEAD in refused: /m);
  assert.doesNotMatch(stderr, /wrong-password/);
  assert.match((await programs.aws(["functions"])).stdout, /^(?![^]*refused)/);
});

test("a full disk is named, with what to change", async (programs) => {
  await using proxy = await Proxy.start(programs, () => undefined);
  const { status, stdout, stderr } = await programs.run(await args(programs, proxy.host, "full"), {
    environment: { ...programs.variables, PATH: "/usr/bin:/bin" },
    program: [
      ...["bwrap", "--dev-bind", "/", "/", "--size", "2000000", "--tmpfs", programs.temporary],
      ...program,
    ],
  });
  assert.deepEqual([status, stdout], [2, ""], stderr);
  assert.match(stderr, /^llama: cannot keep a layer in \S+: .*[Nn]o space left/m);
  assert.match(stderr, /^llama: hint: set TMPDIR to a directory with room/m);
}, ["LLAMA_TEST_IMAGES"]);

test("the library packs and pushes the image that the command does", async (programs) => {
  await programs.ok("-create", "-program", "true", "by-command");
  await using image = await packProgram({
    programs: ["true"],
    runtime: programs.runtime,
    environment: { PATH: "/usr/bin:/bin", TMPDIR: programs.temporary },
  });
  assert.deepEqual(image.plan.programs, [{ path: "/usr/bin/true", package: "coreutils" }]);
  const reasons = new Map(image.plan.entries.map(({ path, reason }) => [path, reason]));
  assert.equal(reasons.get("/usr/bin/true"), "a program that was named");
  const { digest, blobsSent } = await image.push(`${programs.registry.host}/llama:by-library`, {
    login: registryUser,
  });
  assert.equal(blobsSent, 0);
  const response = await programs.ask("manifests/by-command");
  await response.body?.cancel();
  assert.equal(response.headers.get("docker-content-digest"), digest);
});

testWith(
  [...needs, "LLAMA_TEST_TERMINAL"],
  "on a terminal the upload shows how far it is, and leaves nothing behind",
  async () => {
    shared ??= await Programs.open();
    const programs = shared;
    const { promise: seen, resolve: go } = Promise.withResolvers<void>();
    let pieces = 0;
    await using proxy = await Proxy.start(programs, async ({ method }) => {
      // The first piece has arrived, and the next one takes its time.
      if (method === "PATCH" && ++pieces === 2) await seen;
      return undefined;
    });
    await using terminal = await Terminal.open(programs, {
      columns: 60,
      rows: 12,
      environment: programs.variables,
    });
    try {
      await terminal.enter(`llama ${(await args(programs, proxy.host, "shown")).join(" ")}`);
      await terminal.untilShown(/^sending the \w+: \d[.\d]* MB of \d[.\d]* MB$/m);
    } finally {
      go();
    }
    await terminal.untilShown(/^created shown: image/m);
    await terminal.untilPrompt();
    const history = await terminal.history();
    assert(!history.slice(history.indexOf("shown:")).includes("sending the"), history);
    assert(await terminal.isSound());
  },
);
