/**
 * The files of an image while they are gathered: each at its own absolute path, with all that leads
 * to it.
 *
 * @module
 */

import { dirname, isAbsolute } from "node:path";
import { LlamaError, reasonOf } from "../errors.ts";
import { listDirectory, type ListedEntry } from "../system/list.ts";
import type { LayerEntry } from "./entry.ts";

/** Which layer an entry goes into. */
export type LayerName = "runtime" | "packages" | "programs";

/** An entry of an image. */
export interface ImageEntry extends LayerEntry {
  /** Why it is there. */
  readonly reason: string;
  /** Its layer. */
  readonly layer: LayerName;
}

/** How a path is added. */
export interface AddOptions {
  /** Why it is there. */
  readonly reason: string;
  /** Its layer. */
  readonly layer: LayerName;
  /** Keep the time of its last change, which something compares. @default {false} */
  readonly keepsTime?: boolean;
  /** Take it along although others may not read it. @default {false} */
  readonly isNamed?: boolean;
  /** Add what a link at the end of the path leads to. @default {true} */
  readonly follows?: boolean;
}

/** What was not taken along, and why. */
export interface LeftOut {
  /** The absolute path. */
  readonly path: string;
  /** Why not. */
  readonly reason: string;
  /** The layer that it would have gone into. */
  readonly layer: LayerName;
}

/** Linux follows no more links than these in one path. */
const maxLinks = 40;

/** Gathers entries. */
export class Tree {
  readonly #entries = new Map<string, ImageEntry>();
  readonly #leftOut = new Map<string, LeftOut>();
  readonly #isExcluded: (path: string) => boolean;

  /** @param isExcluded Tells paths that the user does not want. */
  constructor(isExcluded: (path: string) => boolean = () => false) {
    this.#isExcluded = isExcluded;
  }

