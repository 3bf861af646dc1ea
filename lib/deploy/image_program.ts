/**
 * Checks the programs that a Dockerfile copies into an image before it is built.
 *
 * @module
 */

import { basename, posix } from "node:path";
import type { Architecture } from "../functions/architecture.ts";
import { LlamaError } from "../errors.ts";
import { programKind } from "./executable.ts";

/**
 * Checks that the programs that an image starts are built for the function's architecture and may be
 * executed by Lambda's user, as far as they are files in the folder: a build copies them unchanged,
 * whatever their platform and mode.
 *
 * @param folder The folder with the `Dockerfile`.
 * @param architecture The function's architecture.
 * @param command The function's own command, which replaces the image's.
 * @throws {LlamaError} `config`, naming the program.
 */
export async function checkImagePrograms(
  folder: string,
  architecture: Architecture,
  command: readonly string[] = [],
): Promise<void> {
  const dockerfile = await Deno.readTextFile(`${folder}/Dockerfile`);
  for (const { source, target, changesMode } of startedFiles(dockerfile, command)) {
    await checkMode(folder, source, changesMode);
    const kind = programKind(await firstBytes(`${folder}/${source}`));
    if (kind === undefined || kind === architecture) continue;
    throw new LlamaError(
      "config",
      `${source} in ${folder} is built for ${kind}, and the function for ${architecture}; ` +
        `the image would start it as ${target}`,
      {
        hint: kind === "x86_64" || kind === "arm64"
          ? `add -arch ${kind}, or copy the program for ${architecture}`
          : `copy the program for Linux on ${architecture}`,
      },
    );
  }
}

/** Returns the files in the folder that the last stage of a Dockerfile both copies and starts. */
function startedFiles(
  dockerfile: string,
  [program]: readonly string[],
): { source: string; target: string; changesMode: boolean }[] {
  const lines = dockerfile.replace(/^\s*#.*\n/gm, "").replace(/\\\r?\n/g, " ").split(/\r?\n/);
  const stage = lines.slice(lines.findLastIndex((line) => /^\s*FROM\s/i.test(line)) + 1);
  const named = stage.map((line) => /^\s*(?:ENTRYPOINT|CMD)\s+\[\s*"(\/[^"]*)"/i.exec(line)?.[1]);
  const started = [program, ...named];
  return stage.flatMap((line) => {
    const [, words = ""] = /^\s*(?:COPY|ADD)\s+(.*)$/i.exec(line) ?? [];
    const [source, to, ...more] = words.trim().split(/\s+/).filter((word) => !/^--ch/.test(word));
    if (source === undefined || to === undefined || more.length > 0) return [];
    // Copies from another stage, with variables or of several files are left to the build.
    if (/^--|[$*?[\]"]|:\/\//.test(source + to)) return [];
    const target = posix.normalize(to.endsWith("/") ? to + basename(source) : to);
    const changesMode = stage.some((line) => /\bchmod\b/.test(line));
    return started.includes(target) ? [{ source, target, changesMode }] : [];
  });
}

async function checkMode(folder: string, source: string, isChanged: boolean): Promise<void> {
  const { mode } = await Deno.stat(`${folder}/${source}`).catch(() => ({ mode: null }));
  // A file that its owner cannot execute may be an argument: ENTRYPOINT ["/bin/sh"], CMD ["/run"].
  if (mode === null || isChanged || (mode & 0o100) === 0 || (mode & 0o005) === 0o005) return;
  const octal = (mode & 0o777).toString(8).padStart(4, "0");
  throw new LlamaError(
    "config",
    `${source} in ${folder} has mode ${octal}, so Lambda's user cannot execute it in the image`,
    { hint: `run \`chmod a+rx ${source}\` in the folder, or write COPY --chmod=755` },
  );
}

/** Returns the first bytes of a file, or none if it cannot be read; the build reports that. */
async function firstBytes(path: string): Promise<Uint8Array> {
  try {
    using file = await Deno.open(path);
    const bytes = new Uint8Array(64);
    return bytes.subarray(0, await file.read(bytes) ?? 0);
  } catch {
    return new Uint8Array();
  }
}
