import assert from "node:assert/strict";
import { type ErrorCode, LlamaError } from "../../lib/errors.ts";
import { JobError } from "../../lib/runtime/job_error.ts";
import { toJobError } from "../../lib/runtime/to_job_error.ts";

Deno.test("each failure has one of the protocol's error types", () => {
  const types: [ErrorCode, string][] = [
    ["protocol", "Llama.BadRequest"],
    ["missing-object", "Llama.MissingObject"],
    ["store", "Llama.StoreError"],
    ["credentials", "Llama.StoreError"],
    ["config", "Llama.StoreError"],
    ["network", "Llama.StoreError"],
    ["too-large", "Llama.Internal"],
  ];
  for (const [code, type] of types) {
    assert.equal(toJobError(new LlamaError(code, "x"), "/tmp").type, type);
  }
  assert.equal(toJobError(new TypeError("x"), "/tmp").type, "Llama.Internal");
  const error = new JobError("Llama.MissingObject", "x", { objects: ["1"] });
  assert.equal(toJobError(error, "/tmp"), error);
  assert.deepEqual(error.payload(), {
    errorMessage: "x",
    errorType: "Llama.MissingObject",
    objects: ["1"],
  });
});

Deno.test("a full disk and a full store are told apart", () => {
  const full = new Error("No space left on device (os error 28): write '/tmp/x'");
  const message = "/tmp is full: the job needs more room for its files (on Lambda, raise the " +
    "function's ephemeral storage)";
  assert.equal(toJobError(full, "/tmp").message, message);
  const wrapped = new LlamaError("input", "cannot read", { cause: full });
  assert.equal(toJobError(wrapped, "/tmp").message, message);
  const store = new LlamaError("store", "cannot store", { cause: full, hint: "make room" });
  assert.equal(toJobError(store, "/tmp").message, "cannot store (make room)");
});
