/**
 * llama's programs as a few small files of JavaScript: what `deno compile` is given.
 *
 * The same sources give the same bundles with the same Deno, wherever they lie.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { runDeno } from "../lib/deploy/deno.ts";
import { removeIfThere } from "../lib/files.ts";
import { root } from "./shell.ts";

/** A program's bundle. */
export interface Bundle {
  /** The file that is started. */
  readonly main: string;
  /** Files that it loads by a name that is computed. */
  readonly include: readonly string[];
}

/**
 * Bundles the runtime: what asks for the first invocation, and what is loaded while that comes.
 *
 * @param directory A directory of its own.
 * @returns The bundle.
 * @throws {Error} If it cannot be bundled.
 */
export async function bundleRuntime(directory: string): Promise<Bundle> {
  await removeIfThere(directory);
  const made = join(directory, "made");
  await bundle(["runtime.ts"], ["--code-splitting", "--outdir", made]);
  const files = await collect(made, [["runtime.js", "bootstrap.js"]]);
  await removeIfThere(made);
  await writeBundle(directory, files);
  return { main: join(directory, "bootstrap.js"), include: [] };
}

/**
 * Bundles `llama`, into one file a command and what they share, so that none is loaded in vain; and
 * the AWS SDK into a file of its own.
 *
 * @param directory A directory of its own.
 * @param commit What `llama version` names as its origin.
 * @returns The bundle.
 * @throws {Error} If it cannot be bundled.
 */
export async function bundleLlama(directory: string, commit: string | undefined): Promise<Bundle> {
  await removeIfThere(directory);
  const [made, scratch] = [join(directory, "made"), join(directory, "scratch")];
  await Deno.mkdir(scratch, { recursive: true });
  const importMap = await replaceCommit(scratch, commit);
  await bundle(["cli.ts", providersSource], [
    ...["--code-splitting", "--outdir", made, "--import-map", importMap],
    ...sdk.map(([name]) => `--external=${name}`),
  ]);
  const files = await collect(made, [
    ["cli.js", "cli.js"],
    [providersSource.replace(/ts$/, "js"), "providers.js"],
  ]);
  // These names the bundler has left as they were.
  replaceOnce(files, '"./providers.ts"', '"./providers.js"');
  for (const [name] of sdk) replaceOnce(files, `"${name}"`, '"./sdk.js"');
  files.set("sdk.js", await bundleSdk(scratch));
  await removeIfThere(made);
  await removeIfThere(scratch);
  await writeBundle(directory, files);
  return { main: join(directory, "cli.js"), include: [join(directory, "providers.js")] };
}

const providersSource = "lib/aws/providers.ts";

/** The packages of the SDK as lib/aws/providers.ts names them, and what it takes from each. */
const sdk = [
  [
    "npm:@aws-sdk/credential-providers@3.1175.0",
    "fromInstanceMetadata, fromLoginCredentials, fromSSO, fromTemporaryCredentials, fromWebToken",
  ],
  ["npm:@smithy/fetch-http-handler@5.8.1", "FetchHttpHandler"],
] as const;

/** An import map that has a module with the commit in the place of lib/commit.ts. */
async function replaceCommit(directory: string, commit: string | undefined): Promise<string> {
  const [module, importMap] = [join(directory, "commit.js"), join(directory, "import_map.json")];
  await Deno.writeTextFile(module, `export const commit = ${JSON.stringify(commit)};\n`);
  const imports = {
    [pathToFileURL(join(root, "lib/commit.ts")).href]: pathToFileURL(module).href,
  };
  await Deno.writeTextFile(importMap, JSON.stringify({ imports }));
  return importMap;
}

/**
 * The SDK is in one piece, in which its own parts find each other, and for itself, so that nothing
 * of llama is there twice.
 */
async function bundleSdk(directory: string): Promise<string> {
  const [source, made] = [join(directory, "sdk.ts"), join(directory, "sdk.js")];
  const exports = sdk.map(([name, taken]) => `export { ${taken} } from "${name}";\n`);
  await Deno.writeTextFile(source, exports.join(""));
  await bundle([source], ["--output", made]);
  // CommonJS, which is in it, asks for Node's modules by a `require` that is not there.
  return 'import { createRequire } from "node:module";\n' +
    "const require = createRequire(import.meta.url);\n" +
    await Deno.readTextFile(made);
}

/**
 * What a program loads when it starts; the rest of its bundle is loaded on demand.
 *
 * @param main The file that is started.
 * @returns Its path, and those of what it imports.
 */
export async function startFiles(main: string): Promise<string[]> {
  const paths = new Set([main]);
  // The set grows meanwhile, and what was added is visited too.
  for (const path of paths) {
    const text = await Deno.readTextFile(path);
    for (const [, name = ""] of text.matchAll(/(?:from|import)"\.\/([\w-]+\.js)"/g)) {
      paths.add(join(dirname(main), name));
    }
  }
  return [...paths];
}

/**
 * What the runtime loads in all for a job whose files are small; S3 takes more.
 *
 * @param directory Its bundle's directory.
 * @returns The files' paths.
 * @throws {Error} If the bundle has no part that runs invocations.
 */
export async function jobFiles(directory: string): Promise<string[]> {
  const invocation = [...Deno.readDirSync(directory)]
    .find(({ name }) => name.startsWith("invocation-"));
  if (!invocation) throw new Error(`${directory} has no part that runs invocations`);
  const parts = [await startFiles(join(directory, "bootstrap.js"))];
  parts.push(await startFiles(join(directory, invocation.name)));
  return [...new Set(parts.flat())];
}

async function writeBundle(directory: string, files: ReadonlyMap<string, string>): Promise<void> {
  for (const [name, text] of files) {
    const path = join(directory, name);
    await Deno.writeTextFile(path, text);
    // A compiled program has the times of its files in it, and is to be the same each time.
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
 * Takes what the bundler made, side by side and under names that it did not choose: it names a chunk
 * after a hash of where its sources lie, and the same sources shall give the same bundle. They are
 * numbered in the order in which they are first named.
 */
async function collect(
  directory: string,
  mains: readonly (readonly [made: string, name: string])[],
): Promise<Map<string, string>> {
  const names = new Map(mains);
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

function replaceOnce(files: Map<string, string>, text: string, other: string): void {
  const found = [...files].filter(([, contents]) => contents.includes(text));
  const [[name, contents] = ["", ""]] = found;
  if (found.length !== 1 || contents.indexOf(text) !== contents.lastIndexOf(text)) {
    throw new Error(`the bundle names ${text} in ${found.length} places, not in one`);
  }
  files.set(name, contents.replace(text, other));
}
