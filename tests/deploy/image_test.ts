import assert from "node:assert/strict";
import { imageKind } from "../../lib/aws/api/ecr.ts";
import {
  buildImage,
  builtArchitecture,
  checkArchitecture,
  type ContainerTool,
  pushImage,
} from "../../lib/deploy/image.ts";
import { TemporaryDirectory, textOf } from "../helpers.ts";
import { type Answer, json, ScriptedAws } from "../scripted_aws.ts";
import { failureOf } from "./failure_of.ts";

/** Creates a script in place of the tool, and a folder with a Dockerfile. */
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

Deno.test("the tool builds for the architecture, without attestations, and its output is shown", async () => {
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

Deno.test("an image that would start a program for another architecture is not built", async () => {
  await using directory = new TemporaryDirectory();
  const { tool: docker, folder, log } = await tool(directory, 'echo "$1" >>"$LOG"');
  // The first bytes of an ELF program for x86_64: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
  const program = new Uint8Array(64);
  program.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  program[18] = 62;
  await directory.write("image/llama_runtime", program);
  const started = [
    'COPY llama_runtime /llama_runtime\nENTRYPOINT ["/llama_runtime"]\nCMD ["/llama_runtime"]',
    'ENTRYPOINT ["/bin/llama_runtime", "-x"]\nCOPY --chmod=755 \\\n  llama_runtime /bin/',
    'copy ./llama_runtime /run\n# CMD ["/other"]\ncmd [ "/run" ]',
  ];
  for (const lines of started) {
    await directory.write("image/Dockerfile", `FROM scratch AS x\nFROM scratch\n${lines}\n`);
    const [message, hint] = await failureOf(buildImage(docker, folder, "a/b:c", "arm64"));
    assert.match(message, /llama_runtime in \S+ is built for x86_64, and the function for arm64; /);
    assert.equal(hint, "add -arch x86_64, or copy the program for arm64");
    await buildImage(docker, folder, "a/b:c", "x86_64");
  }
  const others = [
    'COPY llama_runtime /data\nENTRYPOINT ["/llama_runtime"]',
    'COPY --from=x llama_runtime /llama_runtime\nENTRYPOINT ["/llama_runtime"]',
    'COPY llama_runtime-$TARGETARCH /llama_runtime\nENTRYPOINT ["/llama_runtime"]',
    'COPY llama_runtime /llama_runtime\nENTRYPOINT ["/llama_runtime"]\nFROM scratch',
    'COPY none /none\nENTRYPOINT ["/none"]',
  ];
  for (const lines of others) {
    await directory.write("image/Dockerfile", `FROM scratch\n${lines}\n`);
    await buildImage(docker, folder, "a/b:c", "arm64");
  }
  await directory.write("image/Dockerfile", "FROM scratch\nCOPY llama_runtime /run\n");
  const [own] = await failureOf(buildImage(docker, folder, "a/b:c", "arm64", ["/run"]));
  assert.match(own, /the image would start it as \/run$/);
  assert.equal(await Deno.readTextFile(log), "build\n".repeat(started.length + others.length));
});

Deno.test("an image that would start a program that Lambda's user cannot execute is not built", async () => {
  await using directory = new TemporaryDirectory();
  const { tool: docker, folder } = await tool(directory, "exit 0");
  const path = await directory.write("image/run.sh", "#!/bin/sh\n");
  const build = async (mode: number, copy = "COPY run.sh /run.sh", more = "") => {
    await Deno.chmod(path, mode);
    const lines = ["FROM scratch", copy, more, 'ENTRYPOINT ["/run.sh"]', ""];
    await directory.write("image/Dockerfile", lines.join("\n"));
    await buildImage(docker, folder, "a/b:c", "x86_64");
  };
  for (const mode of [0o700, 0o750, 0o744, 0o711]) {
    const [message, hint] = await failureOf(build(mode));
    assert.match(
      message,
      new RegExp(`^run\\.sh in .* has mode 0${mode.toString(8)}, so Lambda's`),
    );
    assert.equal(hint, "run `chmod a+rx run.sh` in the folder, or write COPY --chmod=755");
  }
  await build(0o755);
  await build(0o700, "COPY --chmod=755 run.sh /run.sh");
  await build(0o700, undefined, "RUN chmod a+rx /run.sh");
});

Deno.test("an image's architecture is read from the output of each tool, and is unknown otherwise", async () => {
  await using directory = new TemporaryDirectory();
  const cases: [string, string | undefined][] = [
    ['[{"Config":{"Labels":{"architecture":"x86_64"}},"Architecture":"arm64"}]', "arm64"],
    ['{"OCIv1":{"architecture":"amd64"},"Docker":{"architecture":"amd64"}}', "amd64"],
    ["[]", undefined],
    ["no such command", undefined],
  ];
  for (const [json, expected] of cases) {
    const { tool: docker } = await tool(
      directory,
      `test "$*" = "inspect --type image a/b:c" && echo '${json}'`,
    );
    assert.equal(await builtArchitecture(docker, "a/b:c"), expected, json);
  }
  const { tool: broken } = await tool(directory, "exit 1");
  assert.equal(await builtArchitecture(broken, "a/b:c"), undefined);
});

/** https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html */
const manifest = (value: unknown): Answer =>
  json({ images: [{ imageManifest: JSON.stringify(value) }], failures: [] });
const uri = "123456789012.dkr.ecr.us-west-2.amazonaws.com/llama:hello";

Deno.test("an image's architecture is read from ECR", async () => {
  await using blobs = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => Response.json({ architecture: "arm64", os: "linux" }),
  );
  const downloadUrl = `http://127.0.0.1:${blobs.addr.port}/blob`;
  await using aws = new ScriptedAws({
    BatchGetImage: [manifest({ config: { digest: "sha256:1" } })],
    GetDownloadUrlForLayer: [json({ downloadUrl })],
  });
  const kind = await imageKind(aws.client, uri);
  assert.deepEqual(kind, { isList: false, architecture: "arm64" });
  const { registryId, repositoryName, imageIds } = aws.inputOf("BatchGetImage");
  assert.deepEqual([registryId, repositoryName, imageIds], [
    "123456789012",
    "llama",
    [{ imageTag: "hello" }],
  ]);
  assert.equal(aws.inputOf("GetDownloadUrlForLayer")["layerDigest"], "sha256:1");
  checkArchitecture(uri, kind, "arm64");
  assert.throws(() => checkArchitecture(uri, kind, "x86_64"), {
    message: `the image ${uri} is built for arm64, and the function for x86_64`,
    hint: "add -arch arm64, or build the image with --platform linux/amd64",
  });
});

Deno.test("an image whose configuration cannot be fetched has an unknown architecture", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const downloadUrl = `http://127.0.0.1:${listener.addr.port}/blob`;
  listener.close();
  await using aws = new ScriptedAws({
    BatchGetImage: [manifest({ config: { digest: "sha256:1" } })],
    GetDownloadUrlForLayer: [json({ downloadUrl })],
  });
  const kind = await imageKind(aws.client, uri);
  assert.deepEqual(kind, { isList: false, architecture: undefined });
  checkArchitecture(uri, kind, "arm64");
});

