import assert from "node:assert/strict";
import { buildImage, type ContainerTool, pushImage } from "../../lib/deploy/image.ts";
import { TemporaryDirectory, textOf } from "../helpers.ts";
import { failureOf } from "./failure_of.ts";

/** A tool that is a script, and a folder with a Dockerfile. */
async function tool(directory: TemporaryDirectory, script: string) {
  await directory.write("image/Dockerfile", "FROM scratch\n");
  const output: string[] = [];
  const tool: ContainerTool = {
    program: await directory.write("tool", `#!/bin/sh\n${script}\n`, 0o755),
    environment: { PATH: Deno.env.get("PATH"), LOG: directory.join("log") },
    onOutput: (bytes) => output.push(textOf(bytes)),
  };
  return { tool, output, folder: directory.join("image"), log: directory.join("log") };
}

Deno.test("the tool builds for the processor, without attestations, and its words come through", async () => {
  await using directory = new TemporaryDirectory();
  const { tool: docker, output, folder } = await tool(
    directory,
    'echo "$@" "$BUILDX_NO_DEFAULT_ATTESTATIONS"; echo warning >&2',
  );
  await buildImage(docker, folder, "host/repo:tag", "arm64");
  assert.deepEqual(output.sort(), [
    `build --platform linux/arm64 -t host/repo:tag ${folder} 1\n`,
    "warning\n",
  ]);
});

Deno.test("the login's password goes through standard input", async () => {
  await using directory = new TemporaryDirectory();
  const { tool: docker, log } = await tool(directory, 'echo "$@" >>"$LOG"; cat >>"$LOG"');
  await pushImage(docker, "host:5000/repo:tag", { user: "AWS", password: "secret" });
  assert.equal(
    await Deno.readTextFile(log),
    "login --username AWS --password-stdin host:5000\nsecretpush host:5000/repo:tag\n",
  );
});

Deno.test("a tool that fails without reading is an error, and nothing is pushed", async () => {
  await using directory = new TemporaryDirectory();
  const { tool: docker, log } = await tool(directory, 'echo "$1" >>"$LOG"; exit 3');
  const [message, hint] = await failureOf(
    pushImage(docker, "host/repo:tag", { user: "AWS", password: "secret" }),
  );
  assert.match(message, /^logging in to host: \S+tool login ended with status 3$/);
  assert.equal(hint, "its own words are above");
  assert.equal(await Deno.readTextFile(log), "login\n");
});

Deno.test("without the tool, or without a Dockerfile, the message says what to do", async () => {
  await using directory = new TemporaryDirectory();
  const { tool: docker, folder } = await tool(directory, "exit 0");
  const missing = { ...docker, program: "no-such-docker" };
  assert.deepEqual(await failureOf(buildImage(missing, folder, "a/b:c", "x86_64")), [
    `building ${folder}: cannot run no-such-docker: no such file or directory`,
    "install Docker, or name another tool: -container-tool podman",
  ]);
  const [message, hint] = await failureOf(
    buildImage(docker, directory.join("none"), "a/b:c", "x86_64"),
  );
  assert.match(message, /^no image in .*none: Dockerfile: no such file or directory$/);
  assert.equal(hint, "-build takes a folder with a Dockerfile, -zip one with a handler");
});

Deno.test("a tool with a login of its own is not given another", async () => {
  await using directory = new TemporaryDirectory();
  const { tool: docker, log } = await tool(directory, 'echo "$@" >>"$LOG"');
  await pushImage(docker, "host:5000/repo:tag", undefined);
  assert.equal(await Deno.readTextFile(log), "push host:5000/repo:tag\n");
});
