/** llama run from a URL, in a directory without a deno.json. */

import assert from "node:assert/strict";
import { extname, join } from "node:path";
import { root } from "../../scripts/shell.ts";
import { testWith, textOf } from "../helpers.ts";
import { Workplace } from "./llama.ts";
import { motoEnvironment, startMoto } from "./servers.ts";

/** Serves the sources, and runs llama from there. */
class Web implements AsyncDisposable {
  readonly served: string[] = [];
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      if (extname(pathname) !== ".ts") return new Response(null, { status: 404 });
      this.served.push(pathname);
      return new Response(await Deno.readTextFile(join(root, pathname)), {
        headers: { "content-type": "application/typescript" },
      });
    },
  );

  async run(
    place: Workplace,
    args: readonly string[],
    env: Record<string, string> = {},
    deno: string = Deno.execPath(),
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    const origin = `http://127.0.0.1:${this.#server.addr.port}`;
    // The cache may have modules from an earlier run on the same port.
    const options = ["-A", "--quiet", "--no-prompt", `--reload=${origin}`];
    const { code, stdout, stderr } = await new Deno.Command(deno, {
      args: ["run", ...options, `${origin}/cli.ts`, ...args],
      cwd: place.here(),
      clearEnv: true,
      env: { ...place.environment(), ...env },
    }).output();
    return { code, stdout: textOf(stdout), stderr: textOf(stderr) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

Deno.test("llama runs from a URL, in a directory without a deno.json", async () => {
  await using place = new Workplace();
  await place.addFunction("hello", '#!/bin/sh\necho "Received args: $*"\n');
  await using web = new Web();
  const { code, stdout, stderr } = await web.run(place, ["-local", "invoke", "hello", "world"]);
  assert.equal(stderr, "");
  assert.deepEqual([code, stdout], [0, "Received args: world\n"]);
  assert(web.served.includes("/cli.ts") && web.served.includes("/runtime.ts"), web.served.join());
});

const needs = ["LLAMA_TEST_MOTO", "LLAMA_TEST_DENO", "LLAMA_TEST_DENORT"];

testWith(needs, "bootstrap from a URL compiles the runtime, the same each time", async () => {
  await using place = new Workplace();
  await using moto = await startMoto();
  await using web = new Web();
  const env = {
    ...motoEnvironment(moto),
    DENORT_BIN: Deno.env.get("LLAMA_TEST_DENORT") ?? "",
    DENO_TLS_CA_STORE: "system",
  };
  const bootstrap = () =>
    web.run(place, ["bootstrap", "-region", "us-west-2"], env, Deno.env.get("LLAMA_TEST_DENO"));
  const first = await bootstrap();
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stderr, /^llama: compiling the runtime for x86_64\n/);
  assert.match(
    first.stderr,
    /llama: runtime layer: a zip of 3\d\.\d MB\nllama: the layer is published\n/,
  );
  assert.match((await bootstrap()).stderr, /llama: the layer is already published\n/);
});

testWith(
  ["LLAMA_TEST_MOTO"],
  "a runtime that cannot be compiled is reported on one line, and nothing is created",
  async () => {
    await using place = new Workplace();
    await using moto = await startMoto();
    await using web = new Web();
    const env = { ...motoEnvironment(moto), DENORT_BIN: "/nonexistent/denort" };
    const { code, stderr } = await web.run(place, ["bootstrap", "-region", "us-west-2"], env);
    assert.equal(code, 125);
    assert.match(
      stderr,
      /^llama: compiling .*\nllama: cannot compile the runtime: deno compile: .*\nllama: hint: add -runtime FILE with the runtime's zip from a release\n$/,
    );
  },
);
