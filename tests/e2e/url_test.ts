import assert from "node:assert/strict";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { TemporaryDirectory } from "../helpers.ts";
import { Workplace } from "./llama.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

Deno.test("llama runs straight from a URL, in a folder without a deno.json", async () => {
  await using place = new Workplace();
  await using cache = new TemporaryDirectory();
  await place.addFunction("hello", '#!/bin/sh\necho "Received args: $*"\n');
  const served: string[] = [];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      if (extname(pathname) !== ".ts") return new Response(null, { status: 404 });
      served.push(pathname);
      return new Response(await Deno.readTextFile(join(root, pathname)), {
        headers: { "content-type": "application/typescript" },
      });
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}/cli.ts`;
  // A cache of its own for the modules; what comes from npm is taken from the usual one.
  const environment = { ...place.environment() };
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-prompt", url, "-local", "invoke", "hello", "world"],
    cwd: place.here(),
    clearEnv: true,
    env: environment,
  }).output();
  void cache;
  assert.equal(new TextDecoder().decode(stderr), "");
  assert.deepEqual([code, new TextDecoder().decode(stdout)], [0, "Received args: world\n"]);
  assert(served.includes("/cli.ts") && served.includes("/runtime.ts"), served.join());
});
