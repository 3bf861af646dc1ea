/**
 * Runs the program with each flag and checks the effect from outside: options of tested functions may
 * still not be passed on by the program. A flag without a row fails.
 */

import assert from "node:assert/strict";
import { globalFlags } from "../../lib/commands/spec/global.ts";
import { invokeFlags } from "../../lib/commands/spec/invoke.ts";
import { localFlags } from "../../lib/commands/spec/local.ts";
import { xargsFlags } from "../../lib/commands/spec/xargs.ts";
import { formatEntry } from "../../lib/memo/entry.ts";
import { type Ended, type RunOptions, Workplace } from "../e2e/llama.ts";
import { logHeader, type StubRequest } from "../invoke_stub.ts";

/** A request to Lambda, as the program sent it. */
interface Sent {
  url: string;
  headers: Headers;
  body: StubRequest & { stdin?: { s?: string } };
}

const log =
  "REPORT RequestId: x\tDuration: 1 ms\tBilled Duration: 1000 ms\tMemory Size: 1024 MB\t" +
  "Max Memory Used: 40 MB\t\n";

/** What GetFunction says of the function. */
const configuration = { RevisionId: "1", Version: "$LATEST", CodeSha256: "code" };

/** A stub of Lambda whose command writes its arguments, and creates outputs or fails as they say. */
class FunctionStub implements AsyncDisposable {
  readonly sent: Sent[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #hasHung = false;

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        if (request.method === "GET") return Response.json({ Configuration: configuration });
        const body = await request.json();
        this.sent.push({ url: request.url, headers: request.headers, body });
        if (body.args.includes("lose")) return new Response("lost", { status: 502 });
        if (body.args.includes("hang once") && !this.#hasHung) {
          this.#hasHung = true;
          await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
        }
        const outputs = Object.fromEntries(
          body.outputs.map((path: string) => [path, { s: "made" }]),
        );
        const answer = {
          status: body.args.includes("fail") ? 1 : 0,
          stdout: { s: `${body.args.join(" ")}\n` },
          outputs,
        };
        const isLogged = request.headers.get("x-amz-log-type") === "Tail";
        return Response.json(answer, isLogged ? { headers: logHeader(log) } : {});
      },
    );
  }

  get environment(): Record<string, string> {
    return {
      AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "secret",
      AWS_REGION: "us-west-2",
      AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${this.#server.addr.port}`,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** The context of a row. */
interface Bench {
  readonly place: Workplace;
  /** Runs the program against the stub, and returns the requests of this run. */
  readonly run: (
    args: readonly string[],
    options?: RunOptions,
  ) => Promise<Ended & { sent: Sent[] }>;
}

type Row = (bench: Bench) => Promise<void>;

const lines = [":::", "a", "b", "c"];

const global: Readonly<Record<keyof typeof globalFlags, Row>> = {
  async region({ run }) {
    const { sent } = await run(["-region", "eu-west-1", "invoke", "f"]);
    assert.match(sent[0]?.headers.get("authorization") ?? "", /\/eu-west-1\/lambda\//);
  },
  async profile({ place, run }) {
    const path = await place.write(
      "credentials",
      "[other]\naws_access_key_id = AKIDOTHER\naws_secret_access_key = other\n",
    );
    const environment = {
      AWS_ACCESS_KEY_ID: "",
      AWS_SECRET_ACCESS_KEY: "",
      AWS_SHARED_CREDENTIALS_FILE: path,
    };
    const { sent } = await run(["-profile", "other", "invoke", "f"], { environment });
    assert.match(sent[0]?.headers.get("authorization") ?? "", /Credential=AKIDOTHER\//);
  },
  async store({ place, run }) {
    await place.write("work/big", "x".repeat(300_000));
    await run(["-store", `file://${place.here("store")}`, "invoke", "-f", "big", "f"]);
    assert.equal((await place.list("work/store")).length, 1);
  },
  async local({ run }) {
    const { status, sent, stdout } = await run([
      "-local",
      "-function",
      "f=echo",
      "invoke",
      "f",
      "x",
    ]);
    assert.deepEqual([status, stdout, sent.length], [0, "x\n", 0]);
  },
  async functions({ place, run }) {
    await place.write("work/mine/g/function.json", '{"command": ["echo", "mine"]}');
    const { stdout } = await run(["-local", "-functions", "mine", "invoke", "g"]);
    assert.equal(stdout, "mine\n");
  },
  async function({ run }) {
    const { stdout } = await run(
      ["-local", "-function", "up=tr a-z A-Z", "invoke", "-stdin", "up"],
      {
        stdin: "text",
      },
    );
    assert.equal(stdout, "TEXT");
  },
  async "debug-aws"({ run }) {
    const { stderr } = await run(["-debug-aws", "invoke", "f"]);
    assert.match(stderr, /POST .*\/functions\/f\/response-streaming-invocations/);
    assert.doesNotMatch(stderr, /Signature=[0-9a-f]/);
  },
  async compress({ run }) {
    // The stub is on loopback.
    const accepted = async (args: string[], environment?: Record<string, string>) => {
      const { sent } = await run([...args, "invoke", "f"], environment && { environment });
      return sent[0]?.body.accept?.includes("zstd") ?? false;
    };
    assert.equal(await accepted([]), false);
    assert.equal(await accepted(["-compress", "on"]), true);
    assert.equal(await accepted([], { LLAMA_COMPRESS: "on" }), true);
    assert.equal(await accepted(["-compress", "off"], { LLAMA_COMPRESS: "on" }), false);
    assert.equal(await accepted(["-compress", "auto"], { LLAMA_COMPRESS: "on" }), false);
    const unknown = await run(["-compress", "yes", "invoke", "f"]);
    assert.match(unknown.stderr, /-compress: not one of auto, on, off/);
    assert.equal(unknown.status, 2);
    const wrong = await run(["invoke", "f"], { environment: { LLAMA_COMPRESS: "yes" } });
    assert.match(wrong.stderr, /LLAMA_COMPRESS must be auto, on or off: yes/);
    assert.equal(wrong.sent.length, 0);
  },
  async "s3-concurrency"({ place, run }) {
    const atOnce = async (concurrency: string) => {
      let now = 0;
      let most = 0;
      const waiting: (() => void)[] = [];
      await using server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => {} },
        async (request) => {
          await request.body?.cancel();
          if (request.method === "HEAD") return new Response(null, { status: 404 });
          most = Math.max(most, ++now);
          // An upload ends when a second one has begun, or none will.
          const { promise, resolve } = Promise.withResolvers<void>();
          waiting.push(resolve);
          const timer = setTimeout(resolve, concurrency === "1" ? 0 : 60_000);
          if (waiting.length === 2) waiting.forEach((resolve) => resolve());
          await promise;
          clearTimeout(timer);
          now--;
          return new Response("");
        },
      );
      for (const name of ["one", "two"]) {
        await place.write(`work/${name}`, `${name}${concurrency}`.repeat(100_000));
      }
      await run(
        ["-store", "s3://bucket/", "-s3-concurrency", concurrency]
          .concat(["invoke", "-f", "one", "-f", "two", "f"]),
        { environment: { AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${server.addr.port}` } },
      );
      return most;
    };
    assert.deepEqual([await atOnce("1"), await atOnce("2")], [1, 2]);
  },
  async trace({ place, run }) {
    await run(["-trace", "trace.json", "invoke", "f"]);
    assert(JSON.parse(await Deno.readTextFile(place.here("trace.json"))).traceEvents.length > 0);
  },
};

const invoke: Readonly<Record<keyof typeof invokeFlags, Row>> = {
  async logs({ run }) {
    assert.match((await run(["invoke", "-logs", "f"])).stderr, /^REPORT RequestId: x/);
  },
  async time({ run }) {
    assert.match((await run(["invoke", "-time", "f"])).stderr, /^llama: total \d+\.\d ms/);
  },
  async stdin({ run }) {
    const { sent } = await run(["invoke", "-stdin", "f"], { stdin: "text" });
    assert.equal(sent[0]?.body.stdin?.s, "text");
  },
  async timeout({ run }) {
    assert.equal((await run(["invoke", "-timeout", "7", "f"])).sent[0]?.body.timeout, 7);
    assert.equal((await run(["invoke", "-timeout", "1m", "f"])).sent[0]?.body.timeout, 60);
  },
  async file({ place, run }) {
    await place.write("work/in", "text");
    for (const flag of ["-file", "-f"]) {
      const { sent } = await run(["invoke", flag, "in:there", "f"]);
      assert.equal(sent[0]?.body.files["there"]?.s, "text");
    }
  },
  async "f-links"({ place, run }) {
    await place.write("work/outside", "text");
    await place.write("work/dir/file", "text");
    await Deno.symlink("../outside", place.here("dir/link"));
    const { sent } = await run(["invoke", "-f-links", "follow", "-f", "dir", "f"]);
    assert.equal(sent[0]?.body.files["dir/link"]?.s, "text");
  },
  async output({ place, run }) {
    for (const flag of ["-output", "-o"]) {
      const { sent } = await run(["invoke", flag, `here${flag}:there`, "f"]);
      assert.deepEqual(sent[0]?.body.outputs, ["there"]);
      assert.equal(await Deno.readTextFile(place.here(`here${flag}`)), "made");
    }
  },
  async "no-stream"({ run }) {
    const paths = async (...flags: string[]) =>
      (await run(["invoke", ...flags, "f"])).sent.map(({ url, body }) =>
        `${new URL(url).pathname.split("/").at(-1)} ${body.stream}`
      );
    assert.deepEqual(await paths(), ["response-streaming-invocations true"]);
    assert.deepEqual(await paths("-no-stream"), ["invocations undefined"]);
  },
  async "no-clobber"({ place, run }) {
    await place.write("work/here", "mine");
    const output = ["-o", "here:there", "-o", "s3://bucket/key:other"];
    const refused = await run(["invoke", "-no-clobber", ...output, "f"]);
    assert.deepEqual([refused.sent, refused.status], [[], 125]);
    assert.match(refused.stderr, /output "here" exists/);
    const { sent } = await run(["invoke", "-no-clobber", "-o", "s3://bucket/key:other", "f"]);
    const uploads = { other: { u: "s3://bucket/key", ifNoneMatch: true } };
    assert.deepEqual(sent[0]?.body.uploads, uploads);
  },
  async "invoke-retries"({ run }) {
    const { sent, status } = await run(["invoke", "-invoke-retries", "1", "f", "lose"]);
    assert.deepEqual([sent.length, status], [2, 125]);
  },
  async cache({ run }) {
    assert.equal((await run(["invoke", "-cache", "f"])).sent.length, 1);
    const { sent, stdout } = await run(["invoke", "-cache", "f"]);
    assert.deepEqual([sent.length, stdout], [0, "\n"]);
  },
  async "no-cache"({ place, run }) {
    await run(["invoke", "-no-cache", "f"]);
    assert.deepEqual(await entriesOf(place), []);
  },
  async "cache-only"({ run }) {
    const { status, sent, stderr } = await run(["invoke", "-cache-only", "f"]);
    assert.deepEqual([status, sent.length], [125, 0]);
    assert.match(stderr, /^llama: no kept result/);
  },
  async "cache-refresh"({ run }) {
    await run(["invoke", "-cache", "f"]);
    assert.equal((await run(["invoke", "-cache-refresh", "f"])).sent.length, 1);
  },
  async "cache-verify"({ place, run }) {
    await run(["invoke", "-cache", "f"]);
    const same = await run(["invoke", "-cache-verify", "f"]);
    assert.deepEqual([same.status, same.sent.length, same.stderr], [0, 1, ""]);
    await forge(place);
    const { status, stderr } = await run(["invoke", "-cache-verify", "f"]);
    assert.equal(status, 1);
    assert.match(stderr, /^llama: differs from the kept result: standard output$/m);
  },
  async "cache-explain"({ run }) {
    const { stderr } = await run(["invoke", "-cache-explain", "f"]);
    assert.match(stderr, /^llama: new: no job with these arguments/);
  },
  async report({ place, run }) {
    await run(["invoke", "-report", "run.html", "f"]);
    assert.match(await Deno.readTextFile(place.here("run.html")), /<!doctype html>/i);
  },
};

const xargs: Readonly<Record<keyof typeof xargsFlags, Row>> = {
  async logs({ run }) {
    const { stderr } = await run(["xargs", "-logs", "f", ...lines]);
    assert.equal(stderr.match(/^REPORT /gm)?.length, 3);
  },
  async j({ place, run }) {
    const script = "n=$(ls running | wc -l); touch running/$0; ls running >>most; " +
      'while [ "$(ls running | wc -l)" -lt "$1" ]; do sleep 0.01; done';
    await Deno.mkdir(place.here("running"));
    const args = ["-local", "-function", `f=sh -c 'cd ${place.here()}; ${script}'`];
    // Two jobs wait for each other, so they must run concurrently.
    const both = await run([...args, "xargs", "-j", "2", "f", "{{.Line}}", "2", ":::", "a", "b"]);
    assert.deepEqual([both.status, both.stderr], [0, ""]);
    const { sent } = await run(["xargs", "-j", "1", "-k", "f", "{{.Line}}", ...lines]);
    assert.deepEqual(sent.map(({ body }) => body.args[0]), ["a", "b", "c"]);
  },
  async file({ place, run }) {
    await place.write("work/in", "text");
    const { sent } = await run(["xargs", "-f", "in:there", "f", ...lines]);
    assert.deepEqual(sent.map(({ body }) => body.files["there"]?.s), ["text", "text", "text"]);
  },
  async "f-links"({ place, run }) {
    await place.write("work/dir/file", "text");
    await Deno.symlink("../outside", place.here("dir/link"));
    const { sent } = await run(["xargs", "-f-links", "skip", "-f", "dir", "f", ":::", "a"]);
    assert.deepEqual(Object.keys(sent[0]?.body.files ?? {}), ["dir/file"]);
    const dry = await run(["xargs", "-dry-run", "-f", "dir", "f", ":::", "a"]);
    assert.match(dry.stderr, /the link is broken/);
  },
  async "no-clobber"({ place, run }) {
    await place.write("work/b", "mine");
    const { sent, stderr } = await run([
      "xargs",
      "-no-clobber",
      "f",
      "{{.O .Line}}",
      "{{.O (printf `s3://bucket/%s` .Line)}}",
      ...lines,
    ]);
    assert.equal(sent.length, 2);
    assert(sent.every(({ body }) => Object.values(body.uploads ?? {})[0]?.ifNoneMatch));
    assert.match(stderr, /output "b" exists/);
  },
  async "skip-existing"({ place, run }) {
    await place.write("work/b", "mine");
    for (const dry of [[], ["-dry-run"]]) {
      const args = ["xargs", ...dry, "-skip-existing", "f", "{{.O .Line}}", ...lines];
      const { sent, stdout } = await run(args);
      const names = dry.length === 0
        ? sent.map(({ body }) => body.args[0]).sort()
        : stdout.match(/^f .$/gm)?.map((line) => line.slice(2));
      assert.deepEqual(names, ["a", "c"]);
      for (const name of ["a", "c"]) await Deno.remove(place.here(name)).catch(() => {});
    }
  },
  async "0"({ run }) {
    const { stdout } = await run(["xargs", "-0", "-k", "f", "[{{.Line}}]"], { stdin: "a\nb\0c\0" });
    assert.equal(stdout, "[a\nb]\n[c]\n");
  },
  async "invoke-retries"({ run }) {
    const { sent } = await run([
      "xargs",
      "-invoke-retries",
      "1",
      "f",
      "lose",
      "{{.Line}}",
      ":::",
      "a",
    ]);
    assert.equal(sent.length, 2);
  },
  async a({ place, run }) {
    await place.write("work/list", "a\nb\n");
    const { stdout } = await run(["xargs", "-a", "list", "-k", "f", "{{.Line}}"], {
      stdin: "no\n",
    });
    assert.equal(stdout, "a\nb\n");
  },
  async "a-as"({ place, run }) {
    await place.write("work/s3/list*", "a\n");
    const environment = { LLAMA_LOCAL_BUCKET: "s3" };
    const args = ["xargs", "-a", "s3://local/list*", "f", "{{.Line}}"];
    const { stdout } = await run([...args.slice(0, 1), "-a-as", "lines", ...args.slice(1)], {
      environment,
    });
    assert.equal(stdout, "a\n");
  },
  async d({ run }) {
    const { stdout } = await run(["xargs", "-d", ",", "-k", "f", "{{.Line}}"], { stdin: "a,b" });
    assert.equal(stdout, "a\nb\n");
  },
  async n({ run }) {
    const { sent } = await run(["xargs", "-n", "2", "-j", "1", "f", "{{.Each}}.x", ...lines]);
    assert.deepEqual(sent.map(({ body }) => body.args), [["a.x", "b.x"], ["c.x"]]);
  },
  async colsep({ run }) {
    const { stdout } = await run(
      ["xargs", "-colsep", "\\t", "-k", "f", "{{.Col 2}}{{index .Columns 0}}"],
      { stdin: "a\tb c\n" },
    );
    assert.equal(stdout, "b ca\n");
  },
  async "dry-run"({ run }) {
    const { stdout, sent } = await run(["xargs", "-dry-run", "f", "{{.Line}}", ...lines]);
    assert.deepEqual([stdout, sent], ["f a\nf b\nf c\n", []]);
  },
  async print({ run }) {
    const { stdout } = await run(["xargs", "-print", "none", "f", "{{.Line}}", ...lines]);
    assert.equal(stdout, "");
  },
  async k({ place, run }) {
    const go = place.here("go");
    const script = `if [ $0 = a ]; then while [ ! -e ${go} ]; do sleep 0.01; done; fi; echo $0; ` +
      `if [ $0 = b ]; then touch ${go}; fi`;
    const local = ["-local", "-function", `f=sh -c '${script}'`];
    const { stdout } = await run([
      ...local,
      "xargs",
      "-j",
      "2",
      "-k",
      "f",
      "{{.Line}}",
      ":::",
      "a",
      "b",
    ]);
    assert.equal(stdout, "a\nb\n");
  },
  async tag({ run }) {
    const { stdout } = await run(["xargs", "-tag", "-k", "f", "x", "{{.Line}}", ":::", "a"]);
    assert.equal(stdout, "a\tx a\n");
  },
  async json({ run }) {
    const { stdout } = await run(["xargs", "-json", "f", "{{.Line}}", ":::", "a"]);
    assert.equal(JSON.parse(stdout).line, "a");
  },
  async results({ place, run }) {
    await run(["xargs", "-results", "kept", "f", "{{.Line}}", ":::", "a"]);
    assert.equal(await Deno.readTextFile(place.here("kept/1/stdout")), "a\n");
  },
  async joblog({ place, run }) {
    await run(["xargs", "-joblog", "log", "f", "{{.Line}}", ...lines]);
    assert.equal((await Deno.readTextFile(place.here("log"))).split("\n").length, 5);
  },
  async resume({ run }) {
    const args = ["-joblog", "log", "f", `{{if eq .Line "b"}}fail{{end}}`, "{{.Line}}", ...lines];
    assert.equal((await run(["xargs", ...args])).sent.length, 3);
    assert.equal((await run(["xargs", "-resume", ...args])).sent.length, 0);
  },
  async "resume-failed"({ run }) {
    const args = ["-joblog", "log", "f", `{{if eq .Line "b"}}fail{{end}}`, "{{.Line}}", ...lines];
    assert.equal((await run(["xargs", ...args])).sent.length, 3);
    const { sent } = await run(["xargs", "-resume-failed", ...args]);
    assert.deepEqual(sent.map(({ body }) => body.args[1]), ["b"]);
  },
  async "resume-last"({ run }) {
    const args = ["f", `{{if eq .Line "b"}}fail{{end}}`, "{{.Line}}", ...lines];
    assert.equal((await run(["xargs", ...args])).sent.length, 3);
    assert.equal((await run(["xargs", "-resume-last", ...args])).sent.length, 0);
    const { sent } = await run(["xargs", "-resume-last", "-resume-failed", ...args]);
    assert.deepEqual(sent.map(({ body }) => body.args[1]), ["b"]);
  },
  async "no-journal"({ place, run }) {
    await run(["xargs", "-no-journal", "f", "{{.Line}}", ...lines]);
    assert(!(await place.list("settings")).includes("settings/runs"));
  },
  async retries({ run }) {
    const { sent, status } = await run([
      "xargs",
      "-retries",
      "2",
      "f",
      "fail",
      "{{.Line}}",
      ":::",
      "a",
    ]);
    assert.deepEqual([sent.length, status], [3, 1]);
  },
  async "retry-on"({ run }) {
    const args = ["-retries", "2", "-retry-on", "function", "f", "fail", "{{.Line}}", ":::", "a"];
    assert.equal((await run(["xargs", ...args])).sent.length, 1);
  },
  async timeout({ run }) {
    const { sent } = await run(["xargs", "-timeout", "0.5", "f", "{{.Line}}", ":::", "a"]);
    assert.equal(sent[0]?.body.timeout, 0.5);
  },
  async stragglers({ run }) {
    const many = Array.from({ length: 21 }, (_, index) => `${index}`);
    const args = ["xargs", "-stragglers", "1", "f", `{{if eq .Line "7"}}hang once{{end}}`];
    const { sent, status } = await run([...args, "{{.Line}}", ":::", ...many]);
    const bodies = sent.map(({ body }) => JSON.stringify(body));
    assert.deepEqual([status, sent.length], [0, 22]);
    assert.equal(bodies.filter((body) => body.includes("hang once")).length, 2);
    assert.equal(new Set(bodies).size, 21);
  },
  async halt({ run }) {
    const args = ["-j", "1", "-halt", "soon,fail=1", "f", "fail", "{{.Line}}", ...lines];
    assert.equal((await run(["xargs", ...args])).sent.length, 1);
  },
  async "max-cost"({ run }) {
    // A job of a second with 1,024 MB costs $0.0000169.
    const args = ["-j", "1", "-max-cost", "0.00001", "f", "{{.Line}}", ...lines];
    const { sent } = await run(["xargs", ...args]);
    assert.deepEqual([sent.length, sent[0]?.headers.get("x-amz-log-type")], [1, "Tail"]);
  },
  async prices({ place, run }) {
    const prices = { x86_64: 0, arm64: 0, request: 2, s3Put: 0, s3Get: 0 };
    const table = { date: "2030-01-01", source: "a guess", default: prices };
    await place.write("work/prices", JSON.stringify(table));
    const args = ["-summary", "-logs", "-prices", "prices", "f", "{{.Line}}", ...lines];
    assert.match((await run(["xargs", ...args])).stderr, /\$6\.00/);
  },
  async summary({ run }) {
    const { stderr } = await run(["xargs", "-summary", "f", "{{.Line}}", ...lines]);
    assert.match(stderr, /^llama: 3 jobs/m);
  },
  async cache({ run }) {
    const args = ["xargs", "-cache", "-k", "f", "{{.Line}}", ...lines];
    const first = await run(args);
    const { sent, stdout } = await run(args);
    assert.deepEqual([first.sent.length, sent.length, stdout], [3, 0, "a\nb\nc\n"]);
  },
  async "no-cache"({ place, run }) {
    await run(["xargs", "-no-cache", "f", "{{.Line}}", ...lines]);
    assert.deepEqual(await entriesOf(place), []);
  },
  async "cache-only"({ run }) {
    await run(["xargs", "-cache", "f", "{{.Line}}", ":::", "a"]);
    const { status, sent, stdout } = await run([
      "xargs",
      "-cache-only",
      "f",
      "{{.Line}}",
      ...lines,
    ]);
    assert.deepEqual([status, sent.length, stdout], [1, 0, "a\n"]);
  },
  async "cache-refresh"({ run }) {
    await run(["xargs", "-cache", "f", "{{.Line}}", ...lines]);
    const { sent } = await run(["xargs", "-cache-refresh", "f", "{{.Line}}", ...lines]);
    assert.equal(sent.length, 3);
  },
  async "cache-verify"({ place, run }) {
    const args = ["f", "{{.Line}}", ":::", "a"];
    await run(["xargs", "-cache", ...args]);
    assert.equal((await run(["xargs", "-cache-verify", ...args])).status, 0);
    await forge(place);
    const { status, stdout, stderr } = await run(["xargs", "-json", "-cache-verify", ...args]);
    assert.deepEqual([status, JSON.parse(stdout).cache.state], [1, "impure"]);
    assert.match(stderr, /^llama: job 1: differs from the kept result: standard output$/m);
  },
  async "cache-explain"({ run }) {
    await run(["xargs", "-cache", "f", "{{.Line}}", ":::", "a", "b"]);
    const { sent, stderr } = await run(["xargs", "-cache-explain", "f", "{{.Line}}", ...lines]);
    assert.equal(sent.length, 1);
    assert.equal(
      stderr,
      "llama: job 3: new: no job with these arguments and outputs was kept\n",
    );
  },
  async report({ place, run }) {
    await run(["xargs", "-report", "run.html", "f", "{{.Line}}", ...lines]);
    assert.match(await Deno.readTextFile(place.here("run.html")), /<!doctype html>/i);
  },
  async progress({ place }) {
    // The job ends once the first line has been printed, after five seconds.
    const go = place.here("go");
    const command = `f=sh -c 'while [ ! -e ${go} ]; do sleep 0.1; done'`;
    const args = ["-local", "-function", command, "xargs", "-progress", "lines", "f", ":::", "a"];
    const child = place.start(args);
    await child.stdin.close();
    let seen = "";
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      seen += text;
      if (/^llama: .*1 running/m.test(seen)) await Deno.writeTextFile(go, "");
    }
    assert.match(seen, /^llama: .*1 running/m);
    await child.stdout.cancel();
    assert.equal((await child.status).code, 0);
  },
};

const local: Readonly<Record<keyof typeof localFlags, Row>> = {
  async listen({ place }) {
    // The printed address is the one that responds.
    const { url, end } = await startLocal(place, ["-listen", "127.0.0.2:0"]);
    const response = await fetch(`${url}/2015-03-31/functions/f/invocations`, { method: "POST" });
    await response.body?.cancel();
    assert.deepEqual([new URL(url).hostname, response.status], ["127.0.0.2", 403]);
    await end();
  },
  async concurrency({ place, run }) {
    // More jobs than processors wait for each other, so they must run concurrently.
    const count = navigator.hardwareConcurrency + 1;
    await Deno.mkdir(place.here("running"));
    const script = `cd ${place.here("running")}; touch $0; ` +
      `while [ "$(ls | wc -l)" -lt ${count} ]; do sleep 0.01; done`;
    const flags = ["-concurrency", String(count)];
    const { environment, end } = await startLocal(place, flags, `f=sh -c '${script}'`);
    const numbers = Array.from({ length: count }, (_, i) => String(i));
    const args = ["xargs", "-timeout", "50", "f", "{{.Line}}", ":::", ...numbers];
    assert.equal((await run(args, { environment })).stderr, "");
    await end();
  },
};

/** Returns the paths of the kept results. */
async function entriesOf(place: Workplace): Promise<string[]> {
  const names = await place.list("settings/act").catch(() => []);
  return names.filter((name) => /\/[0-9a-f]{64}$/.test(name)).map((name) => place.join(name));
}

/** Replaces the response of a kept result. */
async function forge(place: Workplace): Promise<void> {
  const [path = ""] = await entriesOf(place);
  const response = JSON.stringify({ status: 0, stdout: { s: "forged" }, stderr: {}, outputs: {} });
  await Deno.writeFile(
    path,
    formatEntry(path.slice(-64), response, { billedMilliseconds: 1 }, Date.now()),
  );
}

/** Starts `llama local`, and waits until it has printed its address. */
async function startLocal(place: Workplace, flags: readonly string[], command = "f=echo") {
  const child = place.start(["-function", command, "local", ...flags]);
  await child.stdin.close();
  const stderr = new Response(child.stderr).text();
  const environment: Record<string, string> = {};
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; environment["AWS_ENDPOINT_URL_LAMBDA"] === undefined;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`llama local ended: ${await stderr}`);
    text += value;
    for (const [, name = "", value = ""] of text.matchAll(/^export (\w+)='?([^'\n]*)'?\n/gm)) {
      environment[name] = value;
    }
  }
  return {
    environment,
    url: environment["AWS_ENDPOINT_URL_LAMBDA"],
    async end() {
      child.kill("SIGTERM");
      await child.status;
      await reader.cancel();
      await stderr;
    },
  };
}

const tables = { global, invoke, xargs, local };
const flags = { global: globalFlags, invoke: invokeFlags, xargs: xargsFlags, local: localFlags };

for (const [name, rows] of Object.entries(tables)) {
  for (const [flag, row] of Object.entries(rows)) {
    Deno.test(`${name === "global" ? "llama" : `llama ${name}`} passes -${flag} on`, async () => {
      await using place = new Workplace();
      await using stub = new FunctionStub();
      await row({
        place,
        run: async (args, options = {}) => {
          const before = stub.sent.length;
          const environment = { ...stub.environment, ...options.environment };
          const ended = await place.run(args, { ...options, environment });
          return { ...ended, sent: stub.sent.slice(before) };
        },
      });
    });
  }
}

Deno.test("each flag has a row", () => {
  for (const name of ["global", "invoke", "xargs", "local"] as const) {
    assert.deepEqual(Object.keys(tables[name]).sort(), Object.keys(flags[name]).sort(), name);
  }
});
