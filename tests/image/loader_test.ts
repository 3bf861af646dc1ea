import assert from "node:assert/strict";
import { readElf } from "../../lib/image/elf.ts";
import { librariesOf, parseList } from "../../lib/image/libraries.ts";
import { cachedLibraries, writeLoaderCache } from "../../lib/image/loader_cache.ts";
import { TemporaryDirectory, textOf } from "../helpers.ts";

const isLinux = Deno.build.os === "linux";
const machine = Deno.build.arch === "aarch64" ? "arm64" : "x86_64";

Deno.test("what the loader prints is read, with libraries that are missing", () => {
  const text = "\tlinux-vdso.so.1 (0x00007ffd5b7f2000)\n" +
    "\tlibz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007f1c2a600000)\n" +
    "\tlibgone.so.3 => not found\n" +
    "\tlib with space.so => /opt/a b/lib with space.so (0x00007f1c2a500000)\n" +
    "\t/lib64/ld-linux-x86-64.so.2 (0x00007f1c2a836000)\n";
  assert.deepEqual(parseList(text), {
    found: ["/lib/x86_64-linux-gnu/libz.so.1", "/lib64/ld-linux-x86-64.so.2"],
    missing: ["libgone.so.3"],
  });
  assert.deepEqual(parseList("\tstatically linked\n"), { found: [], missing: [] });
});

Deno.test({
  name: "the headers of a program and a library are read, and a script has none",
  ignore: !isLinux,
  async fn() {
    const program = readElf("/bin/sh");
    assert.equal(program?.bits, 64);
    assert.equal(program.architecture, machine);
    assert.match(program.interpreter ?? "", /^\/lib.*ld-/);
    const { found } = await librariesOf(program.interpreter ?? "", "/bin/sh");
    const libc = found.find((path) => /libc\.so/.test(path)) ?? "";
    assert.equal(readElf(libc)?.isDynamic, true);
    await using directory = new TemporaryDirectory();
    assert.equal(readElf(await directory.write("script", "#!/bin/sh\n".repeat(20))), undefined);
    assert.equal(readElf(await directory.write("empty", "")), undefined);
    // Headers that end too early, and one whose table is nowhere.
    const bytes = Deno.readFileSync("/bin/sh").subarray(0, 64);
    for (const length of [4, 20, 51, 52, 63]) {
      const path = await directory.write(`cut-${length}`, bytes.subarray(0, length));
      assert.equal(readElf(path)?.interpreter, undefined);
    }
    const far = bytes.slice();
    new DataView(far.buffer).setBigUint64(32, 2n ** 63n, true);
    assert.equal(readElf(await directory.write("far", far))?.interpreter, undefined);
  },
});

Deno.test({
  name: "ldconfig reads a cache as it was written, in the order in which the loader looks",
  ignore: !isLinux || !exists("/usr/sbin/ldconfig") && !exists("/sbin/ldconfig"),
  async fn() {
    const libraries = [
      { name: "libfoo.so.1", path: "/usr/local/lib/libfoo.so.1" },
      { name: "libfoo.so.10", path: "/opt/x/libfoo.so.10" },
      { name: "libfoo.so.9", path: "/opt/x/libfoo.so.9" },
      { name: "liba.so", path: "/usr/local/lib/liba.so" },
      { name: "libb.so.2", path: "/opt/é/libb.so.2" },
      { name: "lib0.so", path: "/opt/x/lib0.so" },
    ];
    const bytes = writeLoaderCache(libraries, machine);
    assert.deepEqual(writeLoaderCache(libraries.toReversed(), machine), bytes);
    const listed = await listCache(bytes);
    assert.deepEqual(
      listed,
      ["lib0.so", "libfoo.so.10", "libfoo.so.9", "libfoo.so.1", "libb.so.2", "liba.so"].map((
        name,
      ) => ({ name, path: libraries.find((each) => each.name === name)?.path })),
    );
    // The machine's own cache, shuffled and written anew, has the order that ldconfig gave it.
    const own = await listCache(undefined);
    const shuffled = own.toSorted((a, b) => a.path < b.path ? -1 : 1);
    const names = (await listCache(writeLoaderCache(shuffled, machine))).map(({ name }) => name);
    assert(names.length > 10);
    assert.deepEqual(names, own.map(({ name }) => name));
    // Only what the loader would not find by itself is of interest.
    for (const { path } of await cachedLibraries()) {
      assert.doesNotMatch(path, /^\/(usr\/)?lib\/[^/]+$/);
    }
  },
});

/** What ldconfig finds in a cache, or in the machine's own. */
async function listCache(
  bytes: Uint8Array<ArrayBuffer> | undefined,
): Promise<{ name: string; path: string }[]> {
  await using directory = new TemporaryDirectory();
  const args = bytes === undefined
    ? ["-p"]
    : ["-p", "-C", await directory.write("ld.so.cache", bytes)];
  const program = exists("/usr/sbin/ldconfig") ? "/usr/sbin/ldconfig" : "/sbin/ldconfig";
  const env = { LC_ALL: "C" };
  const { success, stdout, stderr } = await new Deno.Command(program, { args, env }).output();
  assert(success, textOf(stderr));
  const abi = machine === "x86_64" ? "libc6,x86-64" : "libc6,AArch64";
  return textOf(stdout).split("\n").flatMap((line) => {
    const [, name, kinds = "", path] = /^\t(\S+) \((.*)\) => (.*)$/.exec(line) ?? [];
    return name && path && kinds.startsWith(abi) ? [{ name, path }] : [];
  });
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
