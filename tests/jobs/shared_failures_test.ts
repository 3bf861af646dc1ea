import assert from "node:assert/strict";
import { type JobOutcome, Llama, LlamaError, type MapOptions } from "../../mod.ts";
import { echo, functionError, InvokeStub, type StubAnswer } from "../invoke_stub.ts";

const lines = Array.from({ length: 200 }, (_, i) => `line-${i}`);

/** Runs a job per line on a function that is known to be llama's. */
async function run(
  answer: StubAnswer,
  templates: readonly string[] = ["{{.Line}}"],
  options: MapOptions = {},
) {
  const notices: string[] = [];
  await using lambda = new InvokeStub(answer);
  await using llama = new Llama({
    environment: { ...lambda.environment, AWS_MAX_ATTEMPTS: "1" },
    onNotice: (message) => void notices.push(message),
  });
  const outcomes: JobOutcome[] = [];
  let error: unknown;
  try {
    const all = llama.map("f", templates, lines, { concurrency: 10, ...options });
    for await (const outcome of all) outcomes.push(outcome);
  } catch (thrown) {
    assert(thrown instanceof LlamaError);
    error = thrown.message;
  }
  return { outcomes, error, sent: lambda.requests.length, notices };
}

Deno.test("a function that cannot be started ends the run on first sight", async () => {
  const words = "RequestId: 1-2 Error: ";
  const failures: [string, string, string[]?][] = [
    ["Runtime.ExitError", `${words}Runtime exited with error: exit status 127`],
    ["Runtime.ExitError", `${words}Runtime exited without providing a reason`],
    ["Runtime.InvalidEntrypoint", `${words}fork/exec /var/task/bootstrap: no such file`],
    ["Runtime.InvalidWorkingDir", `${words}chdir /nowhere: no such file or directory`],
    ["Runtime.ImportModuleError", "Unable to import module 'lambda_function'"],
    ["Runtime.HandlerNotFound", "app.handler is undefined or not exported"],
    ["Extension.Crash", `${words}exit status 1`],
    ["Llama.NoSuchCommand", 'no such command: "optpng": not found in /var/task'],
    ["Llama.BadFunction", "images/f/function.json: handler: images/f/run does not exist"],
    ["Llama.BadRequest", "args: no command: this function has none of its own", []],
    ["Llama.NoSuchCommand", 'no such command: "tool": not found', ["tool", "{{.Line}}"]],
  ];
  for (const [type, message, templates] of failures) {
    const { outcomes, error, sent } = await run(() => functionError(type, message), templates, {
      retries: 3,
    });
    assert.equal(error, `f: ${type}: ${message}`);
    assert.deepEqual([outcomes.length, sent <= 10], [0, true], type);
  }
});

Deno.test("a function whose settings are broken ends the run", async () => {
  const { outcomes, error, sent } = await run(() =>
    Response.json({ Message: "access to the key was denied" }, {
      status: 502,
      headers: { "x-amzn-errortype": "KMSAccessDeniedException" },
    })
  );
  assert.equal(
    error,
    "Lambda refused f: KMSAccessDeniedException: access to the key was denied",
  );
  assert.deepEqual([outcomes.length, sent <= 10], [0, true]);
});

Deno.test("a failure that may be the job's own does not end the run", async () => {
  const failures: [string, string][] = [
    ["Runtime.ExitError", "RequestId: 1-2 Error: Runtime exited with error: signal: killed"],
    ["Runtime.OutOfMemory", "RequestId: 1-2 Error: Runtime exited with error: signal: killed"],
    ["Sandbox.Timedout", "RequestId: 1-2 Error: Task timed out after 3.00 seconds"],
    ["Llama.BadRequest", "argument 1 contains a NUL byte"],
    ["Llama.BadRequest", "args: no command: this function has none of its own"],
    // Each job names a program of its own.
    ["Llama.NoSuchCommand", 'no such command: "line-3": not found'],
  ];
  for (const [type, message] of failures) {
    const { outcomes, error, sent } = await run((request) =>
      request.args[0] === "line-3" ? functionError(type, message) : echo(request)
    );
    assert.equal(error, undefined, type);
    assert.deepEqual([outcomes.length, sent], [200, 200]);
    assert.deepEqual(
      outcomes.flatMap(({ record: { ok, line } }) => ok ? [] : [line]),
      ["line-3"],
    );
  }
});

