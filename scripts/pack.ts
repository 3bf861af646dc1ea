/**
 * Packs the programs in `dist/` for a release into `dist/release/`: an archive of llama per target,
 * a zip of the runtime's layer per architecture, and their checksums.
 *
 * @module
 */

import { join } from "node:path";
import { zipOf } from "../lib/deploy/zip_writer.ts";
import { messageOf } from "../lib/errors.ts";
import { removeIfThere } from "../lib/files/whole.ts";
import { sha256 } from "../lib/files/hash.ts";
import { allTargets, dist } from "./compile.ts";

if (import.meta.main) Deno.exit(await main());

async function main(): Promise<number> {
  try {
    const folder = join(dist, "release");
    await removeIfThere(folder);
    await Deno.mkdir(folder);
    for (const target of allTargets) {
      await packLlama(target, folder);
      const [, architecture] = /^linux-(.*)$/.exec(target) ?? [];
      if (architecture !== undefined) await packRuntime(architecture, folder);
    }
    await writeChecksums(folder);
    return 0;
  } catch (error) {
    console.error(`pack: ${messageOf(error)}`);
    return 1;
  }
}

/** Packs llama into an archive, in which it has its short name and is executable. */
async function packLlama(target: string, folder: string): Promise<void> {
  const staging = await Deno.makeTempDir({ dir: folder });
  await Deno.copyFile(join(dist, `llama-${target}`), join(staging, "llama"));
  await Deno.chmod(join(staging, "llama"), 0o755);
  const archive = join(folder, `llama-${target}.tar.gz`);
  const { success, stderr } = await new Deno.Command("tar", {
    args: ["-C", staging, "-czf", archive, "llama"],
  }).output();
  if (!success) throw new Error(`tar: ${new TextDecoder().decode(stderr)}`);
  await removeIfThere(staging);
}

async function packRuntime(architecture: string, folder: string): Promise<void> {
  const bytes = await Deno.readFile(join(dist, `bootstrap-linux-${architecture}`));
  const zip = zipOf([{ name: "bootstrap", bytes, mode: 0o755 }]);
  await Deno.writeFile(join(folder, `llama-runtime-${architecture}.zip`), zip);
}

/** Writes checksums in the format of `sha256sum --check`. */
async function writeChecksums(folder: string): Promise<void> {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  const lines = names.map((name) => `${sha256(Deno.readFileSync(join(folder, name)))}  ${name}\n`);
  await Deno.writeTextFile(join(folder, "SHA256SUMS"), lines.join(""));
  console.error(lines.join("").trimEnd());
}
