/** Output that appears while its command runs. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { joinBytes } from "../../lib/files/bytes.ts";
import { encodeEvent, eventStreamType } from "../../lib/stream/event_stream.ts";
import { encodeFrame } from "../../lib/stream/frames.ts";
import { isAlive, noise, textOf, until, untilDead } from "../helpers.ts";
import { InvokeStub } from "../invoke_stub.ts";
import { exportsOf, reader, Workplace } from "./llama.ts";
import { Terminal, terminalTest } from "./terminal.ts";

/** What the test does with each piece of output before the command writes the next one. */
function waitsFor(place: Workplace, name: string): string {
  return `while [ ! -e ${place.here(name)} ]; do sleep 0.01; done`;
}

/** Ends a program that was started, and returns its status and standard error. */
async function ended(child: Deno.ChildProcess, stderr: { rest(): Promise<string> }) {
  await child.stdin.close().catch(() => {});
  return { status: (await child.status).code, words: await stderr.rest() };
}

Deno.test("invoke shows stdout and stderr while the command runs, each byte once", async () => {
  await using place = new Workplace();
  await place.addShell();
  const script = `printf 'one\\ntw'; ${waitsFor(place, "a")}; echo warning >&2; ` +
    `${waitsFor(place, "b")}; echo o; exit 3`;
  const child = place.start(["-local", "invoke", "any", "sh", "-c", script]);
  const [stdout, stderr] = [reader(child.stdout), reader(child.stderr)];
  await stdout.until("one\ntw");
  await place.write("work/a", "");
  await stderr.until("warning\n");
  await place.write("work/b", "");
  const { status, words } = await ended(child, stderr);
  assert.deepEqual([status, await stdout.rest(), words], [3, "one\ntwo\n", "warning\n"]);
});

Deno.test("-no-stream shows nothing before the command has ended", async () => {
  await using place = new Workplace();
  await place.addShell();
  const go = place.here("go");
  const script = `echo one; touch ${go}.begun; ${waitsFor(place, "go")}; echo two`;
  const child = place.start(["-local", "invoke", "-no-stream", "any", "sh", "-c", script]);
  await until(() => Deno.stat(`${go}.begun`).then(() => true, () => false), "it has begun");
  const pieces = child.stdout.getReader();
  const first = pieces.read();
  await place.write("work/go", "");
  assert.equal(textOf((await first).value ?? new Uint8Array()), "one\ntwo\n");
  await pieces.cancel();
  await child.stdin.close();
  await child.stderr.cancel();
  assert.equal((await child.status).code, 0);
});

Deno.test("20 MB arrive whole and in order, beyond 4 MiB through the store", async () => {
  await using place = new Workplace();
  await place.addShell();
  const bytes = noise(20_000_000);
  await place.write("work/big", bytes);
  const script = 'cat "$0"; echo late >&2';
  const { status, stderr, ...got } = await place.local(
    ["invoke", "any", "sh", "-c", script, place.here("big")],
  );
  assert.deepEqual([status, stderr], [0, "late\n"]);
  assert(Buffer.from(bytes.buffer).equals(got.bytes));
});

Deno.test("a reader that has enough ends invoke with 141, and the command", async () => {
  await using place = new Workplace();
  await place.addShell();
  const child = place.start(
    ["-local", "invoke", "any", "sh", "-c", `echo $$ >${place.here("pid")}; exec yes`],
  );
  const pieces = child.stdout.getReader();
  const { value } = await pieces.read();
  assert(textOf(value ?? new Uint8Array()).startsWith("y\ny\n"));
  const pid = Number(await Deno.readTextFile(place.here("pid")));
  assert(isAlive(pid));
  const start = performance.now();
  await pieces.cancel();
  const { status, words } = await ended(child, reader(child.stderr));
  assert.deepEqual([status, words], [141, ""]);
  // The aim is one second.
  assert(performance.now() - start < 10_000);
  await untilDead(pid);
});

Deno.test("a reader that has enough of standard error ends invoke with 141, too", async () => {
  await using place = new Workplace();
  await place.addShell();
  const child = place.start(
    ["-local", "invoke", "any", "sh", "-c", `echo $$ >${place.here("pid")}; exec yes >&2`],
  );
  const pieces = child.stderr.getReader();
  const { value } = await pieces.read();
  assert(textOf(value ?? new Uint8Array()).startsWith("y\ny\n"));
  const pid = Number(await Deno.readTextFile(place.here("pid")));
  await pieces.cancel();
  await child.stdin.close().catch(() => {});
  assert.deepEqual([(await child.status).code, await reader(child.stdout).rest()], [141, ""]);
  await untilDead(pid);
});

Deno.test("a runtime killed in the middle is an error with 125, after what it wrote", async () => {
  await using place = new Workplace();
  await place.addShell();
  const script = `printf 'one\\n'; ${waitsFor(place, "go")}; kill -KILL $PPID; sleep 1000`;
  const child = place.start(["-local", "invoke", "any", "sh", "-c", script]);
  const [stdout, stderr] = [reader(child.stdout), reader(child.stderr)];
  await stdout.until("one\n");
  await place.write("work/go", "");
  const { status, words } = await ended(child, stderr);
  assert.deepEqual([status, await stdout.rest()], [125, "one\n"]);
  assert.match(words, /^llama: any: Runtime\.ExitError: .* signal: killed\nllama: hint: /);
});

