import assert from "node:assert/strict";
import { commandEnvironment } from "../../lib/runtime/command_environment.ts";

const environment = {
  PATH: "/bin",
  AWS_REGION: "eu-west-1",
  AWS_SECRET_ACCESS_KEY: "secret",
  AWS_ACCESS_KEY_ID: "id",
  AWS_SESSION_TOKEN: "token",
  AWS_LAMBDA_RUNTIME_API: "127.0.0.1:1/key",
  DENO_DIR: "/cache",
  LLAMA_LOCAL: "1",
  LLAMA_OBJECT_STORE: "file:///store",
  LLAMA_ENVIRONMENT: "7",
};

Deno.test("on Lambda a command inherits everything, and gets its invocation's trace", async () => {
  assert.deepEqual(await commandEnvironment(environment, { traceId: "Root=1", isLocal: false }), {
    environment: { _X_AMZN_TRACE_ID: "Root=1" },
    onlyThese: false,
  });
});

Deno.test("under the emulator a command gets no secrets, but the mark by which it is found", async () => {
  assert.deepEqual(await commandEnvironment(environment, { traceId: undefined, isLocal: true }), {
    environment: { PATH: "/bin", AWS_REGION: "eu-west-1", LLAMA_ENVIRONMENT: "7" },
    onlyThese: true,
  });
});
