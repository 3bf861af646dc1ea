/** Runtimes of different ages in the test's process, for jobs that copy `in` to `out` and standard input to output. */

import { Buffer } from "node:buffer";
import { LlamaError } from "../../lib/errors.ts";
import type { ContentKind, Features } from "../../lib/features.ts";
import { runInvocation } from "../../lib/runtime/invocation.ts";
import { toJobError } from "../../lib/runtime/to_job_error.ts";
import { Workspace } from "../../lib/runtime/workspace.ts";
import type { S3Files } from "../../lib/store/s3_files.ts";
import type { ObjectStore } from "../../lib/store/store.ts";
import { functionError } from "../invoke_stub.ts";

/** A kind of content for tests: one character, many times. */
export const repeated: ContentKind = {
  feature: "repeated",
  keys: ["x", "n"],
  encode: (bytes) => {
    const [first = 0] = bytes;
    const fits = bytes.length > 0 && first < 0x80 && bytes.every((byte) => byte === first);
    return Promise.resolve(
      fits ? { x: String.fromCharCode(first), n: bytes.length } : undefined,
    );
  },
  decode: ({ x, n }) => {
    if (typeof x !== "string" || x.length !== 1 || typeof n !== "number") {
      throw new LlamaError("protocol", "the repeated character is damaged");
    }
    return Promise.resolve(Buffer.alloc(n, x));
  },
};

/** What a later version than this one may know. */
export const later: Features = { contents: [repeated], files: [], needs: ["test"] };

/** What llama 0.1.0 knew. */
export const none: Features = { contents: [], files: [], needs: [] };

/** The arguments of the job that all of these runtimes can run. */
export const copyArguments = ["/bin/sh", "-c", "cat; if [ -e in ]; then cp in out; fi"];

/** A runtime: answers the text of a request. */
export type Runtime = (text: string) => Promise<Response>;

/** The runtime of these sources, with features or without. */
export function ours(store: ObjectStore | undefined, features = none, s3?: S3Files): Runtime {
  return async (text) => {
    const parent = Deno.makeTempDirSync({ prefix: "llama-test-" });
    const workspace = new Workspace(parent, "test");
    try {
      const { text: answer } = await runInvocation(text, {
        functionName: "f",
        features,
        command: { kind: "job" },
        environment: {},
        onlyThese: false,
        searchPath: undefined,
        workspace,
        store: () => store,
        s3: s3 && (() => Promise.resolve(s3)),
        initMs: undefined,
        received: performance.now(),
        deadline: undefined,
        memoryMb: 512,
        requestId: "request",
        signal: new AbortController().signal,
      });
      return new Response(answer);
    } catch (error) {
      return Response.json(toJobError(error, parent).payload(), {
        headers: { "x-amz-function-error": "Unhandled" },
      });
    } finally {
      await workspace.remove();
      Deno.removeSync(parent, { recursive: true });
    }
  };
}

type OldBlob = Partial<Record<"s" | "b" | "r" | "e", string>>;

interface OldRequest {
  stdin?: OldBlob;
  files?: Record<string, OldBlob>;
  outputs?: string[];
}

async function bytesOf(blob: OldBlob, store: ObjectStore | undefined): Promise<Uint8Array> {
  if (blob.s !== undefined) return Buffer.from(blob.s);
  if (blob.b !== undefined) return Buffer.from(blob.b, "base64");
  if (blob.r !== undefined && store) return await store.get(blob.r);
  return new Uint8Array();
}

async function copy(
  { stdin = {}, files = {}, outputs = [] }: OldRequest,
  store: ObjectStore | undefined,
): Promise<object> {
  const encode = async (blob: OldBlob) => ({
    b: Buffer.from(await bytesOf(blob, store)).toString("base64"),
  });
  const { in: input } = files;
  const entries = await Promise.all(outputs.map(async (name) => {
    const blob = name === "out" && input ? await encode(input) : { e: "not made" };
    return [name, blob];
  }));
  return { status: 0, stdout: await encode(stdin), outputs: Object.fromEntries(entries) };
}

/** llama 0.1.0 before its wire could grow: keys that it does not know are not there for it. */
export function first(store: ObjectStore | undefined): Runtime {
  return async (text) => {
    const request: OldRequest = JSON.parse(text);
    const { stdin = {}, files = {} } = request;
    for (const [name, { s, b, r, e }] of [["stdin", stdin], ...Object.entries(files)] as const) {
      if ([s, b, r, e].filter((value) => value !== undefined).length > 1) {
        const words = `the request is not llama's: ${name}: has more than one of "s", "b", ...`;
        return functionError("Llama.BadRequest", words);
      }
      if (e !== undefined) return functionError("Llama.BadRequest", `${name}: ${e}`);
    }
    return Response.json({ ...await copy(request, store), runtime: "0.1.0" });
  };
}

/** The original of December 2020: `e` counts for files, and not for standard input. */
export function original(store: ObjectStore | undefined): Runtime {
  return async (text) => {
    const request: OldRequest = JSON.parse(text);
    for (const { e } of Object.values(request.files ?? {})) {
      if (e !== undefined) return functionError("errorString", e);
    }
    return Response.json(await copy(request, store));
  };
}
