/**
 * Writes outputs to where they may go on this machine, with the right mode.
 *
 * @module
 */

import { basename, dirname, resolve } from "node:path";
import { LlamaError } from "../errors.ts";
import { leadsInside, staysInside } from "../files/links.ts";
import {
  createWhole,
  isTemporaryName,
  removeIfThere,
  removeLeftovers,
  temporaryName,
  umask,
  writeInPlace,
  writeWhole,
} from "../files/whole.ts";
import { chmod, isProbablyNew, lstat, makeDirectories } from "../files/quick.ts";
import { OpenDirectory } from "../system/open_directory.ts";

/** A file's contents and mode. */
export interface Writing {
  /** Writes the contents into a new file. */
  readonly fill: (path: string) => Promise<void>;
  /** Writes the contents to a device or a pipe. */
  readonly pour: (path: string) => Promise<void>;
  /** The file's permission bits in the job's directory. */
  readonly mode: number;
}

/**
 * Writes a file whose name the user has chosen. Links are followed as by a shell's `>`: the target of
 * a broken one is created. Devices and pipes are written to.
 *
 * @param path The file.
 * @param writing Its contents and mode.
 * @throws {LlamaError} `output` if the path is a directory, or a link into a directory that does
 * not exist.
 * @throws What the file system throws.
 */
export async function writeNamedFile(path: string, { fill, pour, mode }: Writing): Promise<void> {
  if (await isProbablyNew(path) && await createWhole(path, fill, mode)) return;
  const { target, existing } = await followLinks(path);
  if (existing === undefined) return await writeWhole(target, fill, mode);
  if (existing.isDirectory) throw isADirectory();
  // A rename would replace the device or pipe.
  if (!existing.isFile || isDescriptor(path)) return await pour(target);
  if (isOthers(existing)) {
    await checkWritable(async () => (await Deno.open(target, { write: true })).close());
  }
  await removeLeftovers(dirname(target));
  await writeInPlace(target, fill, (file) => chmod(file, modeOver(existing, mode)));
}

/**
 * A directory of outputs whose names the function chooses. Nothing outside of it is written, and
 * nothing through a link; no link is created that leads out of it.
 */
export class OutputDirectory implements Disposable {
  readonly #path: string;
  readonly #top: OpenDirectory;

  private constructor(path: string, top: OpenDirectory) {
    this.#path = path;
    this.#top = top;
  }

  /**
   * Opens a directory, and creates it if it is missing.
   * @throws {LlamaError} `output` if a file has its name.
   * @throws What the file system throws.
   */
  static async open(path: string): Promise<OutputDirectory> {
    try {
      await makeDirectories(path);
    } catch (cause) {
      if (!(cause instanceof Deno.errors.AlreadyExists)) throw cause;
      throw new LlamaError("output", "a file has the name of its directory", { cause });
    }
    return new OutputDirectory(path, OpenDirectory.open(path));
  }

