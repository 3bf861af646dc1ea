/** Jobs with inputs and outputs in S3, from one side of the wire to the other. */

import assert from "node:assert/strict";
import { AwsClient } from "../../lib/aws/client.ts";
import { Lambda } from "../../lib/aws/api/lambda_invoke.ts";
import { FunctionError } from "../../lib/errors.ts";
import { type Features, ownFeatures } from "../../lib/features.ts";
import { OutputFiles } from "../../lib/jobs/big_output.ts";
import { expandOnce, jobOf } from "../../lib/jobs/expand.ts";
import type { JobResult } from "../../lib/jobs/job.ts";
import { hashSharedFiles } from "../../lib/jobs/log/identity.ts";
import { isWorthRetrying } from "../../lib/jobs/policy.ts";
import { runJob } from "../../lib/jobs/run.ts";
import type { RunJobOptions } from "../../lib/jobs/run_options.ts";
import { BucketDirectory } from "../../lib/store/s3_bucket_directory.ts";
import { pathOfObject } from "../../lib/store/s3_path.ts";
import { TemporaryDirectory, textOf } from "../helpers.ts";
import { InvokeStub } from "../invoke_stub.ts";
import { first, none, original, ours, type Runtime } from "./runtimes.ts";

/** One function, one client, and one bucket. */
class World implements AsyncDisposable {
  readonly directory = new TemporaryDirectory();
  readonly bucket: BucketDirectory = new BucketDirectory(this.directory.join("bucket"));
  runtime: Runtime = ours(undefined, ownFeatures, this.bucket);
  readonly stub: InvokeStub = new InvokeStub((request) => this.runtime(JSON.stringify(request)));
  readonly #client: AwsClient;

  constructor() {
    const { AWS_ENDPOINT_URL_LAMBDA: lambda = "" } = this.stub.environment;
    this.#client = new AwsClient({
      credentials: () => Promise.resolve({ accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" }),
      location: () => Promise.resolve({ region: "us-west-2", endpoints: { lambda } }),
    });
  }

