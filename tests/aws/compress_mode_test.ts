import assert from "node:assert/strict";
import { compressionPays, compressModeOf } from "../../lib/aws/compress_mode.ts";
import type { Location } from "../../lib/aws/endpoint.ts";

const away: Location = { region: "us-west-2", endpoints: {} };
const outside = () => Promise.resolve(false);

Deno.test("compression pays on the way to AWS, and not on loopback or inside AWS", async () => {
  const home = { HOME: "/home/me" };
  assert.equal(await compressionPays(home, away, outside), true);
  assert.equal(await compressionPays(home, away, () => Promise.resolve(true)), false);
  for (const url of ["http://127.0.0.1:3001", "http://localhost:3001", "http://[::1]:3001"]) {
    assert.equal(
      await compressionPays(home, { ...away, endpoints: { lambda: url } }, outside),
      false,
    );
  }
  const proxy = { ...away, endpoints: { lambda: "https://lambda.example.test" } };
  assert.equal(await compressionPays(home, proxy, outside), true);
  for (
    const environment of [
      { AWS_EXECUTION_ENV: "CloudShell" },
      { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/role" },
      { AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://127.0.0.1/role" },
    ]
  ) {
    assert.equal(await compressionPays(environment, away, outside), false);
  }
});

Deno.test("LLAMA_COMPRESS is auto, on or off", () => {
  assert.equal(compressModeOf({}), "auto");
  assert.equal(compressModeOf({ LLAMA_COMPRESS: "" }), "auto");
  for (const mode of ["auto", "on", "off"]) {
    assert.equal(compressModeOf({ LLAMA_COMPRESS: mode }), mode);
  }
  assert.throws(() => compressModeOf({ LLAMA_COMPRESS: "yes" }), { code: "config" });
});
