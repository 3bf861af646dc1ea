/**
 * A Runtime API in the test's process, and the runtime as a real process beside it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { parseResponse, type Response as JobResponse } from "../../lib/protocol.ts";
import { runtimeProgram } from "../e2e/llama.ts";

/** How an invocation was answered. */
export interface Outcome {
  /** `response` or `error`. */
  kind: string;
  /** What was posted. */
  text: string;
  /** Its bytes. */
  bytes: Uint8Array<ArrayBuffer>;
  /** The header that names an error's type. */
  errorType: string | null;
  /** Whether it was posted as a streamed response. */
  isStreamed: boolean;
}

/** How the runtime is started. */
export interface FakeLambdaOptions {
  /** The runtime's own arguments. */
  args?: string[];
  /** More environment variables. */
  env?: Record<string, string>;
  /** The directory that it is started in. */
  cwd?: string;
  /** Where temporary files go, for a test that looks after it itself. @default {its own} */
  temporary?: string;
  /** A command that runs the runtime. @default {none} */
  around?: readonly string[];
  /** When Lambda ends an invocation, in milliseconds since 1970. @default {in a minute} */
  deadline?: () => string | undefined;
  /** The ARN that the function is invoked by. */
  functionArn?: string;
  /**
   * Answers a post before the API does: a status, `lost` for a connection that breaks in the middle
   * of the answer, or undefined for the usual.
   */
  intercept?: (kind: string, attempt: number) => number | "lost" | undefined;
}

const prefix = "/secret-key/environment-1/2018-06-01/runtime";

/** Lambda, with one execution environment. */
export class FakeLambda implements AsyncDisposable {
  /** The directory for temporary files, which must be empty after each job. */
  readonly temporary: string;
  /** What the runtime says of its start, if it fails. */
  readonly initError: Promise<Outcome>;
  /** The runtime's process id. */
  readonly pid: number;
  /** What the runtime wrote to its standard error, once it has ended. */
  readonly log: Promise<string>;
  /** The runtime's exit status. */
  readonly status: Promise<Deno.CommandStatus>;
  /** The end of standard input that the emulator holds. */
  readonly stdin: WritableStream<Uint8Array>;
  /** When the runtime first asked for an invocation. */
  readonly ready: Promise<void>;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #waiting: { id: string; text: string }[] = [];
  readonly #outcomes = new Map<string, (outcome: Outcome) => void>();
  readonly #options: FakeLambdaOptions;
  #wake = Promise.withResolvers<void>();
  readonly #functionArn: string | undefined;
  #requests = 0;

