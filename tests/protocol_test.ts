import assert from "node:assert/strict";
import { LlamaError } from "../lib/errors.ts";
import {
  parseFunctionError,
  parseRequest,
  parseResponse,
  permissionBits,
} from "../lib/protocol.ts";

const id = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

function refuses(parse: (text: string) => unknown, document: unknown, message: RegExp): void {
  const text = typeof document === "string" ? document : JSON.stringify(document);
  assert.throws(() => parse(text), (error) => {
    assert(error instanceof LlamaError);
    assert.equal(error.code, "protocol");
    assert.match(error.message, message);
    return true;
  });
}

Deno.test("a request with everything in it is read as it is", () => {
  const request = {
    args: ["a", "é"],
    stdin: { s: "in" },
    files: { "in/a.png": { b: "AAE=", m: 0o755 }, "in/b": { r: id } },
    outputs: ["out", "dir/"],
    timeout: 2.5,
    client: "0.1.0",
  };
  assert.deepEqual(parseRequest(JSON.stringify(request)), request);
});

Deno.test("null, absent and empty mean the same in a request", () => {
  const empty = parseRequest("{}");
  assert.deepEqual(
    parseRequest('{"args":null,"stdin":null,"files":null,"outputs":null,"timeout":null}'),
    empty,
  );
  assert.deepEqual(parseRequest('{"args":[],"files":{},"outputs":[]}'), empty);
  assert.deepEqual(empty.args, []);
});

Deno.test("null, absent and empty mean the same in a response", () => {
  const empty = parseResponse('{"status":3}');
  assert.deepEqual(
    parseResponse('{"status":3,"stdout":null,"stderr":{},"outputs":null,"times":null}'),
    empty,
  );
  assert.deepEqual(empty.stdout, {});
  assert.equal(empty.status, 3);
});

Deno.test("a reader ignores fields that it does not know", () => {
  const request = parseRequest('{"args":["x"],"later":{"a":1},"files":{"f":{"s":"","z":9}}}');
  assert.deepEqual(request.args, ["x"]);
  assert.deepEqual(request.files, { f: { s: "" } });
});

Deno.test("a bad request is an error that names the field", () => {
  refuses(parseRequest, { args: [1] }, /args\.0: .*expected string/);
  refuses(parseRequest, { args: "x" }, /args: /);
  refuses(parseRequest, { files: { "a/b": { s: 1 } } }, /files\.a\/b\.s: /);
  refuses(parseRequest, { files: { a: { s: "x", b: "y" } } }, /files\.a: has more than one/);
  refuses(parseRequest, { files: { a: { s: "x", m: -1 } } }, /files\.a\.m: /);
  refuses(parseRequest, { files: { a: { m: 1.5 } } }, /files\.a\.m: must be a whole number/);
  refuses(parseRequest, { stdin: { r: "../../etc/passwd" } }, /stdin\.r: is not an object id/);
  refuses(parseRequest, { stdin: { r: id.toUpperCase() } }, /stdin\.r: is not an object id/);
  refuses(parseRequest, { timeout: 0 }, /timeout: /);
  refuses(parseRequest, [], /the document: /);
  refuses(parseRequest, "null", /the document: /);
  refuses(parseRequest, "not JSON", /is not JSON: "not JSON"/);
});

Deno.test("a file that zod would lose is refused, and only that", () => {
  refuses(parseRequest, '{"files":{"__proto__":{"s":"x"}}}', /names a file "__proto__"/);
  const harmless = { args: ["__proto__", '"__proto__":'], files: { a: { s: '"__proto__": 1' } } };
  assert.deepEqual(parseRequest(JSON.stringify(harmless)).args, harmless.args);
});

Deno.test("a bad response is an error that names the field", () => {
  refuses(parseResponse, {}, /status: .*expected number/);
  refuses(parseResponse, { status: 1.5 }, /status: must be a whole number/);
  refuses(parseResponse, { status: 0, stdout: { s: "a", r: id } }, /stdout: has more than one/);
  refuses(parseResponse, { status: 0, outputs: { x: { r: "y" } } }, /outputs\.x\.r: /);
});

Deno.test("a function error of any shape has a type and a message", () => {
  assert.deepEqual(
    parseFunctionError(
      `{"errorMessage":"m","errorType":"Llama.MissingObject","objects":["${id}"]}`,
    ),
    { errorMessage: "m", errorType: "Llama.MissingObject", objects: [id] },
  );
  assert.equal(parseFunctionError('{"errorMessage":"m"}').errorType, "Unhandled");
  assert.deepEqual(parseFunctionError("oops"), {
    errorMessage: "oops",
    errorType: "Unhandled",
    objects: undefined,
  });
  assert.equal(parseFunctionError('{"errorMessage":5}').errorMessage, '{"errorMessage":5}');
});

Deno.test("a mode counts by its low nine bits, and absent or 0 means 0644", () => {
  assert.equal(permissionBits({ m: 0o755 }), 0o755);
  assert.equal(permissionBits({ m: 0o100600 }), 0o600);
  assert.equal(permissionBits({ m: 0 }), 0o644);
  assert.equal(permissionBits({}), 0o644);
});
