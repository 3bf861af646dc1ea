import assert from "node:assert/strict";
import { libc } from "../../lib/system/libc.ts";
import { OpenDirectory } from "../../lib/system/open_directory.ts";
import { TemporaryDirectory } from "../helpers.ts";

const { NotADirectory, NotFound } = Deno.errors;

for (const calls of [libc(), null]) {
  if (calls === undefined) continue;
  const way = calls ? "by its descriptor" : "by its path, where there is nothing better";

  Deno.test(`a directory is known ${way}: links are refused, what is missing is made`, async () => {
    await using directory = new TemporaryDirectory();
    await directory.write("victim/file", "precious", 0o600);
    await directory.write("top/file", "text", 0o600);
    for (
      const [name, target] of [["link", "../victim"], ["dangling", "none"], ["f", "../victim/file"]]
    ) {
      await Deno.symlink(target ?? "", directory.join(`top/${name}`));
    }
    await Deno.symlink("top", directory.join("typed"));
    using top = OpenDirectory.open(directory.join("typed"), calls);
    assert.equal(await Deno.readTextFile(top.at("file")), "text");
    {
      using made = top.enter("new");
      using deeper = made.enter("deeper");
      await Deno.writeTextFile(deeper.at("file"), "deep");
      using again = made.enter("deeper");
      assert.equal(await Deno.readTextFile(again.at("file")), "deep");
    }
    assert.equal(await Deno.readTextFile(directory.join("top/new/deeper/file")), "deep");
    for (const name of ["link", "dangling", "file", "f"]) {
      assert.throws(() => top.enter(name), NotADirectory, name);
    }
    top.chmod("file", 0o640);
    assert.equal(((await Deno.stat(directory.join("top/file"))).mode ?? 0) & 0o777, 0o640);
    top.checkWritable("file");
    assert.throws(() => top.checkWritable("none"), NotFound);
    assert.equal(await Deno.readTextFile(directory.join("top/file")), "text");
    if (calls) {
      assert.throws(() => top.chmod("f", 0o644), Deno.errors.FilesystemLoop);
      assert.throws(() => top.checkWritable("f"), Deno.errors.FilesystemLoop);
    }
    assert.equal(((await Deno.stat(directory.join("victim/file"))).mode ?? 0) & 0o777, 0o600);
    assert.deepEqual(await directory.list("victim"), ["victim/file"]);
    assert.throws(() => OpenDirectory.open(directory.join("top/file/none"), calls).enter("x"));
  });
}