Deno.test("a list of images is rejected, and an image unknown to ECR is not", async () => {
  const cases: [Answer, unknown][] = [
    [manifest({ manifests: [{}] }), { isList: true, architecture: undefined }],
    [json({ images: [], failures: [{ failureCode: "ImageNotFound" }] }), undefined],
    [manifest({}), undefined],
    [
      () => Response.json({ __type: "AccessDeniedException", message: "no" }, { status: 400 }),
      undefined,
    ],
  ];
  for (const [answer, expected] of cases) {
    await using aws = new ScriptedAws({ BatchGetImage: [answer] });
    const kind = await imageKind(aws.client, uri.replace(":hello", `@sha256:${"a".repeat(64)}`));
    assert.deepEqual(kind, expected);
    if (kind === undefined) checkArchitecture(uri, kind, "x86_64");
    else assert.throws(() => checkArchitecture(uri, kind, "x86_64"), /is a list of images, which/);
  }
  await using aws = new ScriptedAws({});
  assert.equal(await imageKind(aws.client, "public.ecr.aws/x/y:z"), undefined);
  assert.deepEqual(aws.calls, []);
});

Deno.test("the password is passed on standard input", async () => {
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
  assert.match(message, /^logging in to host: \S+tool login exited with status 3$/);
  assert.match(hint, /^see the output of \S+tool above$/);
  assert.equal(await Deno.readTextFile(log), "login\n");
});

Deno.test("a missing tool or Dockerfile is an error with a hint", async () => {
  await using directory = new TemporaryDirectory();
  const { tool: docker, folder } = await tool(directory, "exit 0");
  const missing = { ...docker, program: "no-such-docker" };
  assert.deepEqual(await failureOf(buildImage(missing, folder, "a/b:c", "x86_64")), [
    `building ${folder}: cannot run no-such-docker: no such file or directory`,
    "install Docker, or use another tool: -container-tool podman",
  ]);
  const [message, hint] = await failureOf(
    buildImage(docker, directory.join("none"), "a/b:c", "x86_64"),
  );
  assert.match(
    message,
    /^cannot build an image from .*none: Dockerfile: no such file or directory$/,
  );
  assert.equal(hint, "use -build for a folder with a Dockerfile, -zip for a folder with a handler");
});

Deno.test("a tool with a login of its own is not given another", async () => {
  await using directory = new TemporaryDirectory();
  const { tool: docker, log } = await tool(directory, 'echo "$@" >>"$LOG"');
  await pushImage(docker, "host:5000/repo:tag", undefined);
  assert.equal(await Deno.readTextFile(log), "push host:5000/repo:tag\n");
});
