/**
 * A stub of Lambda with a concurrency limit: it throttles requests above the limit, simulates cold
 * starts, and simulates commands by delays.
 *
 * @module
 */

/** The maximum number of execution environments. */
const maxEnvironments = 200;

/** Returns a generator of reproducible numbers from 0 to 1. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

/**
 * Starts the stub.
 *
 * @returns The environment variables with which llama uses it. Disposing of the result stops it.
 */
export function startThrottle(): {
  environment: Readonly<Record<string, string>>;
} & AsyncDisposable {
  const random = numbers(7);
  let running = 0;
  let idle = 0;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      await request.bytes();
      if (running >= maxEnvironments) {
        return Response.json({ message: "Rate Exceeded." }, {
          status: 429,
          headers: { "x-amzn-errortype": "TooManyRequestsException" },
        });
      }
      running++;
      const isCold = idle === 0;
      if (!isCold) idle--;
      try {
        const [start, init] = isCold ? [250 + 350 * random(), 40] : [0, 0];
        // Most jobs are fast, a few are slow: an exponential distribution has a long tail.
        const exec = 25 - 45 * Math.log(1 - random()) + (random() < 0.004 ? 900 * random() : 0);
        const [fetch, upload] = [3 + 6 * random(), 2 + 3 * random()];
        await delay(3 + start + fetch + exec + upload);
        return answer(random(), { isCold, init, fetch, exec, upload });
      } finally {
        running--;
        idle++;
      }
    },
  );
  return {
    environment: {
      AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${server.addr.port}`,
      AWS_REGION: "us-west-2",
      AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "example",
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function answer(
  chance: number,
  { isCold, init, fetch, exec, upload }: {
    isCold: boolean;
    init: number;
    fetch: number;
    exec: number;
    upload: number;
  },
): Response {
  const failed = chance < 0.002;
  if (chance > 0.9995) {
    const error = {
      errorType: "Runtime.ExitError",
      errorMessage: "Runtime exited: signal: killed",
    };
    return Response.json(error, { headers: { "x-amz-function-error": "Unhandled" } });
  }
  const nanoseconds = (milliseconds: number) => Math.round(milliseconds * 1e6);
  return Response.json({
    status: failed ? 1 : 0,
    stdout: {},
    stderr: failed ? { s: "resize: improper image header\n" } : {},
    outputs: {},
    times: {
      cold: isCold,
      e2e: nanoseconds(fetch + exec + upload),
      fetch: nanoseconds(fetch),
      exec: nanoseconds(exec),
      upload: nanoseconds(upload),
      ...(isCold ? { init: nanoseconds(init) } : {}),
    },
    environment: { memory: 1024, arch: "arm64" },
    memory: 96 * 2 ** 20,
    runtime: "0.1.0",
  });
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
