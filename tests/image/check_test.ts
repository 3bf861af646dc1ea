import assert from "node:assert/strict";
import { LlamaError } from "../../lib/errors.ts";
import { checkPlan } from "../../lib/image/check.ts";
import { imageEnvironment } from "../../lib/image/image.ts";
import { planImage } from "../../lib/image/plan.ts";
import { TemporaryDirectory, testWith } from "../helpers.ts";

/** A script of its own outside of /tmp, in an image with a shell and cat. */
async function check(
  script: string,
  command?: (path: string) => string[],
): Promise<{ path: string; verdict: Awaited<ReturnType<typeof checkPlan>> | LlamaError }> {
  await using place = new TemporaryDirectory();
  const folder = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "llama-test-" });
  try {
    await Deno.chmod(folder, 0o755);
    const path = `${folder}/program`;
    await Deno.writeTextFile(path, script, { mode: 0o755 });
    await Deno.chmod(path, 0o755);
    const plan = await planImage({
      programs: [path, "cat", "id"],
      isMinimal: true,
      runtime: "/bin/true",
      environment: { PATH: "/usr/bin:/bin" },
    });
    const options = { temporary: place.path, environment: imageEnvironment };
    const verdict = await checkPlan(plan, command?.(path), options).catch((error) => {
      assert(error instanceof LlamaError, error);
      return error;
    });
    assert.deepEqual(await place.list(), [], "left behind");
    return { path, verdict };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const needs = ["LLAMA_TEST_IMAGES"];

testWith(needs, "a program that succeeds has what it needs", async () => {
  const script = '#!/bin/sh\n[ "$1" = --version ] && : >/tmp/x && [ "$HOME" = /tmp ]\n';
  assert.deepEqual((await check(script)).verdict, { kind: "passed" });
});

testWith(
  needs,
  "it runs without privileges, network and anything of this machine, read-only",
  async () => {
    const script = "#!/bin/sh\nn=0\nwhile read line; do n=$((n + 1)); done </proc/net/route\n" +
      '[ "$n" -le 1 ] && [ "$(id -u)" = 65534 ] && [ ! -e /etc/passwd ] && [ -c /dev/null ] && ' +
      "[ -e /proc/self ] && ! [ -w / ] && ! [ -w /dev ]\n";
    if (Deno.uid() !== 0) return;
    assert.deepEqual((await check(script)).verdict, { kind: "passed" });
  },
);

testWith(needs, "a file of this machine that it misses is named", async () => {
  const { verdict } = await check("#!/bin/sh\nexec cat /etc/hostname\n");
  assert(verdict instanceof LlamaError);
  assert.match(
    verdict.message,
    /^the image lacks \/etc\/hostname: .* --version ended with status 1$/,
  );
  assert.equal(verdict.hint, "add -include /etc/hostname");
});

testWith(needs, "one that only does not know --version says nothing", async () => {
  const { path, verdict } = await check("#!/bin/sh\necho built with /usr/include >&2\nexit 1\n");
  const reason = `${path} --version ended with status 1 in it`;
  assert.deepEqual(verdict, { kind: "unknown", reason });
});

testWith(needs, "a command that was asked for must succeed", async () => {
  const { path, verdict } = await check("#!/bin/sh\necho wrong\nexit 7\n", (path) => [path, "x"]);
  assert(verdict instanceof LlamaError);
  assert.equal(verdict.message, `${path} x ended with status 7 in the image: wrong`);
  const other = await check("#!/bin/sh\n", () => ["/no/such/program"]);
  assert(other.verdict instanceof LlamaError);
  assert.match(other.verdict.message, /^\/no\/such\/program ended with status 127 in the image: /);
});
