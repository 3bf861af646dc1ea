import assert from "node:assert/strict";
import { AwsClient, type AwsClientOptions } from "../../../lib/aws/client.ts";
import { Lambda } from "../../../lib/aws/api/lambda_invoke.ts";
import { AwsV4Signer } from "npm:aws4fetch@1.0.20";
import { FunctionError, LlamaError } from "../../../lib/errors.ts";
import { isFunctionTimeout } from "../../../lib/functions/timeout.ts";

const credentials = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  sessionToken: "the/token==",
};

const encode = (text: string) => new TextEncoder().encode(text);

/** A server that answers each request as the test says, and a client for it. */
function lambda(
  answer: (request: Request) => Response | Promise<Response>,
  options: Partial<AwsClientOptions> & { maxRetries?: number } = {},
) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  const lines: string[] = [];
  const { maxRetries, ...more } = options;
  const client = new AwsClient({
    credentials: () => Promise.resolve(credentials),
    location: () =>
      Promise.resolve({
        region: "us-west-2",
        endpoints: { lambda: `http://127.0.0.1:${server.addr.port}` },
      }),
    debug: (line) => lines.push(line),
    ...more,
  });
  return {
    lambda: new Lambda(client, maxRetries),
    lines,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await server.shutdown();
    },
  };
}