Deno.test("a connection lost in the middle is an error with 125 that says how much came", async () => {
  await using place = new Workplace();
  let calls = 0;
  const chunk = (text: string) =>
    encodeEvent(
      { ":message-type": "event", ":event-type": "PayloadChunk" },
      encodeFrame("o", new TextEncoder().encode(text)),
    );
  await using lambda = new InvokeStub(() => {
    calls++;
    // The second message is cut off.
    const body = joinBytes([chunk("one\n"), chunk("two\n").subarray(0, 20)]);
    return new Response(body, { headers: { "content-type": eventStreamType } });
  });
  const { environment } = lambda;
  const { status, stdout, stderr } = await place.run(["invoke", "f"], { environment });
  assert.deepEqual([status, stdout, calls], [125, "one\n", 1]);
  assert.match(
    stderr,
    /^llama: lost the connection to f after 4 B of output: .*ends in the middle of a message\nllama: hint: the command may still be running; with -invoke-retries N, /,
  );
  // Given by hand, the command runs again as often as that.
  await place.run(["invoke", "-invoke-retries", "1", "f"], { environment });
  assert.equal(calls, 3);
});

Deno.test("a timeout keeps what was shown, with 124", async () => {
  await using place = new Workplace();
  await place.addShell();
  const args = ["invoke", "-timeout", "0.3", "any", "sh", "-c", "echo one; sleep 1000"];
  const { status, stdout, stderr } = await place.local(args);
  assert.deepEqual([status, stdout, stderr], [124, "one\n", ""]);
});

Deno.test("-logs, -report and outputs work as without streaming", async () => {
  await using place = new Workplace();
  await place.addShell();
  const script = "echo out; echo the reason >&2; echo made >o; exit 2";
  const { status, stdout, stderr } = await place.local(
    ["invoke", "-logs", "-report", "run.html", "-o", "o", "any", "sh", "-c", script],
  );
  assert.deepEqual([status, stdout], [2, "out\n"]);
  assert.match(stderr, /^the reason\nSTART RequestId: .*\n.*exit 2.*\nEND .*\nREPORT .*\n$/);
  assert.equal(await Deno.readTextFile(place.here("o")), "made\n");
  assert.match(await Deno.readTextFile(place.here("run.html")), /the reason/);
});

/** An emulator in a process of its own, and how to reach it. */
async function startEmulator(place: Workplace) {
  await place.addShell();
  const child = place.start(["local"]);
  const environment = await exportsOf(child);
  return {
    environment,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.stdin.close().catch(() => {});
      await child.stderr.cancel();
      await child.stdout.cancel().catch(() => {});
      await child.status;
    },
  };
}

Deno.test("ctrl-C ends the command in an emulator of its own at once", async () => {
  await using place = new Workplace();
  await using emulator = await startEmulator(place);
  const script = `echo $$ >${place.here("pid")}; echo begun; exec sleep 1000`;
  const { environment } = emulator;
  const child = place.start(["invoke", "any", "sh", "-c", script], { environment });
  const [stdout, stderr] = [reader(child.stdout), reader(child.stderr)];
  await stdout.until("begun\n");
  child.kill("SIGINT");
  assert.equal((await ended(child, stderr)).status, 130);
  await stdout.rest();
  await untilDead(Number(await Deno.readTextFile(place.here("pid"))));
  const next = await place.run(["invoke", "any", "echo", "next"], { environment });
  assert.equal(next.stdout, "next\n");
});

