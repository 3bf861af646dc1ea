import assert from "node:assert/strict";
import { join } from "node:path";
import { untilDead } from "../helpers.ts";
import { killMarked } from "../../lib/system/processes.ts";
import { JobError } from "../../lib/runtime/job_error.ts";
import {
  type CommandLimit,
  type CommandResult,
  runCommand,
  type RunOptions,
} from "../../lib/runtime/run_command.ts";

const text = new TextDecoder();

async function shell(
  script: string,
  options: Partial<RunOptions> = {},
  check: (result: CommandResult, directory: string) => void | Promise<void> = () => {},
): Promise<void> {
  const directory = Deno.makeTempDirSync({ prefix: "llama-test-" });
  // Marks what leaves its group, so that the test can end it.
  const mark = crypto.randomUUID();
  try {
    const result = await runCommand({ path: "/bin/sh", args: ["-c", script] }, {
      directory,
      environment: { LLAMA_TEST: mark },
      onlyThese: false,
      spillPath: (name) => join(directory, name),
      signal: new AbortController().signal,
      ...options,
    });
    await check(result, directory);
  } finally {
    killMarked(`LLAMA_TEST=${mark}`, []);
    Deno.removeSync(directory, { recursive: true });
  }
}

/** A limit of so many milliseconds, and so many more after SIGTERM. */
function within(milliseconds: number, graceMs = 100): CommandLimit {
  const end = performance.now() + milliseconds;
  return { left: () => Promise.resolve(Math.max(end - performance.now(), 0)), graceMs };
}

function read({ stdout }: CommandResult): string {
  const source = stdout.source();
  assert(source instanceof Uint8Array);
  return text.decode(source);
}

Deno.test("a command's status is its exit status, or 128 plus its signal", async () => {
  await shell("exit 7", {}, ({ status }) => assert.equal(status, 7));
  await shell("kill -KILL $$", {}, ({ status }) => assert.equal(status, 137));
  await shell("kill -TERM $$", {}, ({ status }) => assert.equal(status, 143));
});

Deno.test({
  name: "a command's status after a real-time signal is 128 plus the signal",
  // Deno 2.6 has no name for the signal, throws, and takes the child for one that still runs.
  sanitizeResources: false,
  fn: () => shell("kill -40 $$", {}, ({ status }) => assert.equal(status, 168)),
});

Deno.test("children in the command's group are killed at its end", async () => {
  await shell("sleep 1000 & echo $!", {}, async (result) => {
    const pid = Number(read(result));
    assert(pid > 0);
    await untilDead(pid);
  });
});

Deno.test("a child that left the group does not delay the answer", async () => {
  const start = performance.now();
  await shell("setsid sleep 1000 & echo before; while [ $(ps -o sid= -p $!) != $! ]; do :; done", {
    stdin: new Uint8Array(1024 * 1024),
  }, (result) => {
    assert.equal(read(result), "before\n");
    assert(performance.now() - start < 5000);
  });
});

Deno.test("a child that left the group and keeps writing does not delay the answer", async () => {
  const away = "while [ $(ps -o sid= -p $!) != $! ]; do :; done";
  await shell(`setsid yes & ${away}`, {}, ({ stdout }) => {
    const source = stdout.source();
    assert(source instanceof Uint8Array ? source.length > 0 : source.size > 0);
  });
  await shell(`setsid sh -c 'while :; do echo x; sleep 0.02; done' & ${away}`);
});

Deno.test("a command need not read its standard input", async () => {
  await shell("exec <&-; echo done", { stdin: new Uint8Array(10_000_000) }, (result) => {
    assert.equal(read(result), "done\n");
    assert.equal(result.status, 0);
  });
});

Deno.test("standard input reaches the command whole, and is empty by default", async () => {
  await shell("wc -c", { stdin: new Uint8Array(3_000_000) }, (result) => {
    assert.equal(read(result).trim(), "3000000");
  });
  await shell("wc -c", {}, (result) => assert.equal(read(result).trim(), "0"));
});

