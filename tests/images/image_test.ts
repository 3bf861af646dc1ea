import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { TemporaryDirectory, testWith, textOf } from "../helpers.ts";
import { imageFiles, makeAlpineRoot, sandbox } from "./root.ts";

const needs = ["LLAMA_TEST_BIN", "LLAMA_TEST_IMAGES"];
const program = fileURLToPath(new URL("program.ts", import.meta.url));

/** Runs a job in a root, with the emulator around it. */
async function runJob(root: string, around: readonly string[], args: readonly string[]) {
  await using temporary = new TemporaryDirectory();
  // The emulator has the environment's directory and the store below its own TMPDIR.
  const shared = ["--bind", temporary.path, temporary.path];
  const runtime = [...sandbox(...imageFiles(root), ...shared), "/llama_runtime"];
  const [executable = "", ...before] = [...around, Deno.execPath()];
  const { success, stdout, stderr } = await new Deno.Command(executable, {
    args: [...before, "run", "-A", "--quiet", program, JSON.stringify(runtime), ...args],
    env: { TMPDIR: temporary.path },
  }).output();
  assert(success, textOf(stderr));
  return JSON.parse(textOf(stdout));
}

testWith(needs, "the Dockerfile's image runs commands that are linked with musl", async () => {
  await using root = await makeAlpineRoot(true);
  const shout = new TextDecoder("latin1").decode(await Deno.readFile(root.join("usr/bin/shout")));
  assert.match(shout, /\/lib\/ld-musl-/);
  const answer = await runJob(root.path, [], ["/usr/bin/shout", "a", "b"]);
  assert.deepEqual(answer, [0, "A B FROM STDIN\n", ""]);
  // And scripts, by busybox.
  const script = 'cat /etc/ld-musl-*.path >/dev/null && tr a-z A-Z && echo "$1" >&2; exit 3';
  const other = await runJob(root.path, [], ["/bin/sh", "-c", script, "sh", "x"]);
  assert.deepEqual(other, [3, "FROM STDIN\n", "x\n"]);
});

testWith(
  needs,
  "a root without /etc, read-only but for /tmp and without a net, is enough",
  async () => {
    await using root = await makeAlpineRoot(false);
    // The emulator and all that it starts have a loopback of their own, and no other interface.
    const alone = ["bwrap", "--dev-bind", "/", "/", "--unshare-net", "--die-with-parent"];
    const script = "ls -d /etc; echo x >/usr/x; echo x >/tmp/x && cat /proc/net/dev";
    const [status, stdout, stderr] = await runJob(root.path, alone, ["/bin/sh", "-c", script]);
    assert.equal(status, 0);
    assert.deepEqual(stdout.match(/\w+(?=:)/g), ["lo"]);
    assert.match(stderr, /\/etc: No such file .*\n.*\/usr\/x: Read-only file system\n$/);
    assert.deepEqual(await runJob(root.path, alone, ["/usr/bin/shout", "a"]), [
      0,
      "A FROM STDIN\n",
      "",
    ]);
  },
);