Deno.test("where the call is refused, output comes buffered, which is remembered", async () => {
  for (const [status, type] of [[404, ""], [403, "AccessDeniedException"]] as const) {
    await using place = new Workplace();
    const asked: string[] = [];
    await using lambda = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        const { pathname } = new URL(request.url);
        const { stream, timeout } = await request.json();
        asked.push(`${pathname.split("/").at(-1)} ${stream} ${timeout}`);
        if (pathname.startsWith("/2015-03-31/")) {
          const answer = { status: 4, stdout: { s: "out" }, stderr: { s: "err" } };
          return Response.json(answer);
        }
        return new Response("no", { status, headers: type ? { "x-amzn-errortype": type } : {} });
      },
    );
    const environment = {
      AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "secret",
      AWS_REGION: "us-west-2",
      AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${lambda.addr.port}`,
    };
    for (let run = 0; run < 2; run++) {
      const { status, stdout, stderr } = await place.run(["invoke", "f"], { environment });
      assert.deepEqual([status, stdout, stderr], [4, "out", "err"]);
    }
    assert.deepEqual(asked, [
      "response-streaming-invocations true 900",
      "invocations undefined undefined",
      "invocations undefined undefined",
    ]);
  }
});

Deno.test("a streamed request says so, and always has a timeout", async () => {
  await using place = new Workplace();
  await using lambda = new InvokeStub(() => ({ status: 0, stdout: { s: "plain\n" } }));
  const { environment } = lambda;
  const { stdout } = await place.run(["invoke", "f"], { environment });
  await place.run(["invoke", "-timeout", "5", "f"], { environment });
  await place.run(["xargs", "f", ":::", "a"], { environment });
  assert.equal(stdout, "plain\n");
  const asked = lambda.requests.map(({ stream, timeout }) => [stream, timeout]);
  assert.deepEqual(asked, [[true, 900], [true, 5], [undefined, undefined]]);
});

Deno.test("xargs -print live shows whole lines as they come, with their input", async () => {
  await using place = new Workplace();
  await place.addShell();
  const script = `echo $0 1; printf part; ${waitsFor(place, "go")}; echo ial; printf end; ` +
    "echo err >&2; exit $0";
  const child = place.start(
    ["-local", "xargs", "-j", "2", "-print", "live", "-tag", "-results", "kept", "any", "sh", "-c"]
      .concat([script, "{{.Line}}", ":::", "0", "1"]),
  );
  const [stdout, stderr] = [reader(child.stdout), reader(child.stderr)];
  await stdout.until("0\t0 1\n");
  await stdout.until("1\t1 1\n");
  await place.write("work/go", "");
  const { status, words } = await ended(child, stderr);
  const lines = (await stdout.rest()).trimEnd().split("\n");
  for (const line of ["0", "1"]) {
    assert.deepEqual(
      lines.filter((each) => each.startsWith(line)),
      [`${line}\t${line} 1`, `${line}\tpartial`, `${line}\tend`],
    );
    assert.match(words, new RegExp(`^${line}\terr$`, "m"));
    const kept = await Deno.readTextFile(place.here("kept", String(Number(line) + 1), "stdout"));
    assert.equal(kept, `${line} 1\npartial\nend`);
  }
  assert.equal(status, 1);
  assert.match(words, /^llama: job 2: .*: exit status 1$/m);
});

Deno.test("a reader that has enough ends xargs -print live with 141", async () => {
  await using place = new Workplace();
  await place.addShell();
  const child = place.start(["-local", "xargs", "-print", "live", "any", "yes", ":::", "a", "b"]);
  const pieces = child.stdout.getReader();
  await pieces.read();
  await pieces.cancel();
  assert.equal((await ended(child, reader(child.stderr))).status, 141);
});

terminalTest("xargs says that it waits for a person to type lines", async () => {
  await using place = new Workplace();
  await place.addShell();
  await using terminal = await Terminal.open(place, { columns: 80, rows: 24 });
  await terminal.enter("llama -local xargs any echo '<{{.Line}}>'");
  await terminal.untilShown(/^llama: reading lines from standard input; end them with ctrl-D$/m);
  await terminal.type("typed");
  await terminal.press("Enter", "C-d");
  await terminal.untilShown(/^<typed>$/m);
  await terminal.enter("clear; llama -local xargs any echo '<{{.Line}}>' ::: given");
  const text = await terminal.untilShown(/^<given>$/m);
  assert.doesNotMatch(text, /standard input/);
});

terminalTest("-stdin says what it waits for: a person, or a slow pipe", async () => {
  await using place = new Workplace();
  await place.addShell();
  await using terminal = await Terminal.open(place, { columns: 80, rows: 24 });
  await terminal.enter("llama -local invoke -stdin any tr a-z A-Z");
  await terminal.untilShown(/^llama: reading standard input; end it with ctrl-D$/m);
  await terminal.type("typed");
  await terminal.press("Enter", "C-d");
  await terminal.untilShown(/^TYPED$/m);
  const slow = `(${waitsFor(place, "a")}; printf 12345; ${waitsFor(place, "b")})`;
  await terminal.enter(`${slow} | llama -local invoke -stdin any tr 1-5 a-e`);
  await terminal.untilShown(/^waiting for standard input$/m);
  await place.write("work/a", "");
  await terminal.untilShown(/^reading standard input to its end: 5 B so far$/m);
  await place.write("work/b", "");
  const text = await terminal.untilShown(/^abcde/m);
  assert.doesNotMatch(text, /so far/);
  assert(await terminal.isSound());
});

terminalTest(
  "sending big inputs shows how far it has come, until the function is called",
  async () => {
    await using place = new Workplace();
    await place.write("work/big", noise(3_000_000));
    await using lambda = new InvokeStub(() => ({ status: 0, stdout: { s: "done\n" } }));
    const held = Promise.withResolvers<void>();
    await using s3 = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        if (request.method === "HEAD") return new Response(null, { status: 404 });
        await request.bytes();
        await held.promise;
        return new Response("");
      },
    );
    const environment = {
      ...lambda.environment,
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${s3.addr.port}`,
      LLAMA_OBJECT_STORE: "s3://bucket/obj/",
    };
    await using terminal = await Terminal.open(place, { columns: 80, rows: 24, environment });
    await terminal.enter("llama invoke -f big f");
    await terminal.untilShown(/^sending files: 3\.00 MB so far$/m);
    held.resolve();
    // The line goes within a tenth of a second, perhaps after the output has come.
    await terminal.untilShown(/^done(?![^]*so far)/m);
  },
);
