import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { isAlive, untilDead } from "../helpers.ts";
import { loadFunctions } from "../../lib/local/functions.ts";
import { LocalLambda } from "../../lib/local/local_lambda.ts";
import { runtimeCommand } from "../../lib/local/runtime_command.ts";
import {
  appears,
  call,
  fakeFunction,
  fakeRuntimeCommand,
  startLambda,
  temporaryDirectory,
} from "./helpers.ts";

/** Starts the emulator in a program of its own. */
function start(directory: string, ...args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-config",
      fileURLToPath(new URL("./emulator_program.ts", import.meta.url)),
      ...args,
    ],
    env: { TMPDIR: directory },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

/** All that says in its environment that it came of a run in this directory. */
function processesOf(directory: string): number[] {
  return Array.from(Deno.readDirSync("/proc"), ({ name }) => Number(name)).filter((pid) => {
    try {
      return Number.isInteger(pid) && isAlive(pid) &&
        Deno.readTextFileSync(`/proc/${pid}/environ`).includes(`=${directory}`);
    } catch {
      return false;
    }
  });
}

const options = { ignore: Deno.build.os !== "linux" };

/** Has children that do what they can to stay: another session, no parent, ignored signals. */
const stubborn = (directory: string) =>
  `trap '' TERM HUP INT; (setsid sleep 600 &); sleep 600 & echo $! > ${directory}/pid.part; ` +
  `mv ${directory}/pid.part ${directory}/pid; wait #`;

Deno.test("closing leaves no process, no directory", options, async () => {
  using directory = temporaryDirectory();
  const process = start(directory.path, "close", "echo done #");
  const { stdout, success } = await process.output();
  assert(success);
  assert.match(new TextDecoder().decode(stdout), /"s":"done\\n"/);
  assert.deepEqual([...Deno.readDirSync(directory.path)], []);
  assert.deepEqual(processesOf(directory.path), []);
});

Deno.test("an end by a signal leaves no process, no directory", options, async () => {
  using directory = temporaryDirectory();
  const process = start(directory.path, "signal", stubborn(directory.path));
  await appears(`${directory.path}/pid`);
  process.kill("SIGTERM");
  const { code } = await process.output();
  assert.equal(code, 143);
  const left = [...Deno.readDirSync(directory.path)].map(({ name }) => name);
  assert.deepEqual(left, ["pid"]);
  for (const pid of processesOf(directory.path)) {
    await untilDead(pid, 500);
  }
});

Deno.test(
  "two seconds after SIGKILL no process is left, and the next run cleans up",
  options,
  async () => {
    using directory = temporaryDirectory();
    const process = start(directory.path, "signal", stubborn(directory.path));
    await appears(`${directory.path}/pid`);
    const pids = processesOf(directory.path);
    assert(pids.length >= 4, String(pids));
    process.kill("SIGKILL");
    const output = process.output();
    for (const pid of pids) await untilDead(pid, 2000);
    await output;
    const names = () =>
      [...Deno.readDirSync(directory.path)].map(({ name }) => name).filter((name) =>
        name !== "pid"
      );
    assert.equal(names().length, 1);
    await using next = await LocalLambda.start({
      functions: [],
      runtimeCommand: fakeRuntimeCommand,
      environment: { TMPDIR: directory.path },
    });
    await next.close();
    assert.deepEqual(names(), []);
  },
);

Deno.test("closing ends a call in flight, and may be repeated", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")], concurrency: 1 });
  const there = `${test.directory}/there`;
  const running = call(test, "f", { touch: there, hang: true });
  await appears(there);
  const calls = Promise.allSettled([running, call(test, "f", {})]);
  const pid = Number(await Deno.readTextFile(there));
  await Promise.all([test.lambda.close(), test.lambda.close()]);
  await untilDead(pid);
  const [first, second] = await calls;
  // Whether the second one had arrived when the emulator closed is open.
  assert(first.status === "fulfilled");
  assert.match((await first.value.json()).errorMessage, /signal: killed$/);
  if (second.status === "fulfilled") {
    assert.equal(second.value.status, 503);
    await second.value.body?.cancel();
  }
  assert.deepEqual([...Deno.readDirSync(test.directory)].map(({ name }) => name), ["there"]);
});

Deno.test("an address in use is an error that says what to do", async () => {
  await using test = await startLambda({ functions: [] });
  const port = Number(new URL(test.lambda.endpoint).port);
  await assert.rejects(startLambdaAt(port), {
    code: "config",
    message: `cannot listen on 127.0.0.1:${port}: address in use`,
  });
});

async function startLambdaAt(port: number): Promise<void> {
  using directory = temporaryDirectory();
  try {
    await LocalLambda.start({
      functions: [],
      runtimeCommand: [],
      environment: { TMPDIR: directory.path },
      listen: { hostname: "127.0.0.1", port },
    });
  } finally {
    assert.deepEqual([...Deno.readDirSync(directory.path)], []);
  }
}

Deno.test("the emulator listens on loopback only", async () => {
  await assert.rejects(
    LocalLambda.start({
      functions: [],
      runtimeCommand: [],
      environment: {},
      listen: { hostname: "0.0.0.0", port: 0 },
    }),
    { code: "config", message: "0.0.0.0 is not a loopback host" },
  );
});

Deno.test("the functions of the project's own images run", async () => {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  await using test = await startLambda({
    functions: await loadFunctions({ directory: "images", explicit: [], cwd: root }),
    runtimeCommand: runtimeCommand(),
  });
  const response = await call(test, "hello", { args: ["a b", "c"] });
  const { status, stdout } = await response.json();
  assert.equal(status, 0);
  assert.equal(stdout.s, "Hello from Amazon Lambda\nReceived args: a b c\n");
});
