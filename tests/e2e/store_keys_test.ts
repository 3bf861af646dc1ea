import assert from "node:assert/strict";
import { noise } from "../helpers.ts";
import { FakeS3 } from "../store/fake_s3.ts";
import { Workplace } from "./llama.ts";

/** Prints the environment of a job's ancestors: its runtime, llama, and llama's parent. */
const script = `
p=$PPID
while [ "$p" -gt 1 ]; do
  echo "process $p"
  cat "/proc/$p/environ" 2>/dev/null | tr '\\0' '\\n'
  p=$(sed 's/.*) //' "/proc/$p/stat" | cut -d' ' -f2)
done
wc -c <big`;

Deno.test({
  name: "with -local and a bucket, a job cannot read the user's keys from its parent processes",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using place = new Workplace();
    await using s3 = new FakeS3();
    s3.sessionToken = "the/session/token";
    await place.addShell();
    await place.write("work/big", noise(300_000));
    const keys = Object.entries(s3.environment)
      .flatMap(([name, value]) => value === undefined ? [] : [[name, value] as const]);
    const { status, stdout, stderr } = await place.local(
      ["-store", "s3://bucket/", "invoke", "-f", "big", "any", "sh", "-c", script],
      { environment: Object.fromEntries(keys) },
    );
    assert.deepEqual([status, stderr], [0, ""]);
    // The runtime has the keys, or it could not have fetched the file.
    assert.match(stdout, /^300000$/m);
    const [, runtime = "", ...others] = stdout.split(/^process \d+$/m);
    // Root can read everything.
    const readable = Deno.uid() === 0 ? runtime : [runtime, ...others].join("");
    for (const [name, value] of keys) {
      if (/ENDPOINT|REGION/.test(name)) continue;
      assert(!readable.includes(value), `${name} is in\n${readable}`);
    }
    if (Deno.uid() === 0) assert.match(runtime, /^LLAMA_ENVIRONMENT=/m);
  },
});
