/**
 * Bundles llama's programs into a few small JavaScript files, the input of `deno compile`.
 *
 * With the same version of Deno, the same sources give the same bundles, in whatever directory.
 *
 * @module
 */

import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { runDeno } from "../lib/deploy/deno.ts";
import { removeIfThere } from "../lib/files/whole.ts";
import { root } from "./shell.ts";

/**
 * Bundles the runtime: the code that requests the first invocation, and the code that is loaded
 * while waiting for it. It has no credential providers, since Lambda provides keys.
 *
 * @param directory The directory for the bundle, which is replaced.
 * @returns The entry point.
 * @throws {Error} If it cannot be bundled.
 */
export async function bundleRuntime(directory: string): Promise<string> {
  await removeIfThere(directory);
  const [made, scratch] = [join(directory, "made"), join(directory, "scratch")];
  await Deno.mkdir(scratch, { recursive: true });
  const importMap = await replaceModules(scratch, {
    "lib/aws/credentials/providers.ts":
      'throw new Error("llama\'s runtime does not contain it");\n',
  });
  await bundle(["runtime.ts"], [
    ...["--code-splitting", "--outdir", made, "--import-map", importMap],
  ]);
  const files = await collect(made, "runtime.js", "bootstrap.js");
  await removeIfThere(made);
  await removeIfThere(scratch);
  await writeBundle(directory, files);
  return join(directory, "bootstrap.js");
}

/**
 * Bundles `llama` into one file per command and few shared ones, so that only the code of one command
 * is loaded, and the AWS SDK into a separate file.
 *
 * @param directory The directory for the bundle, which is replaced.
 * @param commit The commit that `llama version` shows.
 * @returns The entry point.
 * @throws {Error} If it cannot be bundled.
 */
export async function bundleLlama(directory: string, commit: string | undefined): Promise<string> {
  await removeIfThere(directory);
  const [made, scratch] = [join(directory, "made"), join(directory, "scratch")];
  await Deno.mkdir(scratch, { recursive: true });
  const importMap = await replaceModules(scratch, {
    "lib/commit.ts": `export const commit = ${JSON.stringify(commit)};\n`,
    "lib/aws/credentials/sdk.ts": `export const loadSdk = () => import("${sdkFile}");\n`,
  });
  await bundle(["cli.ts"], [
    ...["--code-splitting", "--outdir", made, "--import-map", importMap],
    `--external=${sdkFile}`,
  ]);
  const files = await collect(made, "cli.js", "cli.js");
  files.set("sdk.js", await bundleSdk(scratch));
  // First what every command loads, then what only `invoke` and `xargs` share.
  await merge(files, "start.js", ["cli.js"], [], join(scratch, "start"));
  await merge(files, "jobs.js", ["invoke", "xargs"], ["start.js", "main"], join(scratch, "jobs"));
  await removeIfThere(made);
  await removeIfThere(scratch);
  await writeBundle(directory, files);
  return join(directory, "cli.js");
}

/**
 * Merges chunks into one file: each file of a program takes 0.15 ms to load, as much as 3 kB of code.
 *
 * @param files The texts of all files by their names; changed.
 * @param into The name of the new file.
 * @param by Files, or the stems of their names, that all import the chunks, statically.
 * @param without Files or stems whose imports stay as they are, such as those of an earlier merge.
 * @param scratch A directory that is created.
 */
async function merge(
  files: Map<string, string>,
  into: string,
  by: readonly string[],
  without: readonly string[],
  scratch: string,
): Promise<void> {
  const named = (stem: string) => {
    const names = [...files.keys()].filter((name) => name === stem || name.startsWith(`${stem}-`));
    // Of the files of one name, that with the implementation, not that with the definition.
    const name = names.find((name) => exportsOf(files.get(name)).includes(stem)) ?? names[0];
    if (name === undefined) throw new Error(`the bundle has no file ${stem}`);
    return name;
  };
  const closures = by.map((stem) => importsOf(files, named(stem)));
  const others = new Set(without.flatMap((stem) => [...importsOf(files, named(stem))]));
  // The chunks of a closure import only each other, so merging them creates no import cycle.
  const merged = [...closures[0] ?? []].filter((name) =>
    name.startsWith("chunk-") && closures.every((all) => all.has(name)) && !others.has(name)
  );
  await Deno.mkdir(scratch);
  const entry: string[] = [];
  for (const name of merged) {
    const text = files.get(name) ?? "";
    await Deno.writeTextFile(join(scratch, name), text);
    const items = exportsOf(text).map((item) => `${item} as ${renamed(item, name)}`);
    entry.push(`export {${items.join(",")}} from "./${name}";\n`);
    files.delete(name);
  }
  await Deno.writeTextFile(join(scratch, into), entry.join(""));
  const output = join(scratch, "merged.js");
  const externals = [...files.keys()].map((name) => `--external=./${name}`);
  await bundle([join(scratch, into)], [...externals, "--output", output]);
  files.set(into, await Deno.readTextFile(output));
  const isMerged = new Set(merged);
  for (const [name, text] of files) {
    if (name === into) continue;
    let isImported = false;
    const rewritten = text.replace(
      /import(?:\{([^}]*)\}from)?"\.\/([\w-]+\.js)";?/g,
      (statement: string, list: string | undefined, from: string) => {
        if (!isMerged.has(from)) return statement;
        // One import without names is enough, and none is needed besides one with names.
        if (list === undefined) return isImported ? "" : (isImported = true, `import"./${into}";`);
        isImported = true;
        const items = list.split(",").map((item) => {
          const [imported = "", local = imported] = item.split(" as ");
          return `${renamed(imported, from)} as ${local}`;
        });
        return `import{${items.join(",")}}from"./${into}";`;
      },
    );
    files.set(name, rewritten);
  }
}

