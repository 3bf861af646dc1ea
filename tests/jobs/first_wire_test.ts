/**
 * What the client and the runtime of llama 0.1.0 said to each other before the wire could grow, as
 * recorded then: each of today's must do with it what the other end of then did.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { AwsClient } from "../../lib/aws/client.ts";
import { Lambda } from "../../lib/aws/api/lambda_invoke.ts";
import { contentNames, namesOf, ownFeatures } from "../../lib/features.ts";
import type { File } from "../../lib/protocol.ts";
import { OutputFiles } from "../../lib/jobs/big_output.ts";
import { runJob } from "../../lib/jobs/run.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import exchanges from "../testdata/wire-0.1.0.json" with { type: "json" };
import { noise, TemporaryDirectory } from "../helpers.ts";
import { InvokeStub } from "../invoke_stub.ts";
import { later, none, ours } from "./runtimes.ts";

/** A store with the one object that the exchanges name. */
async function openStore(): Promise<MemoryStore> {
  const store = new MemoryStore();
  await store.put(noise(300_000));
  return store;
}

/** The bytes of a blob that is of the wire of then. */
async function bytesOf({ s, b, r }: File, store: MemoryStore): Promise<Uint8Array> {
  return r === undefined
    ? Buffer.from(s ?? b ?? "", s === undefined ? "base64" : "utf8")
    : await store.get(r);
}

for (const { name, request, response } of exchanges) {
  for (const [kind, features] of Object.entries({ no: none, "today's": ownFeatures, later })) {
    Deno.test(`the client of then gets the same answer of a runtime with ${kind} features: ${name}`, async () => {
      const store = await openStore();
      const answer = await (await ours(store, features)(JSON.stringify(request))).json();
      const { times: _times, memory: _memory, accepts, ...rest } = answer;
      const { times: _t, memory: _m, ...expected } = response;
      // The reader of then ignores what it does not know here, and has no key in a blob to ignore.
      assert.deepEqual(accepts, namesOf(features));
      const outputs = Object.entries<File>(expected.outputs ?? {}).map(([remote, file]) =>
        // Recorded under umask 022, which made what was not chmodded 0644.
        [remote, file.m === 0o644 ? { ...file, m: 0o666 & ~Deno.umask() } : file] as const
      );
      assert.deepEqual({ ...rest, runtime: expected.runtime }, {
        ...expected,
        ...(outputs.length === 0 ? {} : { outputs: Object.fromEntries(outputs) }),
      });
    });

    Deno.test(`a client with ${kind} features sends the runtime of then the same, and loses nothing: ${name}`, async () => {
      const store = await openStore();
      await using directory = new TemporaryDirectory();
      await using stub = new InvokeStub(() => response);
      const { AWS_ENDPOINT_URL_LAMBDA: lambda = "" } = stub.environment;
      using client = new AwsClient({
        credentials: () => Promise.resolve({ accessKeyId: "A", secretAccessKey: "secret" }),
        location: () => Promise.resolve({ region: "us-west-2", endpoints: { lambda } }),
      });
      const files: [string, File][] = Object.entries(request.files);
      const inputs = await Promise.all(files.map(async ([remote, file]) => ({
        remote,
        source: await directory.write(`in/${remote}`, await bytesOf(file, store), file.m),
      })));
      const stdin = "stdin" in request ? request.stdin : undefined;
      const job = {
        functionName: "f",
        args: request.args,
        stdin: stdin && await bytesOf(stdin, store),
        inputs,
        outputs: request.outputs.map((remote) => ({
          remote,
          local: directory.join("out", remote),
        })),
      };
      const timeoutSeconds = "timeout" in request ? request.timeout : undefined;
      using outputFiles = new OutputFiles("/tmp");
      const runner = {
        lambda: new Lambda(client),
        store,
        outputFiles,
        features,
      };
      const result = await runJob(runner, job, { timeoutSeconds });

      const [{ accept, ...sent } = { accept: [] }] = stub.requests;
      const kinds = contentNames(features);
      assert.deepEqual(accept ?? [], kinds);
      assert.deepEqual(sent, request);
      assert.equal(result.status, response.status);
      assert.deepEqual(
        Buffer.from(result.stdout),
        Buffer.from(await bytesOf(response.stdout, store)),
      );
      const outputs: [string, File][] = Object.entries(response.outputs);
      for (const [remote, file] of outputs) {
        if (file.e !== undefined) continue;
        const bytes = await Deno.readFile(directory.join("out", remote));
        assert.deepEqual(Buffer.from(bytes), Buffer.from(await bytesOf(file, store)), remote);
      }
      const missing = outputs.filter(([, { e }]) => e !== undefined).length;
      assert.equal(result.outputErrors.length, missing);
      assert.equal(result.written.length, outputs.length - missing);
    });
  }
}
