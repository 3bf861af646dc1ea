import assert from "node:assert/strict";
import { sha256 } from "../../lib/files/hash.ts";
import { noise } from "../helpers.ts";
import { InvokeStub, type StubAnswer } from "../invoke_stub.ts";
import { FakeS3 } from "../store/fake_s3.ts";
import { type Ended, program, Workplace } from "./llama.ts";

const jobs = Array.from({ length: 60 }, (_, i) => String(i + 1));

/** Runs llama with a limit of open files. */
function runWithFew(
  place: Workplace,
  limit: number,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Ended> {
  const limited = ["sh", "-c", `ulimit -n ${limit}; exec "$@"`, "sh", ...program];
  return place.run(args, { program: limited, stdin: jobs.join("\n"), environment });
}

for (const limit of [64, 256]) {
  Deno.test(`with ${limit} descriptors no job that ran in Lambda loses its outputs`, async () => {
    await using place = new Workplace();
    await using s3 = new FakeS3();
    const blobs = Array.from({ length: 6 }, (_, seed) => noise(300_000, seed + 1));
    for (const blob of blobs) s3.objects.set(`/bucket/${sha256(blob)}`, blob);
    const answer: StubAnswer = ({ outputs }) => ({
      status: 0,
      outputs: Object.fromEntries(outputs.map((output, i) => {
        const blob = blobs[i % blobs.length] ?? assert.fail();
        return [output, { r: sha256(blob) }];
      })),
    });
    await using lambda = new InvokeStub(answer);
    for (const job of jobs) await place.write(`work/in/${job}`, noise(70_000, Number(job)));
    const environment = Object.fromEntries(
      Object.entries({ ...lambda.environment, ...s3.environment })
        .flatMap(([name, value]) => value === undefined ? [] : [[name, value] as const]),
    );
    const outputs = blobs.map((_, i) => `{{.O (printf "out/%s-${i}" .Line)}}`);
    const args = ["-store", "s3://bucket/", "xargs", "-j", "100", "-results", "results"];
    const { status, stderr } = await runWithFew(
      place,
      limit,
      [...args, "f", '{{.I (printf "in/%s" .Line)}}', ...outputs],
      environment,
    );
    assert.equal(stderr, "");
    assert.equal(status, 0);
    assert.equal(lambda.requests.length, jobs.length);
    assert.equal((await place.list("work/out")).length, jobs.length * blobs.length);
    for (const job of jobs) {
      const last = await Deno.readFile(place.here(`out/${job}-${blobs.length - 1}`));
      assert.equal(sha256(last), sha256(blobs.at(-1) ?? assert.fail()));
    }
  });

  Deno.test(`with ${limit} descriptors all jobs run in the emulator`, async () => {
    await using place = new Workplace();
    await place.addShell();
    for (const job of jobs) await place.write(`work/in/${job}`, noise(300_000, Number(job)));
    const { status, stderr } = await runWithFew(place, limit, [
      "-local",
      ...["xargs", "-j", "100", "any", "cp"],
      ...['{{.I (printf "in/%s" .Line)}}', '{{.O (printf "out/%s" .Line)}}'],
    ]);
    assert.equal(stderr, "");
    assert.equal(status, 0);
    for (const job of jobs) {
      const bytes = await Deno.readFile(place.here(`out/${job}`));
      assert.equal(sha256(bytes), sha256(noise(300_000, Number(job))));
    }
    assert.deepEqual(await place.list("tmp"), []);
  });
}