function failsWith(code: string, message: RegExp, hint?: RegExp) {
  return (error: unknown) => {
    assert(error instanceof LlamaError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    if (hint) assert.match(error.hint ?? "", hint);
    return true;
  };
}

function awsError(status: number, type: string, body: unknown, headers = {}): Response {
  return Response.json(body, { status, headers: { "x-amzn-errortype": type, ...headers } });
}

Deno.test("an invocation is one signed POST, and its answer is returned", async () => {
  let seen = { url: "", headers: new Headers() };
  let body = "";
  await using server = lambda(async (request) => {
    // What belongs to the server's request is gone once it is answered.
    seen = { url: request.url, headers: new Headers(request.headers) };
    body = await request.text();
    return new Response('{"status":0}', {
      headers: {
        "x-amzn-requestid": "id-1",
        "x-amz-log-result": btoa("START\nEND\n"),
        "x-amz-executed-version": "7",
      },
    });
  });
  const answer = await server.lambda.invoke("hello:live", encode('{"args":["é"]}'), { logs: true });
  assert.deepEqual(answer, {
    payload: '{"status":0}',
    payloadBytes: 12,
    logTail: "START\nEND\n",
    requestId: "id-1",
    version: "7",
  });
  assert.equal(body, '{"args":["é"]}');
  assert.equal(new URL(seen.url).pathname, "/2015-03-31/functions/hello%3Alive/invocations");
  assert.equal(seen.headers.get("x-amz-log-type"), "Tail");
  assert.equal(seen.headers.get("x-amz-security-token"), credentials.sessionToken);

  const authorization = seen.headers.get("authorization") ?? "";
  const names = /SignedHeaders=([^,]*)/.exec(authorization)?.[1]?.split(";") ?? [];
  const headers = names.filter((name) => name !== "host")
    .map((name): [string, string] => [name, seen.headers.get(name) ?? ""]);
  const again = new AwsV4Signer({
    ...credentials,
    service: "lambda",
    region: "us-west-2",
    method: "POST",
    url: seen.url,
    headers,
    datetime: seen.headers.get("x-amz-date") ?? "",
    allHeaders: true,
  });
  assert.equal(await again.authHeader(), authorization);
});

Deno.test("a function's error has its type, message, log and missing objects", async () => {
  const id = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
  await using server = lambda(() =>
    Response.json({ errorMessage: "not there", errorType: "Llama.MissingObject", objects: [id] }, {
      headers: { "x-amz-function-error": "Unhandled", "x-amz-log-result": btoa("log\n") },
    })
  );
  await assert.rejects(server.lambda.invoke("f", encode("{}")), (error) => {
    assert(error instanceof FunctionError);
    assert.equal(error.message, "f: Llama.MissingObject: not there");
    assert.deepEqual([error.logTail, error.missingObjects], ["log\n", [id]]);
    return true;
  });
});

Deno.test("Lambda's errors become ours", async () => {
  const answers: [Response, ReturnType<typeof failsWith>][] = [
    [
      awsError(404, "ResourceNotFoundException", { Message: "Function not found: arn" }),
      failsWith("no-such-function", /^no function "f" in us-west-2$/, /`llama functions`/),
    ],
    [
      awsError(404, "ResourceNotFoundException", { Message: "x" }, {
        "x-llama-functions": "hello,optipng",
        "x-llama-functions-from": encodeURIComponent("/tmp/ü/images"),
      }),
      failsWith("no-such-function", /^no function "f"$/, /hello, optipng \(in \/tmp\/ü\/images\)/),
    ],
    [
      awsError(429, "TooManyRequestsException", { message: 'Rate "Exceeded".' }),
      failsWith("throttled", /TooManyRequestsException: Rate "Exceeded"\.$/),
    ],
    [
      awsError(413, "RequestTooLargeException", { Message: "too large" }),
      failsWith("too-large", /too large/),
    ],
    [
      awsError(403, "InvalidSignatureException:http://internal/", { message: "bad" }),
      failsWith("credentials", /InvalidSignatureException: bad$/),
    ],
    [new Response("<html>", { status: 502 }), failsWith("service", /HTTP status 502: <html>/)],
  ];
  for (const [response, check] of answers) {
    await using server = lambda(() => response.clone(), { maxAttempts: 1 });
    await assert.rejects(server.lambda.invoke("f", encode("{}")), check);
  }
});

Deno.test("what Lambda says of a function, and not of a job, affects all jobs", async () => {
  // With the status that the API's reference has for each.
  const types: Record<string, number> = {
    EC2AccessDeniedException: 502,
    EFSMountFailureException: 403,
    InvalidParameterValueException: 400,
    InvalidRuntimeException: 502,
    InvalidSecurityGroupIDException: 502,
    InvalidSubnetIDException: 502,
    InvalidZipFileException: 502,
    KMSAccessDeniedException: 502,
    KMSDisabledException: 502,
    KMSInvalidStateException: 502,
    KMSNotFoundException: 502,
    SnapStartException: 400,
    ValidationException: 400,
  };
  const ofJobs: Record<string, number> = {
    EFSMountTimeoutException: 408,
    ENILimitReachedException: 502,
    InvalidRequestContentException: 400,
    ServiceException: 500,
  };
  for (const [type, status] of Object.entries({ ...types, ...ofJobs })) {
    let calls = 0;
    await using server = lambda(() => {
      calls++;
      return awsError(status, type, { Message: "why" });
    }, { maxRetries: type in types ? 8 : 0 });
    await assert.rejects(server.lambda.invoke("f", encode("{}")), (error) => {
      assert(error instanceof LlamaError);
      assert.deepEqual(
        [error.code, error.message, error.hint, error.affectsAll],
        ["service", `Lambda refused f: ${type}: why`, undefined, type in types],
      );
      return true;
    });
    assert.equal(calls, 1, type);
  }
});

Deno.test("a refusal without words ends with its type", async () => {
  await using server = lambda(() => new Response(null, { status: 413 }));
  await assert.rejects(
    server.lambda.invoke("f", encode("{}")),
    failsWith("too-large", /^Lambda refused f: HTTP status 413$/),
  );
});

Deno.test("a request over Lambda's limit is not sent", async () => {
  await using server = lambda(() => new Response("{}"));
  const payload = encode(JSON.stringify("x".repeat(6_291_456)));
  await assert.rejects(
    server.lambda.invoke("f", payload),
    failsWith("too-large", /6291458 bytes of JSON; Lambda's limit is 6291456/),
  );
  assert.deepEqual(server.lines, []);
});

Deno.test("an abort ends the wait with the caller's reason", async () => {
  const arrived = Promise.withResolvers<void>();
  const release = Promise.withResolvers<Response>();
  await using server = lambda(() => {
    arrived.resolve();
    return release.promise;
  });
  const controller = new AbortController();
  const waiting = server.lambda.invoke("f", encode("{}"), { signal: controller.signal });
  await arrived.promise;
  controller.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  release.resolve(new Response());
});

Deno.test("-debug-aws shows requests and answers, but no secrets", async () => {
  await using server = lambda(() => new Response("{}", { headers: { "x-amzn-requestid": "r-9" } }));
  await server.lambda.invoke("f", encode("{}"));
  const [request = "", answer = ""] = server.lines;
  assert.match(request, /^> 1 POST http:.*\/functions\/f\/invocations$/);
  assert.match(answer, /^< 1 200 in [\d.]+ ms, request id r-9$/);
  const all = server.lines.join("\n");
  for (const secret of Object.values(credentials)) assert(!all.includes(secret));
});

Deno.test("a call waits for a function that is being created or updated", async () => {
  let number = 0;
  const notices: string[] = [];
  await using server = lambda(
    () =>
      ++number < 3
        ? awsError(409, "ResourceConflictException", { Message: "The function is Pending" })
        : new Response("{}"),
    { onNotice: (message) => notices.push(message) },
  );
  assert.equal((await server.lambda.invoke("f", encode("{}"))).payload, "{}");
  assert.equal(number, 3);
  assert.deepEqual(notices, [
    "Lambda refused f: ResourceConflictException: The function is Pending; " +
    "retrying for up to 5 minutes",
  ]);
});

Deno.test("the error for a function that Lambda ended says what to change", async () => {
  const failures: [Record<string, string>, RegExp][] = [
    [
      { errorType: "Sandbox.Timedout", errorMessage: "Task timed out after 3.00 seconds" },
      /raise the function's timeout/,
    ],
    // What Lambda itself says leaves the type out.
    [{ errorMessage: "2026-11-24T00:00:00Z id Task timed out after 3.00 seconds" }, /timeout/],
    [
      { errorType: "Runtime.ExitError", errorMessage: "Runtime exited with error: signal: killed" },
      /raise the function's memory/,
    ],
    [
      { errorType: "Function.ResponseSizeTooLarge", errorMessage: "Response payload size" },
      /LLAMA_OBJECT_STORE/,
    ],
  ];
  for (const [payload, hint] of failures) {
    await using server = lambda(() =>
      Response.json(payload, { headers: { "x-amz-function-error": "Unhandled" } })
    );
    await assert.rejects(
      server.lambda.invoke("f", encode("{}")),
      failsWith("function", /^f: /, hint),
    );
  }
});

Deno.test("a function's timeout is told apart from other failures, with AWS's emulator too", async () => {
  const answers: [BodyInit, boolean][] = [
    ['{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 1 Error: Task timed out"}', true],
    ['{"errorMessage":"2026-11-24T00:00:00Z id Task timed out after 3.00 seconds"}', true],
    ["Task timed out after 3.00 seconds", true],
    ['{"errorType":"Llama.Internal","errorMessage":"Task timed out after 3.00 seconds"}', false],
    ['{"errorType":"Runtime.ExitError","errorMessage":"signal: killed"}', false],
  ];
  for (const [body, isTimeout] of answers) {
    await using server = lambda(() => new Response(body));
    await assert.rejects(server.lambda.invoke("f", encode("{}")), (error) => {
      assert(error instanceof FunctionError);
      assert.equal(isFunctionTimeout(error), isTimeout, String(body));
      return true;
    });
  }
});

Deno.test("throttling is reported once, with where to raise the limit", async () => {
  let number = 0;
  const notices: [string, string | undefined][] = [];
  const noticed = Promise.withResolvers<void>();
  await using server = lambda(
    () =>
      ++number % 2 === 1
        ? awsError(429, "TooManyRequestsException", { message: "Rate Exceeded." })
        : new Response("{}"),
    {
      onNotice: (message, hint) => {
        notices.push([message, hint]);
        noticed.resolve();
      },
    },
  );
  await server.lambda.invoke("f", encode("{}"));
  await server.lambda.invoke("f", encode("{}"));
  await noticed.promise;
  const [[message, hint] = []] = notices;
  assert.equal(notices.length, 1);
  assert.match(message ?? "", /^Lambda is throttling: reduced to about 1 concurrent job$/);
  assert.match(hint ?? "", /Service Quotas/);
});

Deno.test("a refused invocation has not run, and one with a lost answer may have", async () => {
  const cases: [() => Response, boolean][] = [
    [() => new Response("{}"), true],
    [() => awsError(429, "TooManyRequestsException", { message: "Rate Exceeded." }), false],
    [() => awsError(404, "ResourceNotFoundException", { Message: "no such function" }), false],
    [() => awsError(403, "AccessDeniedException", { Message: "no" }), false],
    [() => awsError(413, "RequestTooLargeException", { message: "too large" }), false],
    [() => awsError(409, "ResourceConflictException", { Message: "Pending" }), false],
    [() => awsError(500, "ServiceException", { Message: "failed" }), true],
  ];
  for (const [answer, mayHaveRun] of cases) {
    await using server = lambda(answer, { maxAttempts: 1 });
    const delivery = { mayHaveRun: false };
    await server.lambda.invoke("f", encode("{}"), { delivery }).catch(() => {});
    assert.equal(delivery.mayHaveRun, mayHaveRun, (await answer().text()) || "");
  }
  await using server = lambda(() => new Response("{}"), {
    credentials: () => Promise.reject(new LlamaError("credentials", "there are none")),
  });
  const delivery = { mayHaveRun: false };
  await assert.rejects(server.lambda.invoke("f", encode("{}"), { delivery }));
  assert.equal(delivery.mayHaveRun, false);
});

Deno.test("an attempt that may have run counts, whatever happens to the next", async () => {
  let number = 0;
  await using server = lambda(
    () =>
      ++number === 1
        ? awsError(500, "ServiceException", { Message: "failed" })
        : awsError(404, "ResourceNotFoundException", { Message: "gone" }),
    {},
  );
  const delivery = { mayHaveRun: false };
  await assert.rejects(server.lambda.invoke("f", encode("{}"), { delivery }));
  assert.deepEqual([number, delivery.mayHaveRun], [2, true]);
});