/** Returns the names that a file of the bundle exports. */
function exportsOf(text = ""): string[] {
  // The only export statement is near the end; comments may follow it.
  const [, list = ""] = /export\{([^}]*)\}/.exec(text.slice(text.lastIndexOf("export{"))) ?? [];
  return list.split(",").map((item) => item.replace(/^.* as /, "")).filter(Boolean);
}

/** Returns the name of a chunk's export in a file that has those of several. */
function renamed(name: string, chunk: string): string {
  return `${name}_${/\d+/.exec(chunk)}`;
}

/** Returns a file, and all that it imports statically. */
function importsOf(files: ReadonlyMap<string, string>, name: string): Set<string> {
  const names = new Set([name]);
  // The set grows meanwhile, and what was added is visited too.
  for (const each of names) {
    for (const [, imported = ""] of (files.get(each) ?? "").matchAll(staticImports)) {
      names.add(imported);
    }
  }
  return names;
}

const staticImports = /(?:from|import)"\.\/([\w-]+\.js)"/g;

const sdkFile = "./sdk.js";

/** The SDK's packages that lib/aws/credentials/sdk.ts imports, and what is used of them. */
const sdk = [
  [
    "npm:@aws-sdk/credential-providers@3.1175.0",
    "fromInstanceMetadata, fromLoginCredentials, fromSSO, fromTemporaryCredentials, fromWebToken",
  ],
  ["npm:@smithy/fetch-http-handler@5.8.1", "FetchHttpHandler"],
] as const;

/**
 * Writes an import map that replaces modules.
 *
 * @param directory The directory for the import map and the modules.
 * @param modules The replacements' sources by the path of the module.
 * @returns The path of the import map.
 */
async function replaceModules(
  directory: string,
  modules: Readonly<Record<string, string>>,
): Promise<string> {
  const imports: Record<string, string> = {};
  for (const [path, source] of Object.entries(modules)) {
    const replacement = join(directory, basename(path));
    await Deno.writeTextFile(replacement, source);
    imports[pathToFileURL(join(root, path)).href] = pathToFileURL(replacement).href;
  }
  const importMap = join(directory, "import_map.json");
  await Deno.writeTextFile(importMap, JSON.stringify({ imports }));
  return importMap;
}

/**
 * Bundles the SDK into a single file, separately from llama so that no module of llama is
 * duplicated.
 */
async function bundleSdk(directory: string): Promise<string> {
  const [source, made] = [join(directory, "sdk.ts"), join(directory, "sdk.js")];
  const exports = sdk.map(([name, taken]) => `export { ${taken} } from "${name}";\n`);
  await Deno.writeTextFile(source, exports.join(""));
  await bundle([source], ["--output", made]);
  // Its CommonJS parts load Node modules with `require`, which modules lack.
  return 'import { createRequire } from "node:module";\n' +
    "const require = createRequire(import.meta.url);\n" +
    await Deno.readTextFile(made);
}

/**
 * Returns the files that a program loads when it starts; the rest of its bundle is loaded on
 * demand.
 *
 * @param main The entry point.
 * @returns Its path and those of its static imports.
 */
export async function startFiles(main: string): Promise<string[]> {
  const directory = dirname(main);
  const files = new Map<string, string>();
  for (const { name } of Deno.readDirSync(directory)) {
    files.set(name, await Deno.readTextFile(join(directory, name)));
  }
  return [...importsOf(files, basename(main))].map((name) => join(directory, name));
}

/**
 * Returns all files that the runtime loads for a job with small files, which does not need S3.
 *
 * @param directory The directory of the runtime's bundle.
 * @returns The paths of the files.
 * @throws {Error} If the bundle has no file that runs invocations.
 */
export async function jobFiles(directory: string): Promise<string[]> {
  const invocation = [...Deno.readDirSync(directory)]
    .find(({ name }) => name.startsWith("invocation-"));
  if (!invocation) throw new Error(`${directory} has no file that runs invocations`);
  const parts = [await startFiles(join(directory, "bootstrap.js"))];
  parts.push(await startFiles(join(directory, invocation.name)));
  return [...new Set(parts.flat())];
}

async function writeBundle(directory: string, files: ReadonlyMap<string, string>): Promise<void> {
  for (const [name, text] of files) {
    const path = join(directory, name);
    await Deno.writeTextFile(path, text);
    // Compiled programs contain file times; fixed ones make builds reproducible.
    await Deno.utime(path, 0, 0);
  }
}

async function bundle(sources: readonly string[], options: readonly string[]): Promise<void> {
  await runDeno([
    ...["bundle", "--quiet", "--frozen", "--minify", "--platform", "deno"],
    ...options,
    ...sources,
  ], { directory: root });
}

/**
 * Collects the bundler's output into one directory, with chunks numbered in the order of their
 * first import. The bundler names chunks by a hash that depends on the path of the sources, so
 * bundles would not be reproducible.
 */
async function collect(
  directory: string,
  made: string,
  main: string,
): Promise<Map<string, string>> {
  const names = new Map([[made, main]]);
  const files = new Map<string, string>();
  // The map of names grows meanwhile, and what was added is visited too.
  for (const [found, name] of names) {
    const text = await Deno.readTextFile(join(directory, found));
    const renamed = text.replace(
      /"(?:\.\.?\/)+((\w+)-[0-9A-Z]{8}\.js)"/g,
      (_, chunk: string, stem: string) => {
        const known = names.get(chunk) ?? `${stem}-${names.size}.js`;
        names.set(chunk, known);
        return `"./${known}"`;
      },
    );
    files.set(name, renamed);
  }
  return files;
}
