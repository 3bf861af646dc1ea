import assert from "node:assert/strict";
import { textOf } from "../helpers.ts";
import { program, Workplace } from "./llama.ts";

/** Checks that an error has a message (and a hint) on one line each, a status and no stack. */
async function mistake(
  place: Workplace,
  args: readonly string[],
  status: number,
  message: RegExp,
  options: { stdin?: string; environment?: Record<string, string> } = {},
): Promise<void> {
  const ended = await place.run(args, options);
  const what = `${args.join(" ")}\n${ended.stderr}`;
  assert.match(ended.stderr, message, what);
  assert.equal(ended.status, status, what);
  assert.equal(ended.stdout, "", what);
  assert(ended.stderr.trim().split("\n").length <= 3, what);
  assert(!/^ +at /m.test(ended.stderr), what);
  assert.deepEqual(await place.list("tmp"), [], what);
}

Deno.test("errors on the command line are usage errors with hints", async () => {
  await using place = new Workplace();
  await mistake(place, ["xargs", "-lgs", "f"], 2, /^flag provided but not defined: -lgs\n.*-logs/);
  await mistake(place, ["xarg", "f"], 2, /^unknown command: xarg\n.*did you mean xargs\?/);
  await mistake(place, ["xargs", "-j", "0", "f"], 2, /^.*-j.*\n/);
  await mistake(place, ["xargs"], 2, /^.*function.*\n/i);
  await mistake(place, ["invoke"], 2, /^.*function.*\n/i);
  await mistake(place, ["invoke", "-f", "/abs", "f"], 2, /cannot expose file at absolute path/);
});

Deno.test("a template that does not parse ends the run before anything is sent", async () => {
  await using place = new Workplace();
  await place.addShell();
  await mistake(
    place,
    ["-local", "xargs", "any", "ok", "{{.Line"],
    2,
    /^llama: template parse error: "\{\{\.Line": template: arg-1:1: unclosed action$/m,
    { stdin: "a\n" },
  );
  await mistake(
    place,
    ["-local", "invoke", "any", "{{.Line}}"],
    2,
    /^llama: template: arg-0:1:2: .*can't evaluate field Line in type \*files\.IOContext$/m,
  );
});

Deno.test("a missing function is named, with the ones that exist", async () => {
  await using place = new Workplace();
  await place.addFunction("hello", "#!/bin/sh\n");
  const names =
    /^llama: no function "helo"\nllama: hint: available functions: hello \(in .*images\)$/m;
  await mistake(place, ["-local", "invoke", "helo"], 125, names);
  await mistake(place, ["-local", "xargs", "helo"], 1, names, { stdin: "1\n2\n3\n" });
});

Deno.test("a handler that is missing or not executable is named", async () => {
  await using place = new Workplace();
  await place.write("work/images/gone/function.json", '{"handler": "nothing.sh"}');
  await place.addFunction("plain", "#!/bin/sh\n");
  await Deno.chmod(place.here("images/plain/handler"), 0o644);
  await mistake(place, ["-local", "invoke", "gone"], 125, /^llama: .*nothing\.sh/);
  await mistake(place, ["-local", "invoke", "plain"], 125, /^llama: .*handler.*not executable/);
});

Deno.test("an invalid function.json is named, with the field", async () => {
  await using place = new Workplace();
  await place.write("work/images/bad/function.json", '{"handler": "x", "timout": 5}');
  await mistake(place, ["-local", "invoke", "bad"], 125, /function\.json.*timout/);
  await place.write("work/images/bad/function.json", "{");
  await mistake(place, ["-local", "invoke", "bad"], 125, /function\.json.*JSON/);
});

Deno.test("a missing command is named", async () => {
  await using place = new Workplace();
  await place.addShell();
  await mistake(
    place,
    ["-local", "invoke", "any", "no-such-program"],
    125,
    /^llama: any: Llama\.NoSuchCommand: .*no-such-program/,
  );
});

Deno.test("files that cannot be read or written are named", async () => {
  await using place = new Workplace();
  await place.addShell();
  await place.write("work/dir/file", "x");
  await mistake(
    place,
    ["-local", "invoke", "any", "cat", '{{.I "missing"}}'],
    125,
    /^llama: cannot read "missing": no such file or directory$/m,
  );
  await mistake(
    place,
    ["-local", "invoke", "any", "cat", '{{.I "dir"}}'],
    125,
    /^llama: cannot send "dir": is a directory\nllama: hint: send a directory with -f dir$/m,
  );
  await mistake(
    place,
    ["-local", "invoke", "-f", "nowhere", "any", "true"],
    125,
    /^llama: cannot read "nowhere": no such file/,
  );
  await mistake(
    place,
    ["-local", "invoke", "-o", "dir:x", "any", "touch", "x"],
    125,
    /^llama: output "dir": is a directory$/m,
  );
  await mistake(
    place,
    ["-local", "invoke", "-o", "dir/file/x:x", "any", "touch", "x"],
    125,
    /^llama: output "dir\/file\/x": not a directory$/m,
  );
});

Deno.test("all missing files of a job are named at once, before standard input is read", async () => {
  await using place = new Workplace();
  await place.addShell();
  await mistake(
    place,
    ["-local", "invoke", "-stdin", "-f", "a", "-f", "b:x", "any", "cat", '{{.I "c"}}'],
    125,
    /^llama: cannot read "a": no such file .*; cannot read "b": no such .*; cannot read "c": no such/,
  );
  await mistake(
    place,
    ["-local", "xargs", "-f", "a", "-f", "b:x", "any", "cat", "{{.Line}}"],
    1,
    /^llama: cannot read "a": no such file or directory; cannot read "b": no such file .*$/m,
    { stdin: "1\n" },
  );
});

