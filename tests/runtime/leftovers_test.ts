import assert from "node:assert/strict";
import { removeLeftovers } from "../../lib/runtime/leftovers.ts";
import { libc } from "../../lib/system/libc.ts";
import { ownProcess } from "../../lib/system/process_name.ts";
import { TemporaryDirectory } from "../helpers.ts";
import { FakeLambda, textOf } from "./fake_lambda.ts";

const ignore = Deno.build.os !== "linux";

// It stays open until the process ends, which Deno 2.6 takes for a leak of the test that opens it.
libc();

const names = (path: string) => Array.from(Deno.readDirSync(path), ({ name }) => name).sort();

function fail(line: string): never {
  throw new Error(line);
}

Deno.test({
  name: "leftovers of a killed runtime are removed before the next one's first job",
  ignore,
  async fn() {
    await using directory = new TemporaryDirectory();
    const temporary = directory.path;
    {
      await using killed = new FakeLambda({ temporary });
      const job = killed.send(JSON.stringify({
        args: ["sh", "-c", `mkdir locked; : >locked/x; chmod 500 locked; kill -9 $PPID; sleep 9`],
        stdin: { s: "secret" },
        files: { in: { s: "secret" } },
      }));
      await assert.rejects(job, /the runtime exited/);
    }
    assert.equal(names(temporary).length, 1);
    await using next = new FakeLambda({ temporary });
    await next.ready;
    assert.deepEqual(names(temporary), []);
    const { stdout } = await next.run({ args: ["sh", "-c", "ls .."] });
    assert.match(textOf(stdout), /^llama-job-\d+-\d+-\d+-\w+\n$/);
  },
});

Deno.test({
  name: "directories without an owner are removed, those of running owners are not",
  ignore,
  async fn() {
    await using directory = new TemporaryDirectory();
    const { pid, start, namespace } = ownProcess();
    const own = `llama-job-${pid}-${start}-${namespace}-x`;
    const others = ["llama-jobs", "llama-local-1-1-1-x", "other"];
    const stale = [
      "llama-job-abc",
      "llama-data-0123456789abcdef",
      // This process's id, but another start.
      `llama-data-${pid}-${start + 1}-${namespace}-x`,
      `llama-job-4194305-5-${namespace}-x`,
    ];
    for (const name of [own, ...others, ...stale]) await Deno.mkdir(directory.join(name));
    await Deno.symlink("/", directory.join("llama-job-link"));
    await removeLeftovers(directory.path, fail);
    assert.deepEqual(names(directory.path), [own, "llama-job-link", ...others].sort());
  },
});

Deno.test({
  name: "directories of another namespace are kept only while another runtime is running",
  ignore,
  async fn() {
    await using directory = new TemporaryDirectory();
    const foreign = "llama-job-1-5-123-x";
    await Deno.mkdir(directory.join(foreign));
    {
      await using living = new FakeLambda({ temporary: directory.path });
      await living.run({ args: ["true"] });
      // It was alone when it started.
      assert.deepEqual(names(directory.path).filter((name) => name === foreign), []);
      await Deno.mkdir(directory.join(foreign));
      await using other = new FakeLambda({ temporary: directory.path });
      await other.ready;
      assert(names(directory.path).includes(foreign));
    }
    await using alone = new FakeLambda({ temporary: directory.path });
    await alone.ready;
    assert.deepEqual(names(directory.path), []);
  },
});

Deno.test("removing leftovers tolerates a missing directory for temporary files", async () => {
  await removeLeftovers("/nonexistent/directory", fail);
});