  /** Runs a shell script, whose arguments are templates. */
  async run(
    script: string,
    templates: readonly string[],
    options: RunJobOptions & { stale?: boolean } = {},
  ): Promise<JobResult> {
    const job = jobOf("f", expandOnce(["/bin/sh", "-c", script, ...templates]));
    return await runJob(
      {
        lambda: new Lambda(this.#client),
        store: undefined,
        outputFiles: new OutputFiles(this.directory.path),
        findObject: async (url) => {
          const found = await this.bucket.find(url);
          return options.stale ? { ...found, etag: '"another"' } : found;
        },
      },
      job,
      options,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
    await this.stub[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}

Deno.test("an object goes to the job and comes back as another, and neither passes through here", async () => {
  await using world = new World();
  await world.directory.write("bucket/in/a b.txt", "contents");
  const { status, stdout, written, outputErrors } = await world.run(
    'cat "$0"; tr a-z A-Z <"$0" >"$1"; [ ! -x "$0" ]',
    ['{{.I "s3://local/in/a b.txt"}}', '{{.O "s3://local/out/B"}}'],
  );
  assert.deepEqual([status, textOf(stdout), outputErrors], [0, "contents", []]);
  assert.deepEqual(written, ["s3://local/out/B"]);
  assert.equal(await Deno.readTextFile(world.directory.join("bucket/out/B")), "CONTENTS");
  const [request] = world.stub.requests;
  assert(!JSON.stringify(request).includes("contents"));
  assert.deepEqual(request?.outputs, []);
  const e = "the request is newer than this function's runtime: `llama update-function NAME`";
  const { etag: t } = await world.bucket.find("s3://local/in/a b.txt");
  assert.deepEqual(request?.files, {
    [pathOfObject("s3://local/in/a b.txt")]: { u: "s3://local/in/a b.txt", t, n: 8, e },
  });
  // Without an input, an empty directory keeps runtimes from running a job that they do not know.
  await world.run('echo x >"$0"', ['{{.O "s3://local/out/B"}}']);
  assert.deepEqual(world.stub.requests[1]?.files, {
    [pathOfObject("s3://local/out/B").replace(/\/B$/, "")]: { d: true, e },
  });
});

Deno.test("nothing is written to S3 unless the command succeeds and has made it", async () => {
  await using world = new World();
  const outputs = ['{{.O "s3://local/one"}}', '{{.O "s3://local/two"}}'];
  const failed = await world.run('echo x >"$0"; exit 3', outputs);
  assert.deepEqual([failed.status, failed.written, failed.outputErrors], [3, [], []]);
  const half = await world.run('echo x >"$0"', outputs);
  assert.deepEqual([half.status, half.written], [0, ["s3://local/one"]]);
  assert.deepEqual(half.outputErrors.map(({ message }) => message), [
    'output "s3://local/two": the command did not create it',
  ]);
  assert.deepEqual(await Array.fromAsync(world.bucket.list("s3://local/"), (page) => page.length), [
    1,
  ]);
});

Deno.test("an output that is no regular file of the job is not written to S3", async () => {
  await using world = new World();
  await world.directory.write("secret", "secret");
  const { outputErrors } = await world.run(
    `ln -s ${world.directory.join("secret")} "$0"; mkfifo "$1"; mkdir "$2"`,
    ["link", "pipe", "dir"].map((name) => `{{.O "s3://local/${name}"}}`),
  );
  assert.deepEqual(outputErrors.map(({ message }) => message).sort(), [
    `output "s3://local/dir": is a directory (ask for ${pathOfObject("s3://local/dir")}/)`,
    'output "s3://local/link": a symbolic link out of the job\'s directory',
    'output "s3://local/pipe": not a regular file',
  ]);
});

Deno.test("-no-clobber replaces no object", async () => {
  await using world = new World();
  await world.directory.write("bucket/out", "old");
  const { outputErrors, status } = await world.run('echo new >"$0"', ['{{.O "s3://local/out"}}'], {
    noClobber: true,
  });
  assert.equal(status, 0);
  assert.match(
    outputErrors[0]?.message ?? "",
    /output "s3:\/\/local\/out": s3:\/\/local\/out exists/,
  );
  assert.equal(await Deno.readTextFile(world.directory.join("bucket/out")), "old");
});

Deno.test("an object that has changed since it was found fails its job by name, and no retry helps", async () => {
  await using world = new World();
  await world.directory.write("bucket/in", "contents");
  await assert.rejects(
    world.run('cat "$0"', ['{{.I "s3://local/in"}}'], { stale: true }),
    (error) => {
      assert(error instanceof FunctionError);
      assert.equal(error.errorType, "Llama.Changed");
      assert.match(error.message, /s3:\/\/local\/in has changed since it was found/);
      assert.equal(isWorthRetrying(error, "all"), false);
      return true;
    },
  );
});

const older: Features = { ...ownFeatures, needs: [] };

for (
  const [name, runtime] of Object.entries({
    original: original(undefined),
    "0.1.0": first(undefined),
    "without features": ours(undefined, none),
    "that cannot write": ours(undefined, older),
  })
) {
  Deno.test(`a runtime (${name}) that does not know S3 refuses the job before it runs it`, async () => {
    await using world = new World();
    await world.directory.write("bucket/in", "contents");
    world.runtime = runtime;
    const ran = world.directory.join("ran");
    const jobs = [['{{.O "s3://local/out"}}']];
    if (name !== "that cannot write") jobs.push(['{{.I "s3://local/in"}}']);
    for (const templates of jobs) {
      await assert.rejects(
        world.run(`touch ${ran}`, templates),
        /the request is newer than this function's runtime: `llama update-function (NAME|f)`/,
      );
    }
    await assert.rejects(Deno.stat(ran), Deno.errors.NotFound);
  });
}

Deno.test("a runtime refuses URLs that name no object, and paths that lead out of the job", async () => {
  const run = async (request: object) =>
    (await (await ours(undefined, ownFeatures)(JSON.stringify({ args: ["true"], ...request })))
      .json()).errorMessage;
  const file = (u: unknown) => ({ files: { f: { u, t: '"x"', n: 1, e: "newer" } } });
  assert.match(await run(file("https://host/key")), /files\.f: .* is not the URL of an object/);
  assert.match(await run(file("s3://bucket/")), /files\.f: .* names a bucket/);
  assert.match(await run(file("s3://bucket/../x")), /files\.f: /);
  assert.match(await run(file(7)), /files\.f\.u/);
  const upload = (path: string, u: string) => ({ uploads: { [path]: { u } }, needs: ["uploads"] });
  assert.match(await run(upload("../x", "s3://bucket/key")), /uploads: "\.\.\/x" contains "\.\."/);
  assert.match(await run(upload("x", "file:///etc/passwd")), /uploads\.x: /);
  const huge = { files: { f: { u: "s3://bucket/key", t: '"x"', n: 2 ** 60, e: "newer" } } };
  assert.match(await run(huge), /the job's files have .*, and .* has .* left/);
});

Deno.test("a resumed run knows a shared object that has changed", async () => {
  await using world = new World();
  const hash = async () =>
    await hashSharedFiles(
      [{ remote: "x", source: "s3://local/in" }],
      undefined,
      undefined,
      (url) => world.bucket.find(url),
    );
  await world.directory.write("bucket/in", "one");
  const before = await hash();
  assert.equal(await hash(), before);
  await world.directory.write("bucket/in", "other");
  assert.notEqual(await hash(), before);
});
