/** Lambda in the test's process: answers each Invoke as the test says, and GetFunction. */

/** A request of the wire, as far as tests look at it. */
export interface StubRequest {
  args: string[];
  files: Record<string, { s?: string; r?: string; m?: number; u?: string; t?: string }>;
  stdin?: Record<string, unknown>;
  outputs: string[];
  uploads?: Record<string, { u: string; ifNoneMatch?: boolean }>;
  needs?: string[];
  timeout?: number;
  accept?: string[];
  stream?: boolean;
}

/** What a stub answers: the payload, or all of the HTTP response. */
export type StubAnswer = (request: StubRequest) => unknown;

/** What `GetFunction` says of a function. */
export function functionDetails(
  name: string,
  { tags = {}, variables = {}, layers = [] }: {
    tags?: Record<string, string>;
    variables?: Record<string, string>;
    layers?: string[];
  } = {},
): Response {
  return Response.json({
    Configuration: {
      FunctionName: name,
      FunctionArn: `arn:aws:lambda:us-west-2:123456789012:function:${name}`,
      Role: "arn:aws:iam::123456789012:role/any",
      MemorySize: 128,
      Timeout: 3,
      Environment: { Variables: variables },
      Layers: layers.map((Arn) => ({ Arn })),
    },
    Tags: tags,
  });
}

/** A server that answers Invoke and GetFunction. */
export class InvokeStub implements AsyncDisposable {
  /** All requests that came, in order. */
  readonly requests: StubRequest[] = [];
  /** The names that GetFunction was asked about. */
  readonly lookups: string[] = [];
  /** The most that were there at once. */
  mostAtOnce = 0;
  /** What a program's environment must have to talk to it. */
  readonly environment: Record<string, string>;
  readonly #peers = new Set<number>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #end = new AbortController();
  #atOnce = 0;

  /**
   * @param answer Answers Invoke.
   * @param describe Answers GetFunction; by default, all functions are llama's.
   */
  constructor(
    answer: StubAnswer,
    describe: (name: string) => Response | Promise<Response> = (name) =>
      functionDetails(name, { tags: { llama: "llama" } }),
  ) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, signal: this.#end.signal, onListen: () => {} },
      async (request, { remoteAddr }) => {
        this.#peers.add(remoteAddr.port);
        if (request.method === "GET") {
          const name = decodeURIComponent(new URL(request.url).pathname.split("/").at(-1) ?? "");
          this.lookups.push(name);
          return await describe(name);
        }
        this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce);
        try {
          const body = await request.json();
          this.requests.push(body);
          const answered = await answer(body);
          return answered instanceof Response ? answered : Response.json(answered);
        } finally {
          this.#atOnce--;
        }
      },
    );
    this.environment = {
      AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "secret",
      AWS_REGION: "us-west-2",
      AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${this.#server.addr.port}`,
    };
  }

  /** How many connections requests came over. */
  get connections(): number {
    return this.#peers.size;
  }

  /** Ends it at once, whatever is in flight. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#server.finished;
  }
}

/** A Lambda that answers, with status 0, only once it is told to. */
export class HeldLambda extends InvokeStub {
  /** Resolves when the first request has come. */
  readonly asked: Promise<void>;
  /** Has it answer. */
  readonly go: () => void;

  constructor() {
    const asked = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    super(async () => {
      asked.resolve();
      await go.promise;
      return { status: 0 };
    });
    this.asked = asked.promise;
    this.go = go.resolve;
  }
}

/** Answers with the arguments. */
export const echo: StubAnswer = ({ args }) => ({ status: 0, stdout: { s: args.join(" ") } });

/** Answers as Lambda does when a function crashed. */
export function functionError(errorType: string, errorMessage = "it crashed"): Response {
  return Response.json({ errorType, errorMessage }, {
    headers: { "x-amz-function-error": "Unhandled" },
  });
}

/** The log tail as a header: what a request that asks for it gets. */
export function logHeader(log: string): Record<string, string> {
  return { "x-amz-log-result": btoa(log) };
}