Deno.test("a crash of a function that has run commands is the job's own", async () => {
  const { outcomes, error } = await run(
    (request) =>
      request.args[0] === "line-100"
        ? functionError("Runtime.ExitError", "Runtime exited with error: exit status 1")
        : echo(request),
    undefined,
    { concurrency: 1 },
  );
  assert.deepEqual([error, outcomes.length], [undefined, 200]);
});

Deno.test("a mistake in a template ends the run before anything is sent", async () => {
  const mistakes = [
    "{{.Lin}}",
    "{{.Line}} {{.Lin}}",
    "{{.Line.Name}}",
    "{{.I}}",
    "{{.I 5}}",
    "{{.I .Idx}}",
    "{{printf 1}}",
    "{{eq .Line 5}}",
    "{{lt .Idx `x`}}",
    "{{index .Line `x`}}",
    "{{len .Idx}}",
    "{{range .Line}}{{end}}",
    '{{template "absent"}}',
    "{{.Line 5}}",
    '{{.I "/etc/passwd"}}',
    '{{index "abc" 7}}',
  ];
  for (const template of mistakes) {
    const { outcomes, error, sent } = await run(echo, ["{{.Line}}", template]);
    assert.match(String(error), /^template: arg-1:1:\d+: executing "arg-1" at /, template);
    assert.deepEqual([outcomes.length, sent], [0, 0], template);
  }
});

Deno.test("a template that fails for its line fails for that line alone", async () => {
  const templates = [
    '{{if eq .Line "line-3"}}{{.I (print "/" .Line)}}{{end}}',
    "{{if eq .Idx 3}}{{slice .Line 1 99}}{{end}}",
    "{{if eq .Idx 3}}{{index .Line 99}}{{end}}",
    '{{if eq .Line "line-3"}}{{index .Lines 1}}{{end}}',
  ];
  for (const template of templates) {
    const { outcomes, error } = await run(echo, ["{{.Line}}", template], { linesPerJob: 1 });
    assert.equal(error, undefined, template);
    assert.deepEqual(
      outcomes.flatMap(({ record: { ok, line } }) => ok ? [] : [line]),
      ["line-3"],
      template,
    );
  }
});

Deno.test("a run of identical jobs is warned about once, with what to write", async () => {
  const warning = "no argument uses the line, so all jobs are the same: ";
  const warned: [string[], string][] = [
    [[], "write {{.Line}} where it belongs"],
    [["-o", "x"], "write {{.Line}} where it belongs"],
    [["-x", "{}"], "{} is GNU parallel's, write {{.Line}}"],
    [["in={1}"], "{1} is GNU parallel's, write {{.Col 1}}"],
    [["{#}"], "{#} is GNU parallel's, write {{add .Idx 1}}"],
    [["{.}.png"], "{.} is GNU parallel's, write {{.Line | trimSuffix (ext .Line)}}"],
    [["{{if true}}x{{end}}"], "write {{.Line}} where it belongs"],
  ];
  for (const [templates, hint] of warned) {
    const { notices, error } = await run(echo, templates);
    assert.deepEqual([notices, error], [[warning + hint], undefined]);
  }
  const varied = [
    "{{.Line}}",
    "{{$.Line}}",
    "{{.Idx}}",
    "{{range .Lines}}x{{end}}",
    "{{.AsFile .Line}}",
    "{{with $x := .}}{{$x.Line}}{{end}}",
    '{{define "t"}}{{.Line}}{{end}}{{template "t" .}}',
    "{{printf `%v` .}}",
    "{{if (eq (len .Line) 3)}}x{{end}}",
  ];
  for (const template of varied) {
    const { notices } = await run(echo, ["{}", template], { linesPerJob: 50 });
    assert.deepEqual(notices, [], template);
  }
});

Deno.test("a run of one job is not warned about", async () => {
  assert.deepEqual((await run(echo, ["{}"], { linesPerJob: 200 })).notices, []);
});
