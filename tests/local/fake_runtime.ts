/**
 * A runtime that does what its invocations say: the simplest one that speaks the Runtime API.
 *
 * @module
 */

const base = `http://${Deno.env.get("AWS_LAMBDA_RUNTIME_API")}/2018-06-01/runtime`;
const [mode] = Deno.args;

if (mode === "exit-at-init") {
  console.error("no luck");
  Deno.exit(3);
}
if (mode === "init-error") {
  console.log("about to fail");
  const response = await fetch(`${base}/init/error`, {
    method: "POST",
    headers: { "lambda-runtime-function-error-type": "Runtime.Odd" },
    body: JSON.stringify({ errorType: "Runtime.Odd", errorMessage: "cannot start" }),
  });
  await response.body?.cancel();
  await new Promise(() => {});
}

const count = { invocations: 0 };
// Like ours, it ends when llama does.
(async () => {
  for await (const _ of Deno.stdin.readable);
  Deno.exit(0);
})();

for (;;) {
  const next = await fetch(`${base}/invocation/next`);
  const id = next.headers.get("lambda-runtime-aws-request-id");
  const text = await next.text();
  if (!next.ok || id === null) Deno.exit(1);
  count.invocations++;
  let answer = JSON.stringify({
    pid: Deno.pid,
    invocations: count.invocations,
    headers: Object.fromEntries(next.headers),
    environment: Deno.env.toObject(),
    args: Deno.args,
    cwd: Deno.cwd(),
  });
  let action = "response";
  const job = JSON.parse(text);
  if (job.log) await Deno.stdout.write(new TextEncoder().encode(job.log));
  if (job.stderr) await Deno.stderr.write(new TextEncoder().encode(job.stderr));
  if (job.exit !== undefined) Deno.exit(job.exit);
  if (job.kill) {
    Deno.kill(Deno.pid, job.kill);
    await new Promise(() => {});
  }
  if (job.touch) await writeWhole(job.touch, String(Deno.pid));
  if (job.awaitFile) await appears(job.awaitFile);
  if (job.child) {
    // In a session of its own, as a command is, and holding the runtime's pipes.
    const child = new Deno.Command("sleep", { args: ["600"], detached: true }).spawn();
    answer = JSON.stringify({ child: child.pid });
    await writeWhole(job.child, String(child.pid));
  }
  if (job.hang) await new Promise(() => {});
  if (job.error) {
    action = "error";
    answer = JSON.stringify({ errorType: "My.Error", errorMessage: job.error });
  }
  if (job.bytes) answer = JSON.stringify("x".repeat(job.bytes - 2));
  if (job.askAgain) {
    const again = await fetch(`${base}/invocation/next`);
    await again.body?.cancel();
    answer = JSON.stringify(again.headers.get("lambda-runtime-aws-request-id") === id);
  }
  if (job.wrongId) {
    const wrong = await fetch(`${base}/invocation/nobody/response`, { method: "POST", body: "1" });
    answer = JSON.stringify({ status: wrong.status, body: await wrong.json() });
  }
  const isStreamed = job.stream !== undefined || job.flood !== undefined;
  const response = await fetch(`${base}/invocation/${id}/${action}`, {
    method: "POST",
    ...isStreamed
      ? {
        headers: { "lambda-runtime-function-response-mode": "streaming" },
        body: ReadableStream.from(job.flood ? flood(job.flood) : parts(job.stream)),
      }
      : { body: answer },
  });
  await response.body?.cancel();
  if (job.exitAfter) Deno.exit(0);
}

/** Parts of a streamed response: texts, and what is done between them. */
async function* parts(steps: (string | Record<string, unknown>)[]) {
  for (const step of steps) {
    if (typeof step === "string") yield new TextEncoder().encode(step);
    else if (typeof step["awaitFile"] === "string") await appears(step["awaitFile"]);
    else if (typeof step["exit"] === "number") Deno.exit(step["exit"]);
    else await new Promise(() => {});
  }
}

/** More than any buffer holds; a file says how much was taken. */
async function* flood(path: string) {
  const piece = new Uint8Array(64 * 1024);
  for (let size = 0;; size += piece.length) {
    await Deno.writeTextFile(path, String(size));
    yield piece;
  }
}

async function appears(path: string): Promise<void> {
  const directory = path.slice(0, path.lastIndexOf("/"));
  using watcher = Deno.watchFs(directory);
  if (await exists(path)) return;
  for await (const _ of watcher) if (await exists(path)) return;
}

/** Who waits for the file reads it as soon as it is there. */
async function writeWhole(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${path}.part`, text);
  await Deno.rename(`${path}.part`, path);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