  constructor(options: FakeLambdaOptions = {}) {
    this.#options = options;
    this.temporary = options.temporary ?? Deno.makeTempDirSync({ prefix: "llama-test-" });
    this.#functionArn = options.functionArn;
    const init = Promise.withResolvers<Outcome>();
    const ready = Promise.withResolvers<void>();
    this.initError = init.promise;
    this.ready = ready.promise;
    let posts = 0;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        const { pathname } = new URL(request.url);
        assert(pathname.startsWith(prefix), pathname);
        const path = pathname.slice(prefix.length);
        if (path === "/invocation/next") {
          ready.resolve();
          return await this.#next();
        }
        const [, id, kind = ""] = /^\/(?:invocation\/([^/]+)|init)\/(response|error)$/.exec(path) ??
          [];
        const bytes = await request.bytes();
        const text = new TextDecoder().decode(bytes);
        const status = options.intercept?.(kind, ++posts);
        if (status === "lost") return new Response(broken());
        if (status !== undefined) return new Response("", { status });
        const errorType = request.headers.get("lambda-runtime-function-error-type");
        const mode = request.headers.get("lambda-runtime-function-response-mode");
        const outcome = { kind, text, bytes, errorType, isStreamed: mode === "streaming" };
        if (id === undefined) init.resolve(outcome);
        else this.#outcomes.get(id)?.(outcome);
        return Response.json({ status: "OK" }, { status: 202 });
      },
    );
    const { port } = this.#server.addr;
    const command = [...options.around ?? [], ...runtimeProgram, ...options.args ?? []];
    const child = new Deno.Command("/bin/sh", {
      // The modes of what commands make are Lambda's, whatever the umask of the tests.
      args: ["-c", 'umask 022; exec "$@"', "sh", ...command],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      clearEnv: true,
      env: {
        PATH: Deno.env.get("PATH") ?? "",
        HOME: Deno.env.get("HOME") ?? "",
        DENO_DIR: Deno.env.get("DENO_DIR") ?? "",
        TMPDIR: this.temporary,
        // No proxy may come between: nothing listens at this address.
        HTTP_PROXY: "http://127.0.0.1:9",
        http_proxy: "http://127.0.0.1:9",
        AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}/secret-key/environment-1`,
        ...options.env,
      },
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.pid = child.pid;
    this.stdin = child.stdin;
    this.status = child.status;
    this.log = new Response(child.stderr).text();
  }

  /** Invokes the function with a payload, and waits for what the runtime posts. */
  async send(text: string): Promise<Outcome> {
    const id = `request-${++this.#requests}`;
    const outcome = Promise.withResolvers<Outcome>();
    this.#outcomes.set(id, outcome.resolve);
    this.#waiting.push({ id, text });
    this.#wake.resolve();
    const ended = this.status.then(async ({ code }) => {
      throw new Error(`the runtime exited with ${code}: ${await this.log}`);
    });
    try {
      return await Promise.race([outcome.promise, ended]);
    } finally {
      ended.catch(() => {});
    }
  }

  /** Runs a job that the runtime must answer with a response. */
  async run(request: object): Promise<JobResponse> {
    const { kind, text } = await this.send(JSON.stringify(request));
    assert.equal(kind, "response", text);
    return parseResponse(text);
  }

  /** Runs a job that the runtime must answer with a function error. */
  async refuse(request: object | string): Promise<Record<string, unknown>> {
    const text = typeof request === "string" ? request : JSON.stringify(request);
    const outcome = await this.send(text);
    assert.equal(outcome.kind, "error", outcome.text);
    const payload: Record<string, unknown> = JSON.parse(outcome.text);
    assert.equal(outcome.errorType, payload["errorType"]);
    return payload;
  }

  /** Waits until no job's directory is left. */
  async clean(): Promise<void> {
    await until(() => Deno.readDirSync(this.temporary)[Symbol.iterator]().next().done === true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      Deno.kill(this.pid, "SIGTERM");
    } catch {
      // It has ended by itself, as some tests want it to.
    }
    await this.stdin.close().catch(() => {});
    await this.status;
    await this.log;
    await this.#server.shutdown();
    if (this.#options.temporary === undefined) {
      await Deno.remove(this.temporary, { recursive: true });
    }
  }

  async #next(): Promise<Response> {
    for (;;) {
      const invocation = this.#waiting.shift();
      if (invocation) {
        const { deadline = () => String(Date.now() + 60_000) } = this.#options;
        const deadlineMs = deadline();
        return new Response(invocation.text, {
          headers: {
            "lambda-runtime-aws-request-id": invocation.id,
            ...(deadlineMs === undefined ? {} : { "lambda-runtime-deadline-ms": deadlineMs }),
            "lambda-runtime-trace-id": "Root=1-trace",
            ...(this.#functionArn === undefined
              ? {}
              : { "lambda-runtime-invoked-function-arn": this.#functionArn }),
          },
        });
      }
      this.#wake = Promise.withResolvers();
      const ended = this.status.then(() => true);
      if (await Promise.race([this.#wake.promise.then(() => false), ended])) {
        return new Response("", { status: 410 });
      }
    }
  }
}

/** Waits until something is so, looking again after each turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 20_000;
  while (!condition()) {
    assert(performance.now() < end, "waited for 20 seconds");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** A blob's bytes as text. */
export function textOf(blob: { s?: string | undefined; b?: string | undefined }): string {
  return blob.s ?? (blob.b === undefined ? "" : atob(blob.b));
}

/** A body that begins and never ends well. */
function broken(): ReadableStream<Uint8Array> {
  let isFirst = true;
  return new ReadableStream({
    pull(controller) {
      if (isFirst) controller.enqueue(new TextEncoder().encode("{"));
      else controller.error(new Error("the connection is lost"));
      isFirst = false;
    },
  });
}