  /**
   * Writes a file.
   *
   * @param path The file's path in the directory, without empty, `.` or `..` components.
   * @param writing Its contents and mode.
   * @throws {LlamaError} `output` if a link or anything but a regular file is in the way.
   * @throws What the file system throws.
   */
  async write(path: string, { fill, mode }: Writing): Promise<void> {
    using inner = new Descent(this.#top);
    const { components, name } = inner.enterParent(path);
    const existing = await lookAt(inner.directory.at(name));
    if (existing?.isSymlink) throw isALink(name);
    if (existing?.isDirectory) throw isADirectory();
    if (existing && !existing.isFile) {
      throw new LlamaError("output", "is not a regular file", { hint: nameItHint });
    }
    const target = inner.directory.at(name);
    if (existing && isOthers(existing)) {
      await checkWritable(() => inner.directory.checkWritable(name));
    }
    await removeLeftovers(
      resolve(this.#path, ...components),
      inner.directory.at("."),
    );
    const finalMode = existing ? modeOver(existing, mode) : mode & ~umask();
    await writeInPlace(target, fill, (file) => {
      inner.directory.chmod(file.slice(file.lastIndexOf("/") + 1), finalMode);
      return Promise.resolve();
    });
  }

  /**
   * Creates a symbolic link. One of the same name is replaced if it stays inside the directory, too.
   *
   * @param path As for {@linkcode write}.
   * @param target The link's target.
   * @throws {LlamaError} `output` if the link leads out of the directory, or anything else is in the
   * way.
   * @throws What the file system throws.
   */
  async link(path: string, target: string): Promise<void> {
    if (!staysInside(path, target)) throw leadsOut();
    using inner = new Descent(this.#top);
    const { name } = inner.enterParent(path);
    const at = inner.directory.at(name);
    const existing = await lookAt(at);
    if (existing?.isSymlink) {
      const before = await Deno.readLink(at);
      if (before === target) return;
      // One that the user has put there.
      if (!staysInside(path, before)) throw isALink(name);
    } else if (existing) {
      throw new LlamaError("output", `${JSON.stringify(name)} is not a symbolic link`, {
        hint: "remove it, or fetch the files into another directory",
      });
    }
    // There may be a link of the user's that leads elsewhere.
    if (!leadsInside(this.#top.at("."), path, target)) throw leadsOut();
    const temporary = temporaryName(at);
    await Deno.symlink(target, temporary);
    try {
      await Deno.rename(temporary, at);
    } catch (error) {
      await removeIfThere(temporary);
      throw error;
    }
  }

  /**
   * Creates a directory, if it is missing.
   *
   * @param path As for {@linkcode write}.
   * @throws {LlamaError} `output` if a link or a file is in the way.
   * @throws What the file system throws.
   */
  makeDirectory(path: string): void {
    using inner = new Descent(this.#top);
    inner.enter(inner.enterParent(path).name);
  }

  [Symbol.dispose](): void {
    this.#top[Symbol.dispose]();
  }
}

/** Descends from directory to directory, and keeps only the last one open. */
class Descent implements Disposable {
  directory: OpenDirectory;
  readonly #top: OpenDirectory;

  constructor(top: OpenDirectory) {
    this.directory = this.#top = top;
  }

  /** Enters the directory of a path, and returns the path's components. */
  enterParent(path: string): { components: string[]; name: string } {
    const components = path.split("/");
    // A later run would take it for a leftover of a dead run, and remove it.
    if (components.some(isTemporaryName)) {
      throw new LlamaError("output", "its name is reserved for unfinished files", {
        hint: "have the command give the file another name",
      });
    }
    const name = components.pop() ?? "";
    for (const component of components) this.enter(component);
    return { components, name };
  }

  enter(name: string): void {
    let next;
    try {
      next = this.directory.enter(name);
    } catch (error) {
      if (error instanceof Deno.errors.NotADirectory) throw notADirectory(this.directory, name);
      throw error;
    }
    this[Symbol.dispose]();
    this.directory = next;
  }

  [Symbol.dispose](): void {
    if (this.directory !== this.#top) this.directory[Symbol.dispose]();
  }
}

/** Linux's limit. */
const maxLinks = 40;

/** Returns a path's target, and the existing file, if any. */
async function followLinks(
  path: string,
): Promise<{ target: string; existing: Deno.FileInfo | undefined }> {
  const info = await lookAt(path);
  if (!info?.isSymlink) return { target: path, existing: info };
  try {
    const existing = await Deno.stat(path);
    // Only the kernel can follow a link to a descriptor: a pipe has no path.
    const isReal = existing.isFile && !isDescriptor(path);
    return { target: isReal ? await Deno.realPath(path) : path, existing };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  let target = path;
  for (let links = 0; links < maxLinks; links++) {
    target = `${await directoryOf(target)}/${basename(target)}`;
    if (!(await lookAt(target))?.isSymlink) return { target, existing: undefined };
    const next = await Deno.readLink(target);
    // Not normalized: only the kernel can resolve "link/..".
    target = next.startsWith("/") ? next : `${dirname(target)}/${next}`;
  }
  throw new Deno.errors.FilesystemLoop();
}

/**
 * Whether a path names an open descriptor, such as /dev/stdout or a shell's >(...). Then the open file
 * is meant, not a new one of the same name.
 *
 * @returns True also for other devices, which are in the same directories.
 */
export function isDescriptor(path: string): boolean {
  return /^\/(dev|proc)\//.test(resolve(path));
}

/** Returns the real directory of a link's target. It is not created: its disk may not be mounted. */
async function directoryOf(target: string): Promise<string> {
  try {
    return await Deno.realPath(dirname(target));
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new LlamaError(
      "output",
      `it is a link to ${JSON.stringify(target)}, whose directory does not exist`,
      { cause, hint: "create that directory, or remove the link" },
    );
  }
}

async function lookAt(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Reports whether another user owns a file. A rename needs write permission only for the directory;
 * cp needs it for the file, so it is checked.
 */
function isOthers({ uid }: Deno.FileInfo): boolean {
  return uid !== null && uid !== Deno.uid();
}

async function checkWritable(open: () => Promise<void> | void): Promise<void> {
  try {
    await open();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.PermissionDenied)) throw cause;
    throw new LlamaError("output", "permission denied", {
      cause,
      hint: "the file belongs to another user: remove it, or choose another name",
    });
  }
}

/**
 * Returns the mode of a file that replaces another one: read and write bits stay, executable bits come
 * from the job's file.
 */
function modeOver({ mode }: Deno.FileInfo, jobMode: number): number {
  return mode === null ? jobMode & ~umask() : mode & 0o666 | jobMode & 0o111 & ~umask();
}

const nameItHint = "remove it, or name the file itself with -o LOCAL:REMOTE";

function isALink(name: string): LlamaError {
  return new LlamaError("output", `${JSON.stringify(name)} is a symbolic link`, {
    hint: nameItHint,
  });
}

function leadsOut(): LlamaError {
  return new LlamaError("output", "its link leads out of the requested directory");
}

function isADirectory(): LlamaError {
  return new LlamaError("output", "is a directory", {
    hint: "name a file; to fetch a directory, end its path in /",
  });
}

function notADirectory(parent: OpenDirectory, name: string): LlamaError {
  return Deno.lstatSync(parent.at(name)).isSymlink
    ? isALink(name)
    : new LlamaError("output", `${JSON.stringify(name)} is not a directory`, {
      hint: "remove it, or fetch the files into another directory",
    });
}
