import assert from "node:assert/strict";
import { FakeLambda, textOf } from "./fake_lambda.ts";

Deno.test("a request in another format is refused, and the error names the field", async () => {
  await using lambda = new FakeLambda();
  const cases: [object | string, RegExp][] = [
    ["{", /^the request is not JSON/],
    ["[]", /^the request is not llama's: the document/],
    [{ args: "x" }, /^the request is not llama's: args: /],
    [{ files: { a: { m: -1 } } }, /files\.a\.m/],
    [{ files: { a: { s: "1", b: "MQ==" } } }, /files\.a: has more than one/],
    [{ files: { a: { b: "?" } } }, /^files\.a: .*base64/],
    [{ files: { a: { e: "gone" } } }, /^files\.a: gone/],
    [{ stdin: { b: "?" } }, /^stdin: .*base64/],
    [{ files: { "/etc/x": {} } }, /^files: "\/etc\/x" is an absolute path/],
    [{ files: { "a/../../x": {} } }, /^files: "a\/\.\.\/\.\.\/x" contains "\.\."/],
    [{ outputs: ["../x"] }, /^outputs: "\.\.\/x" contains "\.\."/],
    [{ outputs: ["/"] }, /^outputs: "\/" is an absolute path/],
    [{ files: { a: {}, "a/b": {} } }, /^files: "a" is a file, but "a\/b" needs a directory/],
    [{ files: { a: {}, "./a": {} } }, /^files: "a" is named twice/],
    [{ files: { ["x".repeat(300)]: {} } }, /^"x+": file name too long/],
    [{ timeout: 0 }, /timeout/],
    [{ args: ["echo", "a\0b"] }, /^argument 1 contains a NUL byte/],
    [
      { args: ["echo", "x".repeat(200_000)] },
      /^args: argument 1 is too long for the kernel: 200000 bytes/,
    ],
  ];
  for (const [request, message] of cases) {
    const { errorType, errorMessage } = await lambda.refuse(request);
    assert.equal(errorType, "Llama.BadRequest", String(errorMessage));
    assert.match(String(errorMessage), message);
  }
  // And it goes on.
  assert.equal((await lambda.run({ args: ["true"] })).status, 0);
  await lambda.clean();
});

Deno.test("content of an unknown kind is refused rather than taken as empty", async () => {
  await using lambda = new FakeLambda({ env: { AWS_LAMBDA_FUNCTION_NAME: "wc" } });
  const newer = "the request is newer than this function's runtime: `llama update-function wc`";
  const cases: [object, string][] = [
    [{ files: { f: { y: "KLUv" } } }, 'unknown in files.f: "y"'],
    [{ files: { f: { y: "KLUv", e: "update it" } } }, 'unknown in files.f: "y"'],
    [{ stdin: { y: "KLUv", x: 5, e: "update it" } }, 'unknown in stdin: "y", "x"'],
    [{ needs: ["tree"] }, 'unknown in needs: "tree"'],
  ];
  for (const [request, detail] of cases) {
    const { errorType, errorMessage } = await lambda.refuse({ args: ["wc", "f"], ...request });
    assert.deepEqual([errorType, errorMessage], ["Llama.BadRequest", `${newer} (${detail})`]);
  }
  const { accepts } = await lambda.run({ args: ["true"], accept: ["zstd"] });
  assert.deepEqual(accepts, ["zstd", "link", "s3", "uploads"]);
  await lambda.clean();
});

Deno.test("a command that cannot be run is named, with the reason", async () => {
  await using lambda = new FakeLambda();
  const cases: [object, RegExp][] = [
    [{ args: ["no-such-program"] }, /"no-such-program": not found on PATH/],
    [{ args: ["/no/such/program"] }, /"\/no\/such\/program": does not exist/],
    [{ args: ["./a"], files: { a: {} } }, /"\.\/a": .*\/a is not executable/],
    [{ args: ["/etc"] }, /"\/etc": is a directory/],
    [
      { args: ["./a"], files: { a: { s: "#!/no/such/shell\n", m: 0o755 } } },
      /its interpreter "\/no\/such\/shell" does not exist/,
    ],
    [
      { args: ["./a"], files: { a: { s: "#!/bin/sh\r\necho\r\n", m: 0o755 } } },
      /\/a": its first line ends in CR LF, as on Windows: convert it with dos2unix$/,
    ],
  ];
  for (const [request, message] of cases) {
    const { errorType, errorMessage } = await lambda.refuse(request);
    assert.equal(errorType, "Llama.NoSuchCommand", String(errorMessage));
    assert.match(String(errorMessage), message);
  }
  await lambda.clean();
});

Deno.test("the error for output over Lambda's limit suggests a store", async () => {
  await using lambda = new FakeLambda();
  const { errorType, errorMessage } = await lambda.refuse({
    args: ["head", "-c", "7000000", "/dev/zero"],
  });
  assert.equal(errorType, "Llama.Internal");
  assert.match(String(errorMessage), /7000000 bytes .* 6291456 bytes .*LLAMA_OBJECT_STORE/);
  await lambda.clean();
});

Deno.test("a response that Lambda refuses as too large becomes an error", async () => {
  await using lambda = new FakeLambda({
    intercept: (kind, posts) => kind === "response" && posts === 1 ? 413 : undefined,
  });
  const { errorType, errorMessage } = await lambda.refuse({ args: ["true"] });
  assert.equal(errorType, "Llama.Internal");
  assert.match(String(errorMessage), /LLAMA_OBJECT_STORE/);
  assert.equal((await lambda.run({ args: ["true"] })).status, 0);
});

Deno.test("a response that failed to be posted is retried", async () => {
  await using lambda = new FakeLambda({ intercept: (_, posts) => posts <= 2 ? 502 : undefined });
  assert.equal((await lambda.run({ args: ["true"] })).status, 0);
});

Deno.test("a script with Windows line ends is reported if its interpreter is not found", async () => {
  await using lambda = new FakeLambda();
  const run = (s: string) => lambda.run({ args: ["./a"], files: { a: { s, m: 0o755 } } });
  for (const first of ["#!/usr/bin/env sh", "#!/bin/sh -e", "#! /bin/cat -n"]) {
    const { status, stderr } = await run(`${first}\r\nexit 0\r\n`);
    assert.notEqual(status, 0);
    assert.match(textOf(stderr), /^llama: ".*\/a": its first line ends in CR LF, .*dos2unix$/m);
  }
  assert.deepEqual((await run("#!/bin/sh\necho $'\r' >out\r\nexit 3\n")).stderr, {});
});

Deno.test("a directory for temporary files that cannot be used is named", async () => {
  const file = Deno.makeTempFileSync({ prefix: "llama-test-" });
  try {
    for (
      const [path, reason] of [
        ["/no/such/directory", "no such file or directory"],
        [file, "not a directory"],
      ]
    ) {
      assert(path);
      await using lambda = new FakeLambda({ env: { TMPDIR: path } });
      const { errorType, errorMessage } = await lambda.refuse({ args: ["true"] });
      assert.equal(errorType, "Llama.Internal");
      assert.equal(
        errorMessage,
        `cannot create the job's directory in "${path}": ${reason}; set TMPDIR to an existing, ` +
          "writable directory, or unset it",
      );
    }
  } finally {
    Deno.removeSync(file);
  }
});

Deno.test("a deadline that is already past is ignored", async () => {
  const deadlines = [String(Date.now() - 5000), "0", "-1", "soon", "", undefined];
  await using lambda = new FakeLambda({ deadline: () => deadlines.shift() });
  for (let i = deadlines.length; i > 0; i--) {
    const { status, stdout } = await lambda.run({ args: ["sh", "-c", "sleep 0.1; echo done"] });
    assert.deepEqual([status, textOf(stdout)], [0, "done\n"]);
  }
});

Deno.test("the log is JSON if the function is configured so", async () => {
  await using lambda = new FakeLambda({ env: { AWS_LAMBDA_LOG_FORMAT: "JSON" } });
  await lambda.run({ args: ["true"] });
  await lambda.refuse({ args: ["nope"] });
  Deno.kill(lambda.pid, "SIGTERM");
  const lines = (await lambda.log).trim().split("\n").map((line) => JSON.parse(line));
  const times = lines.map(({ timestamp }) => timestamp);
  for (const time of times) assert.equal(new Date(time).toISOString(), time);
  assert.deepEqual(lines.map(({ level, requestId, errorType }) => [level, requestId, errorType]), [
    ["INFO", "request-1", undefined],
    ["ERROR", "request-2", "Llama.NoSuchCommand"],
  ]);
  assert.match(lines[0].message, /^llama: exit 0, \d+ ms, 0 files in, 0 out$/);
  assert.match(lines[1].message, /^llama: no such command: "nope"/);
});

Deno.test("a response whose connection was lost is retried", async () => {
  await using lambda = new FakeLambda({ intercept: (_, posts) => posts <= 2 ? "lost" : undefined });
  assert.equal((await lambda.run({ args: ["true"] })).status, 0);
});

for (const [what, answer] of [["refuses", 502], ["loses", "lost"]] as const) {
  Deno.test(`a runtime whose API ${what} every answer ends with one line of why`, async () => {
    await using lambda = new FakeLambda({ intercept: () => answer });
    const sent = lambda.send(JSON.stringify({ args: ["true"] }));
    await assert.rejects(sent, /the runtime exited with 1/);
    const lines = (await lambda.log).trimEnd().split("\n");
    assert.match(
      lines.at(-1) ?? "",
      /^llama: the Runtime API (refused the error: status 502|does not)/,
    );
    assert.deepEqual([...Deno.readDirSync(lambda.temporary)], []);
  });
}

Deno.test("the log has one line per request, without contents", async () => {
  await using lambda = new FakeLambda();
  await lambda.run({
    args: ["sh", "-c", "cat; exit 3"],
    stdin: { s: "sec\nret" },
    files: { f: {} },
    outputs: ["f"],
  });
  await lambda.refuse({ args: ["nope"] });
  Deno.kill(lambda.pid, "SIGTERM");
  const lines = (await lambda.log).split("\n");
  assert.match(lines[0] ?? "", /^llama: request request-1: exit 3, \d+ ms, 1 file in, 1 out$/);
  assert.match(lines[1] ?? "", /^llama: request request-2: Llama\.NoSuchCommand: no such command/);
  assert.equal(lines.length, 3);
  assert.equal((await lambda.status).code, 0);
});

Deno.test("a directory that the command made read-only is removed", async () => {
  await using lambda = new FakeLambda();
  const { stdout } = await lambda.run({
    args: ["sh", "-c", "mkdir -p a/b; : > a/b/c; chmod 500 a/b; chmod 0 a; ln -s / a-link; pwd"],
  });
  assert.match(textOf(stdout), /llama-job-/);
  await lambda.clean();
});
