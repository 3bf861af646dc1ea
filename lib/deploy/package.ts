/**
 * The zip of a function: from a folder or a file, and checked against what Lambda would refuse only
 * once it runs.
 *
 * @module
 */

import { join } from "node:path";
import type { Architecture } from "../aws/lambda_function.ts";
import { closest } from "../closest.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import { type FunctionDefinition, parseFunctionJson } from "../function_json.ts";
import { listDirectory, notUtf8 } from "../system/list.ts";
import { printableLine } from "../text/printable.ts";
import { programKind } from "./program.ts";
import { type ZipEntry, zipOf } from "./zip.ts";
import { type ZipMember, zipMembers } from "./zip_directory.ts";

/** What a function is made from. */
export interface Package {
  /** Where it is from, for messages. */
  readonly from: string;
  /** The archive. */
  readonly zip: Uint8Array;
  /** What is in it. */
  readonly members: readonly ZipMember[];
  /** What the `function.json` of the folder says; undefined where there is none. */
  readonly definition: FunctionDefinition | undefined;
}

/** The file that describes a function, and is no part of it. */
const descriptionName = "function.json";

/**
 * The most bytes of a function's unpacked files, its layers included.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
const maxUnpackedBytes = 250 * 1024 * 1024;

/**
 * Reads a function's zip, or makes it from a folder.
 *
 * @param path A zip file, or a folder with what belongs into it.
 * @param name The function's name, for a folder whose `function.json` has none.
 * @returns The archive; the same for the same files.
 * @throws {LlamaError} `input` if it cannot be read, `too-large` if Lambda would not take it,
 * `config` if its `function.json` is wrong.
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
  if (entries.length === 0) throw new LlamaError("input", `${path} has nothing to put into a zip`);
  const zip = zipOf(entries);
  const definition = await readDefinition(path, name);
  return { from: path, zip, members: zipMembers(zip, path), definition };
}

/**
 * Reads the `function.json` of a folder.
 *
 * @param folder The folder.
 * @param name The function's name, where the file has none.
 * @returns What it says, or undefined if there is none.
 * @throws {LlamaError} `config` if it is wrong, `input` if it cannot be read.
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

/** Reads all that is in a folder; links are followed. */
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
          hint: "leave it out of the function's folder",
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
 * Lambda runs a function as a user other than the files' owner, so everyone needs what the owner has: https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html
 */
function readableMode(mode: number): number {
  return (mode & 0o777) | 0o444 | ((mode & 0o100) === 0 ? 0 : 0o111);
}

const [typeBits, directoryType, linkType] = [0o170000, 0o040000, 0o120000];

/**
 * Checks that Lambda's user may read the files of a zip, and execute those that their owner may.
 *
 * @param members What is in it.
 * @param from Where it is from, for messages.
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
  const more = closed.length === 1 ? "" : `, and ${closed.length - 1} more like it`;
  const octal = ((first.mode ?? 0) & 0o777).toString(8).padStart(4, "0");
  throw new LlamaError(
    "config",
    `${from}: ${first.name} has mode ${octal}, so that Lambda's user cannot ` +
      `${(first.mode ?? 0) & 0o004 ? "execute" : "read"} it${more}`,
    { hint: "run `chmod -R a+rX` on the folder and make the zip again, or name the folder" },
  );
}

function tooLarge(from: string): LlamaError {
  return new LlamaError(
    "too-large",
    `${from} is more than ${maxUnpackedBytes / 1024 / 1024} MB unpacked; Lambda takes no more`,
    { hint: "put what is big into a container image: llama update-function -build DIR" },
  );
}

/**
 * Checks a function's zip: that Lambda takes its size, that its files may be read, and that its
 * handler is there, may be executed, and is made for the function's processor.
 *
 * @param source The archive.
 * @param handler The function's handler.
 * @param architecture The function's processor.
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
    throw new LlamaError("config", `the handler ${handler} of ${from} is not executable`, {
      hint: member.mode === undefined
        ? "the zip has no Unix modes: make it on Linux or macOS, or name its folder"
        : `chmod +x ${handler}, and make the zip again`,
    });
  }
  for (const program of [member, ...members.filter(({ name }) => name === "bootstrap")]) {
    const kind = programKind(program.read());
    if (kind === undefined || kind === architecture) continue;
    throw new LlamaError(
      "config",
      `${program.name} of ${from} is made for ${kind}, and the function for ${architecture}`,
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
      : `it has ${files.slice(0, 5).join(", ")}${files.length > 5 ? ", ..." : ""}`,
  });
}
