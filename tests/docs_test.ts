/** Links of the documents lead somewhere, and the README stays short. */

import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The repository's place until it has one; it stands in the README alone. */
const placeholder = "OWNER/llama";

const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "SECURITY.md",
  "lib/template/README.md",
]
  .concat(Array.from(Deno.readDirSync(join(root, "docs")), ({ name }) => `docs/${name}`))
  .filter((path) => path.endsWith(".md"));

function read(path: string): string {
  return Deno.readTextFileSync(join(root, path));
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(path: string): Set<string> {
  const headings = read(path).matchAll(/^#+ (.+)$/gm);
  return new Set(
    Array.from(
      headings,
      ([, heading = ""]) =>
        heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").trim().replaceAll(" ", "-"),
    ),
  );
}

/** What a page links to: inline links, pictures, and definitions. */
function linksOf(path: string): string[] {
  const text = read(path).replace(/^```[^]*?^```/gm, "").replace(/`[^`\n]*`/g, "");
  const inline = Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, link = ""]) => link);
  const defined = Array.from(text.matchAll(/^\[[^\]]+\]: (\S+)$/gm), ([, link = ""]) => link);
  return [...inline, ...defined];
}

/** The path and the anchor of a link to this repository; undefined for one elsewhere. */
function targetOf(page: string, link: string): [path: string, anchor: string] | undefined {
  const own = /^https:\/\/github\.com\/OWNER\/llama\/(?:blob|raw)\/main\/([^#]+)#?(.*)$/.exec(link);
  if (own) return [own[1] ?? "", own[2] ?? ""];
  if (/^[a-z]+:/.test(link)) return undefined;
  const [path = "", anchor = ""] = link.split("#");
  return [path === "" ? page : relative(root, join(root, dirname(page), path)), anchor];
}

Deno.test("each link within the repository leads to a file, and to a heading of it", () => {
  const broken: string[] = [];
  let count = 0;
  for (const page of pages) {
    for (const link of linksOf(page)) {
      const target = targetOf(page, link);
      if (target === undefined) continue;
      count++;
      const [path, anchor] = target;
      try {
        Deno.statSync(join(root, path));
      } catch {
        broken.push(`${page}: ${link}`);
        continue;
      }
      if (anchor !== "" && !anchorsOf(path).has(anchor)) broken.push(`${page}: ${link}`);
    }
  }
  assert(count > 40, `${count} links were found`);
  assert.deepEqual(broken, []);
});

Deno.test("the README has at most 12 kB, and its links work wherever it is shown", () => {
  assert(read("README.md").length <= 12_000, `${read("README.md").length}`);
  assert.deepEqual(linksOf("README.md").filter((link) => !/^https:/.test(link)), []);
});

Deno.test("where the repository is stands in the README alone", () => {
  const others = pages.filter((page) => page !== "README.md" && read(page).includes(placeholder));
  assert.deepEqual(others, []);
});
