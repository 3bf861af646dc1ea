/**
 * Reads or creates a function's zip, and checks it for errors that Lambda would only report at run
 * time.
 *
 * @module
 */

import { join } from "node:path";
import type { Architecture } from "../functions/architecture.ts";
import { closest } from "../text/closest.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import { type FunctionDefinition, parseFunctionJson } from "../functions/definition.ts";
import { listDirectory, notUtf8 } from "../system/list.ts";
import { printableLine } from "../text/printable.ts";
import { programKind } from "./executable.ts";
import { type ZipEntry, zipOf } from "./zip_writer.ts";
import { type ZipMember, zipMembers } from "./zip_reader.ts";

/** The code of a zip function. */
export interface Package {
  /** Its path, for messages. */
  readonly from: string;
  /** The archive. */
  readonly zip: Uint8Array;
  /** Its contents. */
  readonly members: readonly ZipMember[];
  /** The folder's `function.json`; undefined if there is none. */
  readonly definition: FunctionDefinition | undefined;
}

/** The file that describes a function; it is not part of the zip. */
const descriptionName = "function.json";

/**
 * The size limit of a function's unpacked files, including its layers.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
const maxUnpackedBytes = 250 * 1024 * 1024;

/**
 * Reads a function's zip, or creates it from a folder.
 *
 * @param path A zip file, or a folder to zip.
 * @param name The function's name, for a folder whose `function.json` has none.
 * @returns The archive; the same files give the same archive.
 * @throws {LlamaError} `input` if it cannot be read, `too-large` if it exceeds Lambda's limit,
 * `config` if its `function.json` is invalid.
 */
export async function readPackage(path: string, name: string): Promise<Package> {
  let info;
  try {
    info = await Deno.stat(path);
  } catch (cause) {
    throw new LlamaError("input", `cannot read ${path}: ${reasonOf(cause)}`, { cause });
  }
  if (!info.isDirectory) {
    const zip = await readFile(path);
    return { from: path, zip, members: zipMembers(zip, path), definition: undefined };
  }
  const entries = await readFolder(path);
  if (entries.length === 0) throw new LlamaError("input", `${path} has no files to zip`);
  const zip = zipOf(entries);
  const definition = await readDefinition(path, name);
  return { from: path, zip, members: zipMembers(zip, path), definition };
}

/**
 * Reads the `function.json` of a folder.
 *
 * @param folder The folder.
 * @param name The function's name, if the file has none.
 * @returns The definition, or undefined if there is no such file.
 * @throws {LlamaError} `config` if it is invalid, `input` if it cannot be read.
 */
export async function readDefinition(
  folder: string,
  name: string,
): Promise<FunctionDefinition | undefined> {
  const path = join(folder, descriptionName);
  let json;
  try {
    json = await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw new LlamaError("input", `cannot read ${path}: ${reasonOf(cause)}`, { cause });
  }
  return parseFunctionJson(json, path, name);
}

async function readFile(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    throw new LlamaError("input", `cannot read ${path}: ${reasonOf(cause)}`, { cause });
  }
}

/** Reads all files in a folder, following links. */
async function readFolder(folder: string): Promise<ZipEntry[]> {
  const entries: ZipEntry[] = [];
  let total = 0;
  const unnamed: string[] = [];
  const walk = async (below: string): Promise<void> => {
    for (const { name, shown } of listDirectory(join(folder, below))) {
      if (name === undefined) {
        unnamed.push(`${printableLine(join(folder, below))}/${shown}`);
        continue;
      }
      const inside = below === "" ? name : `${below}/${name}`;
      if (inside === descriptionName) continue;
      const path = join(folder, inside);
      const info = await Deno.stat(path);
      if (info.isDirectory) {
        await walk(inside);
        continue;
      }
      if (!info.isFile) {
        throw new LlamaError("input", `${path} is neither a file nor a directory`, {
          hint: "remove it from the function's folder",
        });
      }
      total += info.size;
      if (total > maxUnpackedBytes) throw tooLarge(folder);
      entries.push({
        name: inside,
        bytes: await readFile(path),
        mode: readableMode(info.mode ?? 0o755),
      });
    }
  };
  try {
    await walk("");
  } catch (cause) {
    if (cause instanceof LlamaError) throw cause;
    throw new LlamaError("input", `cannot read ${folder}: ${reasonOf(cause)}`, { cause });
  }
  if (unnamed.length > 0) {
    throw new LlamaError("input", `cannot package ${notUtf8(unnamed)}`, {
      hint: "rename what is not UTF-8, or leave it out of the function's folder",
    });
  }
  return entries;
}