  /** The entries so far. */
  get entries(): readonly ImageEntry[] {
    return [...this.#entries.values()];
  }

  /** What was not taken along. */
  get leftOut(): readonly LeftOut[] {
    return [...this.#leftOut.values()];
  }

  /**
   * Returns the entry at a path, without following links.
   *
   * @param path An absolute path.
   */
  get(path: string): ImageEntry | undefined {
    return this.#entries.get(path);
  }

  /**
   * Adds an entry as given, or replaces the one at its path.
   *
   * @param entry The entry.
   */
  set(entry: ImageEntry): void {
    this.#entries.set(entry.path, entry);
  }

  /**
   * Adds what is at a path, with the directories and links that lead to it. A directory's contents
   * are not added.
   *
   * @param path An absolute path.
   * @param options Why, and how.
   * @returns Where the path leads in the end; undefined if it was left out.
   * @throws {LlamaError} `usage` if it is not there or cannot be looked at.
   */
  add(path: string, options: AddOptions): string | undefined {
    return this.#add(path, options, maxLinks);
  }

  /**
   * Adds a directory with all that is in it. Links that lead out of it bring along what they lead to.
   *
   * @param directory An absolute path.
   * @param options Why, and how.
   * @param onFile Called with the path of each file, and of each link's target.
   * @throws {LlamaError} `usage` if something cannot be read.
   */
  addAll(directory: string, options: AddOptions, onFile: (path: string) => void = () => {}): void {
    this.#addAll(directory, options, onFile, new Set());
  }

  /** Directories that were seen are not entered again, whatever links lead to them. */
  #addAll(
    directory: string,
    options: AddOptions,
    onFile: (path: string) => void,
    seen: Set<string>,
  ): void {
    const real = this.add(directory, options);
    if (real === undefined || seen.has(real)) return;
    seen.add(real);
    const own = { ...options, isNamed: false };
    for (const entry of read(real)) {
      const path = `${real}/${entry.name ?? entry.shown}`;
      if (entry.name === undefined) {
        this.#leaveOut(path, "its name is not UTF-8", options);
        continue;
      }
      const kind = entry.kind === "link" ? kindOf(path) : entry.kind;
      if (kind === "directory") {
        this.#addAll(path, own, onFile, seen);
        continue;
      }
      // A link that leads nowhere does so here, too.
      if (kind === undefined) {
        this.#leaveOut(path, "the link's target does not exist", options);
      }
      const end = this.add(path, { ...own, follows: kind !== undefined });
      if (end !== undefined && kind !== undefined) onFile(end);
    }
  }

  #add(path: string, options: AddOptions, links: number): string | undefined {
    if (links === 0) throw cannotRead(path, "too many levels of symbolic links");
    const parts = path.split("/").filter((part) => part !== "" && part !== ".");
    // Free of links at each step, so that ".." means the directory above.
    let current = "";
    for (const [index, part] of parts.entries()) {
      if (part === "..") {
        current = current.replace(/\/[^/]*$/, "");
        continue;
      }
      current += `/${part}`;
      const isLast = index === parts.length - 1;
      const info = look(current);
      if (info.isSymlink) {
        const target = readLink(current);
        if (!this.#keep(current, options)) return undefined;
        this.#put(current, options, { kind: "link", mode: 0o777, size: 0, target }, info);
        if (isLast && options.follows === false) return current;
        if (kindOf(current) === undefined) {
          throw new LlamaError(
            "usage",
            `${JSON.stringify(current)} is a symbolic link to ${JSON.stringify(target)}, ` +
              "which is not there",
          );
        }
        const rest = [isAbsolute(target) ? target : `${dirname(current)}/${target}`]
          .concat(parts.slice(index + 1));
        return this.#add(rest.join("/"), options, links - 1);
      }
      if (info.isDirectory) {
        if (isLast && !this.#keep(current, options)) return undefined;
        this.#put(current, options, { kind: "directory", mode: 0o755, size: 0 }, info);
      } else if (!isLast) {
        throw cannotRead(path, "not a directory");
      } else {
        return this.#addFile(current, options, info);
      }
    }
    return current;
  }

  #addFile(path: string, options: AddOptions, info: Deno.FileInfo): string | undefined {
    const mode = (info.mode ?? 0) & 0o777;
    if (!this.#keep(path, options)) return undefined;
    if (!info.isFile) return this.#leaveOut(path, "neither a file nor a directory", options);
    if ((mode & 0o004) === 0 && !options.isNamed) {
      return this.#leaveOut(path, "private: others may not read it", options);
    }
    const isProgram = (mode & 0o111) !== 0;
    const entry = {
      kind: "file",
      mode: mode | (isProgram ? 0o555 : 0o444),
      size: info.size,
      source: path,
    } as const;
    this.#put(path, options, entry, info);
    return path;
  }

  #keep(path: string, options: AddOptions): boolean {
    if (!this.#isExcluded(path) || options.isNamed) return true;
    this.#leaveOut(path, "excluded", options);
    return false;
  }

  #leaveOut(path: string, reason: string, { layer }: AddOptions): undefined {
    this.#leftOut.set(path, { path, reason, layer });
  }

  /**
   * The first reason counts. A file of a package is in the packages' layer even where a program led to
   * it first, so that functions of the same packages share that layer.
   */
  #put(
    path: string,
    { reason, layer, keepsTime = false }: AddOptions,
    entry: Omit<LayerEntry, "path" | "mtimeSeconds">,
    info: Deno.FileInfo,
  ): void {
    const before = this.#entries.get(path);
    if (before !== undefined && !(before.layer === "programs" && layer === "packages")) return;
    // A directory's time changes with every package that is installed into it.
    const mtimeSeconds = keepsTime && entry.kind === "file"
      ? Math.floor((info.mtime?.getTime() ?? 0) / 1000)
      : 0;
    this.#entries.set(path, {
      ...{ path, ...entry, mtimeSeconds },
      ...{ reason: before?.reason ?? reason, layer },
    });
  }
}

/** What a path leads to in the end; undefined where there is nothing. */
function kindOf(path: string): "directory" | "file" | undefined {
  try {
    return Deno.statSync(path).isDirectory ? "directory" : "file";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw cannotRead(path, reasonOf(error), error);
  }
}

function look(path: string): Deno.FileInfo {
  try {
    return Deno.lstatSync(path);
  } catch (cause) {
    throw cannotRead(path, reasonOf(cause), cause);
  }
}

function readLink(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch (cause) {
    throw cannotRead(path, reasonOf(cause), cause);
  }
}

function read(directory: string): ListedEntry[] {
  try {
    return listDirectory(directory);
  } catch (cause) {
    throw cannotRead(directory, reasonOf(cause), cause);
  }
}

function cannotRead(path: string, reason: string, cause?: unknown): LlamaError {
  return new LlamaError("usage", `cannot read ${JSON.stringify(path)}: ${reason}`, { cause });
}
