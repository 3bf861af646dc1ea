import assert from "node:assert/strict";
import {
  makeRunDirectory,
  removeStaleDirectories,
  removeTree,
  removeTreeSync,
} from "../../lib/files/run_directory.ts";
import { isRoot, runChild } from "../child.ts";
import { TemporaryDirectory } from "../helpers.ts";
import { temporaryDirectory } from "../local/helpers.ts";

const exists = (path: string) => Deno.lstat(path).then(() => true, () => false);

/** Starts a process, lets it make its directory, and ends it by SIGKILL. */
async function leaveDirectory(parent: string): Promise<string> {
  const module = new URL("../../lib/files/run_directory.ts", import.meta.url).href;
  const script = `import { makeRunDirectory } from ${JSON.stringify(module)};
    const path = makeRunDirectory(${JSON.stringify(parent)});
    Deno.mkdirSync(path + "/locked");
    Deno.writeTextFileSync(path + "/locked/file", "");
    Deno.chmodSync(path + "/locked", 0o500);
    console.log(path);
    Deno.kill(Deno.pid, "SIGKILL");`;
  const { stdout, signal } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-config", `data:application/typescript,${encodeURIComponent(script)}`],
    stderr: "inherit",
  }).output();
  assert.equal(signal, "SIGKILL");
  return new TextDecoder().decode(stdout).trim();
}

Deno.test("a run's directory is private", async () => {
  using parent = temporaryDirectory();
  const path = makeRunDirectory(parent.path);
  const { mode } = await Deno.stat(path);
  assert.equal((mode ?? 0) & 0o777, 0o700);
  assert.match(path, new RegExp(`^${parent.path}/llama-local-${Deno.pid}-`));
});

Deno.test("directories of dead runs are removed, those of running ones are not", async () => {
  using parent = temporaryDirectory();
  const [stale, own] = [await leaveDirectory(parent.path), makeRunDirectory(parent.path)];
  const other = `${parent.path}/llama-local-notes`;
  await Deno.mkdir(other);
  assert(await exists(stale));
  // Several runs may start at the same time.
  await Promise.all([1, 2, 3].map(() => removeStaleDirectories(parent.path)));
  assert(!await exists(stale));
  assert(await exists(own));
  assert(await exists(other));
});

Deno.test("a process with a dead run's id does not keep its directory", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  using parent = temporaryDirectory();
  const own = makeRunDirectory(parent.path);
  // This process's id, but another start.
  const stale = own.replace(/^(.*llama-local-\d+-)\d+/, "$11");
  await Deno.mkdir(stale);
  await removeStaleDirectories(parent.path);
  assert(!await exists(stale));
  assert(await exists(own));
});

Deno.test("directories of another process namespace are left alone", async () => {
  using parent = temporaryDirectory();
  const foreign = `${parent.path}/llama-local-4194305-5-123-abc`;
  await Deno.mkdir(foreign);
  await removeStaleDirectories(parent.path);
  assert(await exists(foreign));
});

Deno.test("a link in the place of a stale directory is not followed", async () => {
  using parent = temporaryDirectory();
  using target = temporaryDirectory();
  await Deno.writeTextFile(`${target.path}/file`, "precious");
  const stale = makeRunDirectory(parent.path).replace(/llama-local-\d+-\d+/, "llama-local-1-1");
  await Deno.symlink(target.path, stale);
  await removeStaleDirectories(parent.path);
  assert(await exists(`${target.path}/file`));
});

Deno.test("a directory without permissions is removed, synchronously or not", async () => {
  using parent = temporaryDirectory();
  for (const remove of [removeTree, removeTreeSync]) {
    const path = `${parent.path}/tree`;
    await Deno.mkdir(`${path}/a/b`, { recursive: true });
    await Deno.writeTextFile(`${path}/a/b/file`, "");
    await Deno.chmod(`${path}/a/b`, 0);
    await Deno.chmod(`${path}/a`, 0o500);
    await remove(path);
    assert(!await exists(path));
    await remove(path);
  }
});

Deno.test({
  name: "directories without permissions are removed, even if their names are not UTF-8",
  ignore: !isRoot,
  async fn() {
    await using directory = new TemporaryDirectory();
    await Deno.chmod(directory.path, 0o777);
    const script = `
      const make = (path: string) => {
        const script = \`mkdir -p "$1" && cd "$1" && d=$(printf 'd\\\\377') && mkdir -p "$d/$d" &&
          : > "$d/$d/$(printf '\\\\351')" && chmod 0 "$d/$d" && chmod 500 "$d"\`;
        const args = ["-c", script, "sh", path];
        if (!new Deno.Command("sh", { args }).outputSync().success) throw new Error("no tree");
      };
      const path = ${JSON.stringify(directory.join("tree"))};
      const gone = () => { try { Deno.lstatSync(path); return false; } catch { return true; } };
      make(path);
      await runs.removeTree(path);
      tell(gone());
      make(path);
      runs.removeTreeSync(path);
      tell(gone());
      Deno.mkdirSync(path);
      const workspace = new workspaces.Workspace(path);
      make(workspace.job());
      await workspace.remove();
      tell([...Deno.readDirSync(path)]);`;
    const modules = {
      runs: "../lib/files/run_directory.ts",
      workspaces: "../lib/runtime/workspace.ts",
    };
    assert.deepEqual(await runChild(script, { modules, unprivileged: true }), [true, true, []]);
  },
});