/**
 * Gives everyone the owner's read and execute permissions, because Lambda runs a function as another
 * user: https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html
 */
function readableMode(mode: number): number {
  return (mode & 0o777) | 0o444 | ((mode & 0o100) === 0 ? 0 : 0o111);
}

const [typeBits, directoryType, linkType] = [0o170000, 0o040000, 0o120000];

/**
 * Checks that Lambda's user may read the files in a zip, and execute those that their owner may
 * execute.
 *
 * @param members The zip's contents.
 * @param from The zip's path, for messages.
 * @throws {LlamaError} `config`, naming the first file that fails.
 */
export function checkModes(members: readonly ZipMember[], from: string): void {
  const closed = members.filter(({ name, mode = 0 }) => {
    // Files without Unix modes are unpacked readable, and links have no mode of their own.
    if (mode === 0 || (mode & typeBits) === linkType) return false;
    const isDirectory = (mode & typeBits) === directoryType || name.endsWith("/");
    const needed = 0o004 | (isDirectory || (mode & 0o100) !== 0 ? 0o001 : 0);
    return (mode & needed) !== needed;
  });
  const [first] = closed;
  if (!first) return;
  const more = closed.length === 1 ? "" : `; so do ${closed.length - 1} more`;
  const octal = ((first.mode ?? 0) & 0o777).toString(8).padStart(4, "0");
  throw new LlamaError(
    "config",
    `${from}: ${first.name} has mode ${octal}, so Lambda's user cannot ` +
      `${(first.mode ?? 0) & 0o004 ? "execute" : "read"} it${more}`,
    { hint: "run `chmod -R a+rX` on the folder and zip it again, or pass the folder" },
  );
}

function tooLarge(from: string): LlamaError {
  return new LlamaError(
    "too-large",
    `${from} exceeds Lambda's limit of ${maxUnpackedBytes / 1024 / 1024} MB unpacked`,
    { hint: "use a container image for large files: llama update-function -build DIR" },
  );
}

/**
 * Checks a function's zip: its size, its modes, and that its handler exists, may be executed, and is
 * built for the function's architecture.
 *
 * @param source The archive.
 * @param handler The function's handler.
 * @param architecture The function's architecture.
 * @throws {LlamaError} `input`, `config` or `too-large`.
 */
export function checkPackage(
  { from, members }: Package,
  handler: string,
  architecture: Architecture,
): void {
  if (members.reduce((sum, { bytes }) => sum + bytes, 0) > maxUnpackedBytes) throw tooLarge(from);
  const member = members.find(({ name }) => name === handler);
  if (!member) throw noHandler(from, handler, members);
  checkModes(members, from);
  if (((member.mode ?? 0) & 0o111) === 0) {
    throw new LlamaError("config", `the handler ${handler} in ${from} is not executable`, {
      hint: member.mode === undefined
        ? "the zip has no Unix modes: create it on Linux or macOS, or pass the folder"
        : `run \`chmod +x ${handler}\` and zip it again`,
    });
  }
  for (const program of [member, ...members.filter(({ name }) => name === "bootstrap")]) {
    const kind = programKind(program.read());
    if (kind === undefined || kind === architecture) continue;
    throw new LlamaError(
      "config",
      `${program.name} in ${from} is built for ${kind}, and the function for ${architecture}`,
      {
        hint: kind === "x86_64" || kind === "arm64"
          ? `add -arch ${kind}, or build the program for ${architecture}`
          : `build the program for Linux on ${architecture}`,
      },
    );
  }
}

function noHandler(from: string, handler: string, members: readonly ZipMember[]): LlamaError {
  const files = members.map(({ name }) => name).filter((name) => !name.endsWith("/"));
  const sameName = files.find((name) => name.endsWith(`/${handler}`));
  const near = sameName ?? closest(handler, files);
  return new LlamaError("config", `the handler ${handler} is not in ${from}`, {
    hint: near !== undefined
      ? `did you mean -handler ${near}?`
      : `it contains ${files.slice(0, 5).join(", ")}${files.length > 5 ? ", ..." : ""}`,
  });
}