Deno.test("large output goes to a file, small output stays in memory", async () => {
  await shell("head -c 262144 /dev/zero; head -c 262145 /dev/zero >&2", {}, async (result) => {
    const { stdout, stderr } = result;
    const little = stdout.source();
    assert(little instanceof Uint8Array);
    assert.equal(little.length, 262144);
    const much = stderr.source();
    assert(!(much instanceof Uint8Array));
    assert.equal(much.size, 262145);
    await stderr.addLine("llama: a line");
    const after = stderr.source();
    assert(!(after instanceof Uint8Array));
    const bytes = Deno.readFileSync(after.path);
    assert.equal(bytes.length, after.size);
    assert.equal(text.decode(bytes.subarray(262145)), "\nllama: a line\n");
    await stdout.addLine("x");
    const spilled = stdout.source();
    assert(!(spilled instanceof Uint8Array));
    assert.equal(Deno.statSync(spilled.path).size, spilled.size);
    assert.equal(spilled.size, 262147);
  });
});

Deno.test("output in single bytes costs no more memory", async () => {
  await shell("i=0; while [ $i -lt 3000 ]; do printf x; i=$((i+1)); done", {}, ({ stdout }) => {
    const source = stdout.source();
    assert(source instanceof Uint8Array);
    assert.equal(source.length, 3000);
    assert(source.buffer.byteLength <= 4096);
  });
});

Deno.test("output that cannot be stored kills the command and is an error", async () => {
  await assert.rejects(
    shell("yes", { spillPath: () => "/nonexistent-directory/file" }),
    Deno.errors.NotFound,
  );
});

Deno.test("a timeout ends the whole group and keeps the output so far", async () => {
  await shell("echo before; sleep 1000 | sleep 1000", { limit: within(300) }, (result) => {
    assert.equal(result.status, 124);
    assert.equal(read(result), "before\n");
  });
  // Longer than a timer takes: as good as never.
  await shell("exit 3", { limit: within(1e15) }, ({ status }) => assert.equal(status, 3));
});

Deno.test("an abort ends the command and the run", async () => {
  const end = new AbortController();
  const run = shell("sleep 1000", { signal: end.signal });
  end.abort(new Error("the end"));
  await assert.rejects(run, /the end/);
});

Deno.test("memory is the peak of the command and its children", async () => {
  // A child of a shell that holds 50 MB for a while.
  const script = "perl -e '$x = \"x\" x 50_000_000; select(undef, undef, undef, 0.3)'; exit 0";
  await shell(script, {}, ({ status, memory }) => {
    assert.equal(status, 0);
    assert(memory !== undefined && memory > 50_000_000 && memory < 200_000_000, `${memory}`);
  });
});

Deno.test("a program that cannot be started has a clear reason", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "llama-test-" });
  const file = (name: string, contents: string) => {
    Deno.writeTextFileSync(join(directory, name), contents, { mode: 0o755 });
    return join(directory, name);
  };
  const run = async (path: string, args: string[]) => {
    const { status, stdout } = await runCommand({ path, args }, {
      directory,
      environment: {},
      onlyThese: false,
      spillPath: (name) => join(directory, name),
      signal: new AbortController().signal,
    });
    const source = stdout.source();
    return { status, text: source instanceof Uint8Array ? text.decode(source) : "" };
  };
  const fails = (path: string, args: string[], type: string, message: RegExp) =>
    assert.rejects(run(path, args), (error) => {
      assert(error instanceof JobError);
      assert.equal(error.type, type);
      assert.match(error.message, message);
      return true;
    });
  try {
    assert.deepEqual(await run(file("bare", "echo bare $1"), ["x"]), {
      status: 0,
      text: "bare x\n",
    });
    assert.deepEqual(await run(file("empty", ""), []), { status: 0, text: "" });
    await fails(
      file("interpreter", "#!/no/such/shell\n"),
      [],
      "Llama.NoSuchCommand",
      /its interpreter "\/no\/such\/shell" does not exist/,
    );
    await fails(
      "/bin/true",
      ["a", "x".repeat(131_072)],
      "Llama.BadRequest",
      /argument 2 is too long for the kernel: 131072 bytes, the limit per argument is 131071/,
    );
    await fails(
      "/bin/true",
      Array.from({ length: 300 }, () => "x".repeat(100_000)),
      "Llama.BadRequest",
      /30000300 bytes in 300 arguments, the limit including the environment is \d+ bytes/,
    );
    await fails("/bin/true", ["a\0b"], "Llama.BadRequest", /argument 1 contains a NUL byte/);
    await fails("/bin/true", ["", "\udfff"], "Llama.BadRequest", /argument 2 is not Unicode/);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
