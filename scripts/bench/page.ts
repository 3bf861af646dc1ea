/**
 * Puts figures into docs/performance.md, in the place of those that are there.
 *
 * @module
 */

import { join } from "node:path";
import { root } from "../shell.ts";
import { processorName } from "./processors.ts";

/**
 * Replaces a section of the page.
 *
 * @param name The section, which is between `<!-- NAME -->` and `<!-- end of NAME -->`.
 * @param origin What the figures are of: a program, its version.
 * @param table The figures, a table in Markdown.
 * @throws {Error} If the page has no such section.
 */
export async function writeSection(name: string, origin: string, table: string): Promise<void> {
  const path = join(root, "docs/performance.md");
  const text = await Deno.readTextFile(path);
  const [begin, end] = [`<!-- ${name} -->\n`, `<!-- end of ${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${path} has no section "${name}"`);
  const section = `${begin}\n${await describeRun(origin)}:\n\n${table}\n\n`;
  await Deno.writeTextFile(path, text.slice(0, from) + section + text.slice(to));
}

/**
 * Returns a line that tells when and where figures were measured.
 *
 * @param origin What they are of.
 */
export async function describeRun(origin: string): Promise<string> {
  return `${new Date().toISOString().slice(0, 10)}, ${origin}, ` +
    `${navigator.hardwareConcurrency} cores, ${await processorName()}, ${Deno.build.os}`;
}
