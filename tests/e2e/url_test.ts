import assert from "node:assert/strict";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Workplace } from "./llama.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

Deno.test("llama runs straight from a URL, in a folder without a deno.json", async () => {
  await using place = new Workplace();
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
  const origin = `http://127.0.0.1:${server.addr.port}`;
  const url = `${origin}/cli.ts`;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    // An earlier run may have had the same port, and its modules be in the cache.
    args: [
      "run",
      "-A",
      "--quiet",
      "--no-prompt",
      `--reload=${origin}`,
      url,
      "-local",
      "invoke",
      "hello",
      "world",
    ],
    cwd: place.here(),
    clearEnv: true,
    env: place.environment(),
  }).output();
  assert.equal(new TextDecoder().decode(stderr), "");
  assert.deepEqual([code, new TextDecoder().decode(stdout)], [0, "Received args: world\n"]);
  assert(served.includes("/cli.ts") && served.includes("/runtime.ts"), served.join());
});
