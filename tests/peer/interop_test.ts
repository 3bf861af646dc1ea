import assert from "node:assert/strict";
import { program, runtimeProgram, Workplace } from "../e2e/llama.ts";
import { bytesOf, noise } from "../helpers.ts";
import { Proxy } from "./proxy.ts";
import {
  caBundle,
  FakeAws,
  type FakeFunction,
  freePort,
  keys,
  peerProgram,
  peerTest,
} from "./servers.ts";

/** The original's programs reach AWS by its own names only, and so do ours here: through a proxy. */
class World implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly proxy: Proxy;
  #aws: FakeAws | undefined;

  private constructor(port: number) {
    this.proxy = this.#stack.use(new Proxy(port));
  }

  static async start(): Promise<World> {
    const port = freePort();
    const world = new World(port);
    const functions: Record<string, FakeFunction> = {};
    for (
      const [name, runtime] of [["our", runtimeProgram], ["early", [
        peerProgram("llama_runtime-early"),
      ]]] as const
    ) {
      functions[`${name}-sh`] = { cmd: [...runtime, "/bin/sh", "-c"], env: world.environment };
      functions[`${name}-cat`] = { cmd: [...runtime, "/bin/cat"], env: world.environment };
      functions[`${name}-text`] = {
        cmd: [...runtime, "/bin/sh", "-c", "echo got:"],
        env: world.environment,
      };
    }
    world.#aws = world.#stack.use(
      await FakeAws.start(functions, ["-https", `127.0.0.1:${port}`]),
    );
    return world;
  }

  /** What a client, and a runtime, needs to reach all of it by AWS's names. */
  get environment(): Record<string, string> {
    return {
      ...keys,
      AWS_DEFAULT_REGION: keys.AWS_REGION,
      HTTPS_PROXY: this.proxy.url,
      AWS_CA_BUNDLE: caBundle(),
      // For Go, and for what Deno itself fetches.
      SSL_CERT_FILE: caBundle(),
      LLAMA_OBJECT_STORE: "s3://llama.test/obj/",
      // The server sets it for our runtime; AWS's own names are meant here.
      AWS_ENDPOINT_URL: "",
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

const clients = { our: program, early: [peerProgram("llama-early")] } as const;

/** What a person sees of a run: all of it but the words of llama's own messages. */
async function outcome(
  world: World,
  client: keyof typeof clients,
  args: readonly string[],
  stdin: string | Uint8Array = "",
) {
  await using place = new Workplace();
  await place.write("work/small.txt", "small\n");
  await place.write("work/big.bin", noise(300_000));
  await place.write("work/tool.sh", "#!/bin/sh\ntr a-z A-Z\n", 0o755);
  await place.write("work/latin1", new Uint8Array([0xe9, 0xff, 0x0a]));
  const ended = await place.run(args, {
    stdin,
    program: clients[client],
    environment: world.environment,
  });
  const written = (await place.list("work")).map((path) => path.replace("work/", ""))
    .filter((name) => name.startsWith("out") && Deno.statSync(place.here(name)).isFile);
  const files = written.map((name) => ({
    name,
    mode: (Deno.statSync(place.here(name)).mode ?? 0) & 0o777,
    bytes: [...Deno.readFileSync(place.here(name))],
  }));
  return { status: ended.status, stdout: [...ended.bytes], files, stderr: ended.stderr };
}

/** Each pair of programs must do what the original's two do among themselves. */
async function alike(
  world: World,
  args: (runtime: string) => readonly string[],
  expected: { status: number; stdout?: string | Uint8Array; files?: string[] },
  stdin?: string | Uint8Array,
): Promise<void> {
  const { stderr, ...reference } = await outcome(world, "early", args("early"), stdin);
  const { status, stdout = "", files = [] } = expected;
  assert.equal(reference.status, status, stderr);
  assert.deepEqual(reference.stdout, [...typeof stdout === "string" ? bytesOf(stdout) : stdout]);
  assert.deepEqual(reference.files.map(({ name }) => name), files);
  for (const [client, runtime] of [["early", "our"], ["our", "early"], ["our", "our"]] as const) {
    const { stderr, ...got } = await outcome(world, client, args(runtime), stdin);
    assert.deepEqual(got, reference, `${client} client, ${runtime} runtime: ${stderr}`);
  }
}

peerTest("the original and we drive each other: invoke", async () => {
  await using world = await World.start();
  const sh = (script: string, ...flags: string[]) => (runtime: string) => [
    "invoke",
    ...flags,
    `${runtime}-sh`,
    script,
  ];
  await alike(world, sh("echo out; echo err >&2"), { status: 0, stdout: "out\n" });
  await alike(world, sh("echo before; exit 3"), { status: 3, stdout: "before\n" });
  await alike(world, (runtime) => ["invoke", `${runtime}-text`, "a b", "c"], {
    status: 0,
    stdout: "got: a b c\n",
  });
  await alike(
    world,
    (runtime) => ["invoke", "-stdin", `${runtime}-cat`],
    { status: 0, stdout: "typed\n" },
    "typed\n",
  );
  const binary = noise(100_000);
  await alike(
    world,
    (runtime) => ["invoke", "-stdin", `${runtime}-cat`],
    { status: 0, stdout: binary },
    binary,
  );
  await alike(world, (runtime) => ["invoke", `${runtime}-cat`, '{{.I "latin1"}}'], {
    status: 0,
    stdout: new Uint8Array([0xe9, 0xff, 0x0a]),
  });
  await alike(world, sh("./tool.sh < small.txt", "-f", "tool.sh", "-f", "small.txt"), {
    status: 0,
    stdout: "SMALL\n",
  });
  await alike(
    world,
    sh("cat small.txt > out.txt; chmod 750 out.txt", "-f", "small.txt", "-o", "out.txt"),
    {
      status: 0,
      files: ["out.txt"],
    },
  );
  await alike(world, sh("cp big.bin out.bin", "-f", "big.bin", "-o", "out.bin"), {
    status: 0,
    files: ["out.bin"],
  });
});

peerTest("the original and we drive each other: xargs", async () => {
  await using world = await World.start();
  await alike(
    world,
    (runtime) => [
      "xargs",
      "-j",
      "1",
      `${runtime}-sh`,
      'cp {{.I .Line}} {{.O (printf "out-%s" .Line)}}',
    ],
    { status: 0, files: ["out-big.bin", "out-latin1", "out-small.txt"] },
    "small.txt\nbig.bin\nlatin1\n",
  );
});

peerTest("the original and we drive each other: what fails under xargs", async () => {
  await using world = await World.start();
  await alike(
    world,
    (runtime) => [
      "xargs",
      "-j",
      "1",
      `${runtime}-sh`,
      'cp {{.I .Line}} {{.O (printf "out-%s" .Line)}}; [ {{.Line}} != latin1 ]',
    ],
    { status: 1, files: ["out-big.bin", "out-latin1", "out-small.txt"] },
    "small.txt\nlatin1\nbig.bin\n",
  );
});

peerTest("AWS's own names are reached through a proxy, with a bundle of certificates", async () => {
  await using world = await World.start();
  const { status, stderr } = await outcome(world, "our", [
    "invoke",
    "-f",
    "big.bin",
    "our-sh",
    "wc -c < big.bin",
  ]);
  assert.equal(status, 0, stderr);
  assert.deepEqual([...world.proxy.hosts].toSorted(), [
    "lambda.us-west-2.amazonaws.com",
    "s3.us-west-2.amazonaws.com",
  ]);
});