Deno.test("common errors with files have hints", async () => {
  await using place = new Workplace();
  await place.addShell();
  await mistake(
    place,
    ["-local", "xargs", "any", "cat", "{{.I .Line}}"],
    1,
    /: cannot read "a\.png\\r": no such file.*\nllama: hint: .* carriage return, which tr -d '\\r' removes$/m,
    { stdin: "a.png\r\n" },
  );
  await place.write("work/there", "");
  for (
    const [line, hint] of [
      ["there\0\ufeffa.png", "begins with a byte order mark \\(U\\+FEFF\\)"],
      ["a.png\n", "ends in a line feed"],
      ["a.png ", "begins or ends with a space"],
    ] as const
  ) {
    await mistake(
      place,
      ["-local", "xargs", "-0", "any", "cat", "{{.I .Line}}"],
      1,
      new RegExp(`: cannot read ".*": no such file.*\nllama: hint: the name ${hint}$`, "m"),
      { stdin: `${line}\0` },
    );
  }
  await mistake(
    place,
    ["-local", "invoke", "-f", "*.png", "any", "true"],
    125,
    /^llama: cannot read "\*\.png": no such file.*\nllama: hint: llama does not expand \*/m,
  );
  await mistake(
    place,
    ["-local", "invoke", "any", "true", '{{.O "out.png"}}'],
    125,
    /^llama: output "out\.png": .*\nllama: hint: the command must create it as "out\.png" in /m,
  );
  await mistake(
    place,
    ["-local", "invoke", "-f", "/dev/null:x", "any", "true"],
    125,
    /^llama: cannot send "\/dev\/null": is not a regular file\nllama: hint: .* -stdin$/m,
  );
});

Deno.test("a store of an unknown kind is named", async () => {
  await using place = new Workplace();
  await place.addShell();
  for (const url of ["gs://bucket/x", "nonsense"]) {
    await mistake(
      place,
      ["-local", "-store", url, "invoke", "any", "true"],
      2,
      /^llama: object store ".*": unknown kind of store\nllama: hint: write s3:/,
    );
  }
});

Deno.test("without AWS settings, the error says what is missing", async () => {
  await using place = new Workplace();
  const environment = {
    AWS_SHARED_CREDENTIALS_FILE: place.here("none"),
    AWS_CONFIG_FILE: place.here("none"),
  };
  await mistake(place, ["invoke", "hello"], 2, /^llama: no AWS region: looked at -region/, {
    environment,
  });
  await mistake(
    place,
    ["-region", "us-west-2", "invoke", "hello"],
    125,
    /^llama: no AWS credentials: looked for AWS_ACCESS_KEY_ID/,
    { environment },
  );
});

Deno.test("a function that is not llama's is named as such", async () => {
  await using place = new Workplace();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response('{"hello": "world"}'),
  );
  const environment = {
    AWS_ACCESS_KEY_ID: "A",
    AWS_SECRET_ACCESS_KEY: "s",
    AWS_REGION: "us-west-2",
    AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${server.addr.port}`,
  };
  await mistake(
    place,
    ["invoke", "other"],
    125,
    /^llama: "other" is not a llama function; it answered \{"hello": "world"\}$/m,
    { environment },
  );
});

Deno.test("an argument list that is too long for the kernel is named", async () => {
  await using place = new Workplace();
  await place.addShell();
  await mistake(
    place,
    ["-local", "invoke", "any", "true", '{{printf "%200000s" "x"}}'],
    125,
    /^llama: any: Llama\.BadRequest: .*argument/,
  );
});

Deno.test("a full disk is reported, and existing files stay", async () => {
  await using place = new Workplace();
  await place.addShell();
  const { status, stderr } = await place.run(
    ["-local", "invoke", "-o", "/dev/full:x", "any", "sh", "-c", "echo text >x"],
  );
  assert.equal(status, 125);
  assert.match(stderr, /^llama: output "\/dev\/full": no space left on device$/m);
});

Deno.test("unusable standard input and output are reported", async () => {
  await using place = new Workplace();
  await place.addFunction("hello", "#!/bin/sh\necho hi\n");
  const redirected = async (redirection: string, args: readonly string[]) => {
    const { code, stderr } = await new Deno.Command("sh", {
      args: ["-c", `exec "$@" ${redirection}`, "sh", ...program, "-local", ...args],
      cwd: place.here(),
      clearEnv: true,
      env: place.environment(),
    }).output();
    assert.deepEqual(await place.list("tmp"), [], "left behind");
    return [code, textOf(stderr)];
  };
  const unreadable = "llama: cannot read standard input: is a directory\n";
  assert.deepEqual(await redirected("<.", ["xargs", "hello"]), [1, unreadable]);
  assert.deepEqual(await redirected("<.", ["invoke", "-stdin", "hello"]), [125, unreadable]);
  const full = "llama: cannot write to standard output: no space left on device\n";
  assert.deepEqual(await redirected("</dev/null >/dev/full", ["invoke", "hello"]), [125, full]);
  assert.deepEqual(await redirected("</dev/null 2>/dev/full", ["invoke", "no"]), [125, ""]);
});

Deno.test("help and version go to stdout", async () => {
  await using place = new Workplace();
  for (const args of [["help"], ["help", "xargs"], ["-h"], ["version"]]) {
    const { status, stdout, stderr } = await place.run(args);
    assert.deepEqual([status, stderr], [0, ""], args.join(" "));
    assert.match(stdout, /llama/);
  }
});
