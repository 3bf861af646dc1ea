/**
 * What several tests of the emulator need.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { AwsV4Signer } from "npm:aws4fetch@1.0.20";
import { defaultMemory, type FunctionDefinition } from "../../lib/functions/definition.ts";
import { directClient } from "../../lib/system/loopback.ts";
import { LocalLambda, type LocalLambdaOptions } from "../../lib/local/local_lambda.ts";
import type { LocalFunction } from "../../lib/local/functions.ts";

const fakeRuntime = fileURLToPath(new URL("./fake_runtime.ts", import.meta.url));

/** Starts the fake runtime. */
export const fakeRuntimeCommand = [
  Deno.execPath(),
  "run",
  "--allow-all",
  "--quiet",
  "--no-config",
  "--no-check",
  fakeRuntime,
];

/** A function that the fake runtime stands for. */
export function fakeFunction(
  name: string,
  more: Partial<FunctionDefinition> = {},
): LocalFunction {
  return {
    name,
    from: `images/${name}/function.json`,
    directory: "/",
    definition: {
      name,
      command: [],
      memory: defaultMemory,
      timeout: 30,
      environment: {},
      ...more,
    },
  };
}

/** A directory that goes at the end of its block. */
export function temporaryDirectory(): Disposable & { path: string } {
  const path = Deno.makeTempDirSync({ prefix: "llama-test-" });
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

/** An emulator, a client for it, and a directory for both, which go together. */
export interface TestLambda extends AsyncDisposable {
  readonly lambda: LocalLambda;
  readonly directory: string;
  readonly client: Deno.HttpClient;
}

/** Starts an emulator in a temporary directory of its own. */
export async function startLambda(
  options: Partial<LocalLambdaOptions> & Pick<LocalLambdaOptions, "functions">,
): Promise<TestLambda> {
  const directory = temporaryDirectory();
  const lambda = await LocalLambda.start({
    runtimeCommand: fakeRuntimeCommand,
    environment: { ...Deno.env.toObject(), TMPDIR: directory.path },
    ...options,
  });
  const client = directClient(new URL(lambda.endpoint).host);
  return {
    lambda,
    directory: directory.path,
    client,
    async [Symbol.asyncDispose]() {
      client.close();
      await lambda.close();
      directory[Symbol.dispose]();
    },
  };
}

/** How to call a function. */
export interface CallOptions {
  headers?: Record<string, string>;
  method?: string;
  path?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string | undefined };
  datetime?: string;
  signal?: AbortSignal;
}

/** Signs an Invoke and sends it. */
export async function call(
  { lambda, client }: TestLambda,
  name: string,
  payload: unknown,
  options: CallOptions = {},
): Promise<Response> {
  const {
    headers = {},
    method = "POST",
    path = `/2015-03-31/functions/${encodeURIComponent(name)}/invocations`,
    credentials = lambda.credentials,
    datetime,
    signal,
  } = options;
  const body = typeof payload === "string" ? payload : JSON.stringify(payload);
  const { accessKeyId, secretAccessKey, sessionToken = "" } = credentials;
  const signer = new AwsV4Signer({
    method,
    url: lambda.endpoint + path,
    headers: { "content-type": "application/json", ...headers },
    ...(method === "POST" ? { body } : {}),
    accessKeyId,
    secretAccessKey,
    sessionToken,
    service: "lambda",
    region: lambda.region,
    ...(datetime === undefined ? {} : { datetime }),
  });
  const signed = await signer.sign();
  return await fetch(signed.url, {
    method,
    headers: signed.headers,
    ...(method === "POST" ? { body } : {}),
    ...(signal ? { signal } : {}),
    client,
  });
}

/** The status of an answer whose body nobody needs. */
export async function statusOf(response: Response | Promise<Response>): Promise<number> {
  const { status, body } = await response;
  await body?.cancel();
  return status;
}

/** The log's tail of an answer. */
export function logOf(response: Response): string {
  const log = response.headers.get("x-amz-log-result") ?? "";
  return new TextDecoder().decode(Uint8Array.from(atob(log), (char) => char.charCodeAt(0)));
}

/** Waits until a file is there; the caller gives its directory to nobody else. */
export async function appears(path: string): Promise<void> {
  using watcher = Deno.watchFs(path.slice(0, path.lastIndexOf("/")));
  const isThere = () => Deno.stat(path).then(() => true, () => false);
  if (await isThere()) return;
  for await (const _ of watcher) if (await isThere()) return;
}
