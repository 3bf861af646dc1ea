/** Who may import whom: the table of layers in CONTRIBUTING.md, held against every import. */

import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The rows of the table, from the top: the rooms of each. */
function readLayers(): string[][] {
  const text = Deno.readTextFileSync(join(root, "CONTRIBUTING.md"));
  const [, table = ""] = /<!-- layers -->\n([^]*?)<!-- end of layers -->/.exec(text) ?? [];
  return table.split("\n").filter((line) => line.startsWith("|")).slice(2)
    .map((row) =>
      Array.from(row.split("|")[1]?.matchAll(/`([^`]+)`/g) ?? [], ([, room = ""]) => room)
    );
}

/** All sources of the program, with what each imports; static and on demand. */
function readImports(): Map<string, string[]> {
  const imports = new Map<string, string[]>();
  const visit = (path: string) => {
    // Examples in comments import what they show.
    const text = Deno.readTextFileSync(join(root, path)).replace(/^\s*(\/\*\*|\*|\/\/).*$/gm, "");
    const found = text.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|^import\s+)"(\.[^"]+)"/gm);
    imports.set(
      path,
      Array.from(found, ([, name = ""]) => relative(root, join(root, dirname(path), name))),
    );
  };
  const walk = (folder: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(join(root, folder))) {
      if (isDirectory) walk(`${folder}/${name}`);
      else if (name.endsWith(".ts")) visit(`${folder}/${name}`);
    }
  };
  walk("lib");
  for (const path of ["cli.ts", "mod.ts", "runtime.ts"]) visit(path);
  return imports;
}

const layers = readLayers();
const imports = readImports();

/** The room of a source: the longest name in the table that it is in, or is. */
function roomOf(path: string): string {
  const rooms = layers.flat().filter((room) =>
    `lib/${room}` === path || room === path || path.startsWith(`lib/${room}/`)
  );
  const [room] = rooms.toSorted((a, b) => b.length - a.length);
  return room ?? assert.fail(`${path} is in no row of the table in CONTRIBUTING.md`);
}

function layerOf(room: string): number {
  return layers.findIndex((rooms) => rooms.includes(room));
}

Deno.test("every source is in one room of the table, and every room has sources", () => {
  assert(layers.length > 5, "the table was read");
  const used = new Set([...imports.keys()].map(roomOf));
  const named = layers.flat();
  assert.equal(new Set(named).size, named.length, "a room is named twice");
  assert.deepEqual(named.filter((room) => !used.has(room)), []);
});

Deno.test("a room imports rooms of lower rows only", () => {
  const wrong = [];
  for (const [path, targets] of imports) {
    const from = roomOf(path);
    for (const target of targets) {
      const to = roomOf(target);
      if (from !== to && layerOf(to) <= layerOf(from)) wrong.push(`${path} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("sources import one another in no circle", () => {
  const state = new Map<string, "open" | "done">();
  const circles: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    if (state.get(path) === "done") return;
    if (state.get(path) === "open") {
      circles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
      return;
    }
    state.set(path, "open");
    for (const target of imports.get(path) ?? []) visit(target, [...trail, path]);
    state.set(path, "done");
  };
  for (const path of imports.keys()) visit(path, []);
  assert.deepEqual(circles, []);
});

Deno.test("the runtime and the commands do not know each other", () => {
  const reaches = (from: string, to: string) => {
    const seen = new Set<string>();
    const queue = [...imports.keys()].filter((path) => path.startsWith(`lib/${from}/`));
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      if (seen.has(path)) continue;
      seen.add(path);
      queue.push(...imports.get(path) ?? []);
    }
    return [...seen].filter((path) => path.startsWith(`lib/${to}/`));
  };
  assert.deepEqual(reaches("commands", "runtime"), []);
  assert.deepEqual(reaches("runtime", "commands"), []);
});

Deno.test("at most a dozen files are at the root of lib", () => {
  const files = Array.from(Deno.readDirSync(join(root, "lib"))).filter(({ isFile }) => isFile);
  assert(files.length <= 12, files.map(({ name }) => name).join(" "));
});
