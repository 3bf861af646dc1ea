import assert from "node:assert/strict";
import { dirname } from "node:path";
import { leadsInside, realPathOf, staysInside, targetInside } from "../../lib/files/links.ts";
import { TemporaryDirectory } from "../helpers.ts";

Deno.test("a link stays inside if it climbs at most to the top, and only at its beginning", () => {
  const inside: [string, string][] = [
    ["l", "a"],
    ["l", "a/b"],
    ["l", "."],
    ["l", "./a/./b//c/"],
    ["l", "a..b/...."],
    ["a/l", ".."],
    ["a/l", "../l"],
    ["a/b/l", "../../x"],
    ["a/b/l", "./.././../x"],
  ];
  const outside: [string, string][] = [
    ["l", ""],
    ["l", ".."],
    ["l", "../l"],
    ["l", "/etc/passwd"],
    ["l", "a/.."],
    ["l", "a/../b"],
    ["a/l", "../.."],
    ["a/l", "../../a"],
    ["a/l", "../x/../y"],
    ["a/b/l", "../../../x"],
    ["l", "a\0b"],
    ["l", "\ud800"],
    ["l", "é".repeat(2048)],
  ];
  for (const [path, target] of inside) assert(staysInside(path, target), `${path} -> ${target}`);
  for (const [path, target] of outside) assert(!staysInside(path, target), `${path} -> ${target}`);
});

Deno.test("no chain of links that stay inside leads out, whatever directories there are", async () => {
  await using place = new TemporaryDirectory();
  await place.write("file", "outside");
  let state = 20261127;
  const random = (below: number) => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Math.floor(state / 2 ** 31 * below);
  };
  const names = ["a", "b", "c", "l", "m"];
  const name = () => names[random(names.length)] ?? "a";
  for (let round = 0; round < 30; round++) {
    const top = place.join(`top${round}`);
    await Deno.mkdir(`${top}/a/b/c`, { recursive: true });
    const links: string[] = [];
    for (let i = 0; i < 40; i++) {
      const path = Array.from({ length: 1 + random(3) }, name).join("/");
      const parts = Array.from({ length: 1 + random(4) }, () => random(2) ? ".." : name());
      const target = parts.join("/");
      if (!staysInside(path, target)) continue;
      // As outputs are written: no directory of the path is a link.
      if (realPathOf(dirname(`${top}/${path}`)) !== dirname(`${top}/${path}`)) continue;
      // By way of a link to itself, it would lead to nothing.
      const isKnown = realPathOf(`${top}/${dirname(path)}/${target}`) !== undefined;
      if (isKnown) assert(leadsInside(top, path, target), `${path} -> ${target}`);
      try {
        await Deno.symlink(target, `${top}/${path}`);
        links.push(path);
      } catch (error) {
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      }
    }
    for (const path of links) {
      const real = realPathOf(`${top}/${path}`);
      assert(real === undefined || real === top || real.startsWith(`${top}/`), `${path}: ${real}`);
      assert.equal(targetInside(top, path), await Deno.readLink(`${top}/${path}`));
    }
  }
});

Deno.test("a link by way of another one that leads out is recognized, even if it leads to nothing", async () => {
  await using place = new TemporaryDirectory();
  const { path: top } = place;
  await Deno.mkdir(place.join("a"));
  await Deno.symlink("../elsewhere", place.join("a/up"));
  await Deno.symlink("../../elsewhere", place.join("a/out"));
  await Deno.symlink("/", place.join("root"));
  await Deno.symlink("loop", place.join("loop"));
  for (
    const target of ["a/out", "a/out/x", "a/up/../../x", "root/etc", "loop/x", "nothing/../.."]
  ) {
    assert(!leadsInside(top, "l", target), target);
  }
  for (const target of ["a", "a/up", "a/up/x", "nothing/at/all", ".", "a/.."]) {
    assert(leadsInside(top, "l", target), target);
  }
});

Deno.test("a target that would not survive is replaced by the way to the same file", async () => {
  await using place = new TemporaryDirectory();
  const top = await Deno.realPath(place.path);
  await place.write("deep/er/file", "x");
  await place.write("file", "x");
  const cases: [string, string, string | undefined][] = [
    ["absolute", `${top}/deep/er/file`, "deep/er/file"],
    ["deep/up", `${top}/file`, "../file"],
    ["deep/er/round", "../../deep/../file", "../../file"],
    ["self", top, "."],
    ["nothing", "not/there", "not/there"],
    ["gone", "/not/there", undefined],
    ["out", "..", undefined],
    ["root", "/", undefined],
  ];
  for (const [path, target, expected] of cases) {
    await Deno.symlink(target, `${top}/${path}`);
    assert.equal(targetInside(top, path), expected, path);
  }
});
