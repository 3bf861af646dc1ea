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

Deno.test("a request with all fields is parsed completely", () => {
  const request = {
    args: ["a", "é"],
    stdin: { s: "in" },
    files: { "in/a.png": { b: "AAE=", m: 0o755 }, "in/b": { r: id } },
    outputs: ["out", "dir/"],
    uploads: { made: { u: "s3://bucket/key", ifNoneMatch: true } },
    timeout: 2.5,
    client: "0.1.0",
    accept: ["zstd"],
    stream: true,
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

Deno.test("a reader ignores fields of messages that it does not know", () => {
  const request = parseRequest('{"args":["x"],"later":{"a":1},"stream":true}');
  assert.deepEqual(request.args, ["x"]);
  const text = '{"status":0,"later":1,"times":{"dns":1},"environment":{"gpu":1},"outputs":{}}';
  assert.equal(parseResponse(text).status, 0);
});

Deno.test("a request with content that the runtime does not know is refused, never read as empty", () => {
  const novel = [
    { y: "KLUv" },
    { y: "KLUv", e: "anything" },
    { z: "KLUv", n: 5, y: true, e: "anything" },
    { s: "", y: 9 },
    { r: id, y: "zst" },
    { r: id, y: true, e: "anything" },
    { v: "anything" },
    // What else is wrong with it may be new as well.
    { s: ["a", "b"], q: 1 },
    { "": "" },
  ];
  for (const blob of novel) {
    for (const message of [{ stdin: blob }, { files: { "in/a": { s: "a" }, f: blob } }]) {
      const text = JSON.stringify(message);
      assert.throws(() => parseRequest(text), (error) => {
        assert(error instanceof LlamaError);
        assert.equal(error.code, "protocol");
        assert.equal(
          error.message,
          "the request is newer than this function's runtime: `llama update-function NAME`",
        );
        assert.match(error.hint ?? "", /^unknown in (stdin|files\.f): "[a-z]?"$/);
        return true;
      }, text);
    }
  }
});

Deno.test("no key but those of a blob is let through, whatever it is called", () => {
  const keys = [
    ...Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)),
    ...["constructor", "toString", "hasOwnProperty", "__proto__", "length", "S", "ss", " s", "é"],
  ];
  for (const key of keys) {
    const text = (blob: string) => `{"status":0,"stdin":${blob},"stdout":${blob}}`;
    const blob = `{${JSON.stringify(key)}:"a"}`;
    // Compressed contents are checked where they are decompressed.
    if (["s", "b", "e", "z"].includes(key)) continue;
    assert.throws(() => parseRequest(text(blob)), { code: "protocol" }, JSON.stringify(key));
    assert.throws(() => parseResponse(text(blob)), { code: "protocol" }, JSON.stringify(key));
  }
});

Deno.test("the advice to update a function names it", () => {
  assert.throws(
    () => parseRequest('{"files":{"f":{"y":""}}}', { functionName: "optipng" }),
    /: `llama update-function optipng`$/,
  );
});

Deno.test("compressed contents have all of their keys and no others", () => {
  const e = "update";
  const z = "KLUv";
  for (
    const blob of [{ z, n: 5, e }, { z, n: 5 }, { r: id, c: "zst", e }, { r: id, c: "zst" }, { z }]
  ) {
    assert.deepEqual(parseRequest(JSON.stringify({ stdin: blob })).stdin, blob);
    assert.deepEqual(parseResponse(JSON.stringify({ status: 0, stdout: blob })).stdout, blob);
  }
  for (
    const blob of [
      ...[{ n: 5 }, { n: 5, e }, { s: "a", n: 1 }, { z, n: 5, s: "a" }, {
        z,
        n: 5,
        r: id,
        c: "zst",
      }],
      ...[{ c: "zst" }, { c: "zst", e }, { s: "a", c: "zst" }, { r: id, c: "gz" }, { r: id, c: 1 }],
      ...[{ r: id, s: "a", c: "zst" }, { r: id, n: 5 }],
    ]
  ) {
    refuses(parseRequest, { files: { f: blob } }, /^the request is not llama's: files\.f/);
    refuses(parseResponse, { status: 0, outputs: { f: blob } }, /^the response is not llama's/);
  }
});

Deno.test("a message that holds more than 64 MiB once decompressed is refused", () => {
  const blob = { z: "KLUv", n: 33 * 1024 * 1024, e: "" };
  assert.equal(Object.keys(parseRequest(JSON.stringify({ files: { a: blob } })).files).length, 1);
  const files = { a: blob, b: blob };
  refuses(
    parseRequest,
    { files },
    /^the request holds 69206016 bytes once decompressed, more than/,
  );
  refuses(parseResponse, { status: 0, outputs: files }, /^the response holds 69206016 bytes once/);
});

Deno.test("a runtime refuses a request that needs an unknown feature", () => {
  const features = { contents: [], files: [], needs: ["uploads"] };
  assert.deepEqual(parseRequest('{"needs":["uploads"]}', { features }).args, []);
  for (const needs of ["[]", "null"]) assert.deepEqual(parseRequest(`{"needs":${needs}}`).args, []);
  assert.throws(() => parseRequest('{"needs":["uploads","tree"]}', { features }), (error) => {
    assert(error instanceof LlamaError);
    assert.match(error.message, /^the request is newer than this function's runtime/);
    assert.equal(error.hint, 'unknown in needs: "tree"');
    return true;
  });
  assert.throws(() => parseRequest('{"needs":["tree"]}'), /newer than this function's runtime/);
  refuses(parseRequest, { needs: "uploads" }, /needs: .*expected array/);
});

Deno.test("a response with content that the client does not know is an error, never an empty file", () => {
  for (
    const message of [
      { status: 0, stdout: { y: "KLUv" } },
      { status: 0, stderr: { y: "KLUv", e: "anything" } },
      { status: 0, outputs: { o: { r: id, y: "zst", m: 0o644 } } },
    ]
  ) {
    assert.throws(() => parseResponse(JSON.stringify(message)), (error) => {
      assert(error instanceof LlamaError);
      assert.equal(error.code, "protocol");
      assert.match(
        error.message,
        /^the response is newer than this llama: unknown in (stdout|stderr|outputs\.o): "y"$/,
      );
      assert.equal(error.hint, "update llama");
      return true;
    });
  }
});

Deno.test("a bad request is an error that names the field", () => {
  refuses(parseRequest, { args: [1] }, /args\.0: .*expected string/);
  refuses(parseRequest, { args: "x" }, /args: /);
  refuses(parseRequest, { files: { "a/b": { s: 1 } } }, /files\.a\/b\.s: /);
  refuses(parseRequest, { files: { a: { s: "x", b: "y" } } }, /files\.a: has more than one/);
  refuses(parseRequest, { files: { a: { s: "x", m: -1 } } }, /files\.a\.m: is not a file mode/);
  refuses(parseRequest, { files: { a: { m: 1.5 } } }, /files\.a\.m: must be a whole number/);
  refuses(parseRequest, { stdin: { r: "../../etc/passwd" } }, /stdin\.r: is not an object id/);
  refuses(parseRequest, { stdin: { r: id.toUpperCase() } }, /stdin\.r: is not an object id/);
  refuses(parseRequest, { timeout: 0 }, /timeout: must be positive/);
  refuses(
    parseRequest,
    { files: { a: { u: "s3://b/k", n: -1, e: "" } } },
    /files\.a: "n" is not a size/,
  );
  refuses(parseRequest, { files: { a: { r: id, c: "gz", e: "" } } }, /c: must be one of zst/);
  refuses(parseRequest, { files: [] }, /files: .*expected object/);
  refuses(parseRequest, { files: { a: null } }, /files\.a: .*expected object/);
  refuses(parseRequest, [], /the document: /);
  refuses(parseRequest, "null", /the document: /);
  refuses(parseRequest, "not JSON", /is not JSON: "not JSON"/);
});

Deno.test("a file that zod would lose is refused, and only that", () => {
  refuses(parseRequest, '{"files":{"__proto__":{"s":"x"}}}', /names a file "__proto__"/);
  const harmless = { args: ["__proto__", '"__proto__":'], files: { a: { s: '"__proto__": 1' } } };
  assert.deepEqual(parseRequest(JSON.stringify(harmless)).args, harmless.args);
});

Deno.test("files may have the names of JavaScript's own properties", () => {
  const names = ["constructor", "toString", "hasOwnProperty", "length", "0", ""];
  const files = Object.fromEntries(names.map((name) => [name, { s: name }]));
  assert.deepEqual(parseRequest(JSON.stringify({ files })).files, files);
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
