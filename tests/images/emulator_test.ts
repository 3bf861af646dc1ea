/** AWS's own runtime interface emulator, whose program LLAMA_TEST_RIE names, starts our runtime. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { root as checkout } from "../../scripts/shell.ts";
import { zipMembers } from "../../lib/deploy/zip_reader.ts";
import { program, runtimeProgram, Workplace } from "../e2e/llama.ts";
import { askMoto, motoEnvironment, startMoto } from "../e2e/servers.ts";
import { noise, testWith } from "../helpers.ts";
import { Emulator, emulator } from "./emulator.ts";
import { imageFiles, makeAlpineRoot, sandbox } from "./root.ts";

const needs = ["LLAMA_TEST_BIN", "LLAMA_TEST_IMAGES", "LLAMA_TEST_RIE"];
const [runtime = ""] = runtimeProgram;

/** The emulator with a layer, and images/hello-llama as the function. Its /tmp is that big. */
function helloOn(layer: readonly string[], temporaryBytes = 100_000_000): Emulator {
  const amazonLinux = sandbox(
    ...["--ro-bind", "/usr", "/usr", "--size", `${temporaryBytes}`, "--tmpfs", "/tmp"],
    ...["bin", "lib", "lib64"].flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]),
    ...["--ro-bind", emulator, "/rie", ...layer],
    ...["--ro-bind", join(checkout, "images/hello-llama"), "/var/task"],
  );
  return new Emulator(amazonLinux, [], { _HANDLER: "hello.sh", LAMBDA_TASK_ROOT: "/var/task" });
}

testWith(needs, "a zip function's handler runs by a layer's bootstrap", async () => {
  await using place = new Workplace();
  await using aws = helloOn(["--ro-bind", runtime, "/opt/bootstrap"]);
  const environment = await aws.environment();
  for (const name of ["world", "again"]) {
    const { status, stdout, stderr } = await place.run(["invoke", "function", name], {
      environment,
    });
    assert.deepEqual([status, stdout, stderr], [
      0,
      `Hello from Amazon Lambda\nReceived args: ${name}\n`,
      "",
    ]);
  }
});

testWith([...needs, "LLAMA_TEST_MOTO"], "the compiled llama alone is a layer too", async () => {
  await using place = new Workplace();
  const [llama = ""] = program;
  await Deno.mkdir(place.join("bin"));
  await Deno.copyFile(llama, place.join("bin/llama"));
  await using moto = await startMoto();
  const made = await place.run(["bootstrap", "-region", "us-west-2"], {
    program: [place.join("bin/llama")],
    environment: motoEnvironment(moto),
  });
  assert.equal(made.status, 0, made.stderr);
  const [, bucket] = /^store +s3:\/\/(.+)\/obj\/$/m.exec(made.stdout) ?? [];
  const list = await (await askMoto(moto, "s3", `/${bucket}?list-type=2`)).text();
  const [, key] = /<Key>(obj\/code\/[0-9a-f]{64})<\/Key>/.exec(list) ?? [];
  const zip = await (await askMoto(moto, "s3", `/${bucket}/${key}`)).bytes();
  assert(zip.length < 40_000_000, `${zip.length} bytes`);
  for (const { name, mode = 0, read } of zipMembers(zip, "the layer")) {
    await place.write(`layer/${name}`, read(), mode & 0o777);
  }
  await using aws = helloOn(["--ro-bind", place.join("layer"), "/opt"]);
  const { status, stdout } = await place.run(["invoke", "function", "world"], {
    environment: await aws.environment(),
  });
  assert.deepEqual([status, stdout], [0, "Hello from Amazon Lambda\nReceived args: world\n"]);
});

testWith(needs, "a /tmp that is full is named as that, with what to change", async () => {
  await using place = new Workplace();
  await using aws = helloOn(["--ro-bind", runtime, "/opt/bootstrap"], 1_000_000);
  await place.write("work/big", noise(3_000_000));
  const { status, stderr } = await place.run(["invoke", "-f", "big", "function"], {
    environment: await aws.environment(),
  });
  assert.equal(status, 125);
  assert.match(
    stderr,
    /^llama: function: Llama\.Internal: \/tmp is full: .*raise the function's ephemeral storage/m,
  );
});

testWith(needs, "an image's runtime runs its CMD, with files there and back", async () => {
  await using place = new Workplace();
  await using root = await makeAlpineRoot(true);
  await Deno.copyFile(emulator, root.join("rie"));
  const script = 'shout "$1" <"$1" >"$2"';
  await using aws = new Emulator(
    sandbox(...imageFiles(root.path)),
    ["/llama_runtime", "/bin/sh", "-c", script, "sh"],
    {},
  );
  await place.write("work/in/a.txt", "text\n");
  const { status, stdout, stderr } = await place.run(
    ["invoke", "function", '{{.I "in/a.txt"}}', '{{.O "out/a.txt"}}'],
    { environment: await aws.environment() },
  );
  assert.deepEqual([status, stdout, stderr], [0, "", ""]);
  assert.equal(await Deno.readTextFile(place.here("out/a.txt")), "IN/A.TXT TEXT\n");
});

testWith(needs, "after a timeout nothing of the job is left for the next one", async () => {
  await using place = new Workplace();
  await using aws = new Emulator(
    sandbox(
      ...["--ro-bind", "/usr", "/usr", "--tmpfs", "/tmp"],
      ...["bin", "lib", "lib64"].flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]),
      ...["--ro-bind", emulator, "/rie", "--ro-bind", runtime, "/runtime"],
    ),
    ["/runtime"],
    { AWS_LAMBDA_FUNCTION_TIMEOUT: "2" },
  );
  const environment = await aws.environment();
  const run = (...args: string[]) => place.run(["invoke", "function", ...args], { environment });
  // The runtime is the parent of the command, and answers no more.
  const script = "echo secret >file; setsid sleep 1000 >/dev/null 2>&1 & kill -STOP $PPID; sleep 9";
  const late = await run("sh", "-c", script);
  assert.equal(late.status, 124, late.stderr);
  const next = await run("sh", "-c", "ls -d /tmp/llama-* | wc -l; cat /tmp/llama-*/file");
  assert.equal(next.stdout, "1\n");
});
