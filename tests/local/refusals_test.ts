import assert from "node:assert/strict";
import { sha256 } from "../../lib/files/hash.ts";
import { textOf } from "../helpers.ts";
import { appears, call, fakeFunction, startLambda, statusOf } from "./helpers.ts";

Deno.test("calls are refused as AWS refuses them", async () => {
  await using test = await startLambda({
    functions: [fakeFunction("f"), fakeFunction("g", { concurrency: 0 })],
    functionsFrom: "my images",
  });
  const refusal = async (call: Promise<Response>) => {
    const response = await call;
    return [response.status, response.headers.get("x-amzn-errortype"), await response.json()];
  };
  const unknown = await call(test, "nobody", {});
  assert.equal(decodeURIComponent(unknown.headers.get("x-llama-functions") ?? ""), "f,g");
  assert.equal(
    decodeURIComponent(unknown.headers.get("x-llama-functions-from") ?? ""),
    "my images",
  );
  assert.deepEqual(await refusal(Promise.resolve(unknown)), [404, "ResourceNotFoundException", {
    Type: "User",
    Message: "Function not found: arn:aws:lambda:local-1:000000000000:function:nobody",
  }]);
  assert.deepEqual(await refusal(call(test, "f:live", {})), [404, "ResourceNotFoundException", {
    Type: "User",
    Message: "Function not found: arn:aws:lambda:local-1:000000000000:function:f:live",
  }]);
  assert.deepEqual(await refusal(call(test, "g", {})), [429, "TooManyRequestsException", {
    Reason: "ReservedFunctionConcurrentInvocationLimitExceeded",
    Type: "User",
    message: "Rate Exceeded.",
  }]);
  const large = JSON.stringify("x".repeat(6_291_455));
  assert.deepEqual(await refusal(call(test, "f", large)), [413, "RequestTooLargeException", {
    Type: "User",
    message: "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
  }]);
  const [status, type, { message }] = await refusal(call(test, "f", "{"));
  assert.equal(status, 400);
  assert.equal(type, "InvalidRequestContentException");
  assert.match(message, /^Could not parse request body into json: /);
  const credentials = { accessKeyId: "AKIAOTHER", secretAccessKey: "x" };
  const stranger = await refusal(call(test, "f", {}, { credentials }));
  assert.deepEqual(stranger.slice(0, 2), [403, "UnrecognizedClientException"]);
  const datetime = "20200101T000000Z";
  const late = await refusal(call(test, "f", {}, { datetime }));
  assert.deepEqual(late.slice(0, 2), [403, "InvalidSignatureException"]);
  const other = await refusal(
    call(test, "f", "", { method: "GET", path: "/2015-03-31/functions" }),
  );
  assert.deepEqual(other.slice(0, 2), [404, "UnknownOperationException"]);
});

Deno.test("a call without a signature is refused on every path", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")] });
  const paths = [
    "/2015-03-31/functions/f/invocations",
    "/2018-06-01/runtime/invocation/next",
    `/${"0".repeat(32)}/2018-06-01/runtime/invocation/next`,
    "/",
  ];
  for (const path of paths) {
    for (const method of ["GET", "POST"]) {
      const response = await fetch(test.lambda.endpoint + path, { method, client: test.client });
      await response.body?.cancel();
      assert.equal(response.status, 403, `${method} ${path}`);
    }
  }
});

Deno.test("the Runtime API takes its own key, and no guess at it", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")] });
  const { environment } = await (await call(test, "f", {})).json();
  const api = `http://${environment.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;
  const key = /[0-9a-f]{32}/.exec(api)?.[0] ?? "";
  const post = async (url: string) => {
    const response = await fetch(url, { method: "POST", body: "{}", client: test.client });
    await response.body?.cancel();
    return response.status;
  };
  // What is wrong here is the invocation's id: the key was right.
  assert.equal(await post(`${api}/invocation/x/response`), 400);
  const last = key.endsWith("0") ? "1" : "0";
  const guesses = ["0".repeat(32), key.slice(0, -1) + last, key.slice(0, -1), `${key}0`, ""];
  for (const guess of guesses) {
    for (const path of ["/invocation/x/response", "/invocation/x/error", "/init/error"]) {
      assert.equal(await post(api.replace(key, guess) + path), 403, `${guess} ${path}`);
    }
    const next = await fetch(`${api.replace(key, guess)}/invocation/next`, { client: test.client });
    await next.body?.cancel();
    assert.equal(next.status, 403, guess);
  }
});

Deno.test("an unsigned call is refused before its body has arrived", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")] });
  const { hostname, port, host } = new URL(test.lambda.endpoint);
  const { accessKeyId } = test.lambda.credentials;
  const date = new Date().toISOString().replace(/[:-]|\.\d{3}/g, "");
  const forged = `Authorization: AWS4-HMAC-SHA256 Credential=${accessKeyId}/${date.slice(0, 8)}/` +
    `local-1/lambda/aws4_request, SignedHeaders=host, Signature=${"0".repeat(64)}\r\n` +
    `X-Amz-Date: ${date}\r\nX-Amz-Content-Sha256: ${sha256("{}")}\r\n`;
  for (const authorization of ["", "Authorization: Bearer x\r\n", forged]) {
    for (const length of ["Content-Length: 6000000", "Transfer-Encoding: chunked"]) {
      using connection = await Deno.connect({ hostname, port: Number(port) });
      const write = (text: string) => connection.write(new TextEncoder().encode(text));
      await write(
        `POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nHost: ${host}\r\n` +
          `${authorization}${length}\r\n\r\n`,
      );
      const buffer = new Uint8Array(4096);
      const count = await connection.read(buffer) ?? 0;
      assert.match(textOf(buffer.subarray(0, count)), /^HTTP\/1\.1 403 /);
      // Somebody who goes on for ever is cut off.
      const piece = `10000\r\n${"x".repeat(65_536)}\r\n`;
      let sent = 0;
      try {
        while (sent < 100 * 1024 ** 2) sent += await write(piece);
      } catch (error) {
        assert(/reset|broken pipe/i.test(String(error)), String(error));
      }
      assert(sent < 100 * 1024 ** 2, `${sent} bytes were taken`);
    }
  }
  assert.equal(await statusOf(call(test, "f", {})), 200);
});

Deno.test("a caller with wrong keys and a large body gets an answer, and so does the next", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")] });
  const body = JSON.stringify("x".repeat(6_000_000));
  const credentials = { accessKeyId: "AKIAOTHER", secretAccessKey: "x" };
  for (let round = 0; round < 5; round++) {
    const response = await call(test, "f", body, { credentials });
    assert.equal(response.headers.get("x-amzn-errortype"), "UnrecognizedClientException");
    assert.match(await response.text(), /security token/);
  }
});

Deno.test("reserved concurrency limits concurrent calls", async () => {
  await using test = await startLambda({
    functions: [fakeFunction("f", { concurrency: 1 })],
    concurrency: 2,
  });
  const [go, there] = [`${test.directory}/go`, `${test.directory}/there`];
  const first = call(test, "f", { touch: there, awaitFile: go });
  await appears(there);
  assert.equal(await statusOf(call(test, "f", {})), 429);
  await Deno.writeTextFile(go, "");
  await (await first).body?.cancel();
  assert.equal(await statusOf(call(test, "f", {})), 200);
});

Deno.test("the payload's hash may be signed, as by AWS's own tools", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")] });
  const headers = { "x-amz-content-sha256": sha256("{}") };
  assert.equal(await statusOf(call(test, "f", {}, { headers })), 200);
  assert.equal(await statusOf(call(test, "f", { other: 1 }, { headers })), 403);
});
