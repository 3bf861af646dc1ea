/**
 * The note of objects: which objects are in a store, and which files they were made from.
 *
 * @module
 */

import { ownDirectory } from "../files/own_directory.ts";
import { join, resolve } from "node:path";
import { type Environment, isOn } from "../environment.ts";
import { temporaryName } from "../files/whole.ts";
import { sha256 } from "../files/hash.ts";
import { readOwnFile } from "../files/own.ts";
import { stat } from "../files/quick.ts";

/** The maximum number of objects, and of files, that are remembered. */
const maxEntries = 16_384;

/** How long an entry is valid at most: 15 days. */
const maxAgeMilliseconds = 15 * 86_400_000;

/**
 * A file that was changed less than this long ago may change again without a new timestamp: some
 * file systems have timestamps of two seconds' resolution.
 */
const restMilliseconds = 3000;

/** The maximum size of a note that is read; llama writes smaller ones. */
const maxNoteBytes = 32 * 1024 * 1024;

/**
 * Returns the directory of notes.
 *
 * @param environment `LLAMA_DIR` names the directory; the default is `llama` in `XDG_CACHE_HOME` or
 * `~/.cache`. `LLAMA_OBJECT_NOTE=0` disables notes.
 * @returns The directory; undefined if there is none.
 */
export function noteDirectory(environment: Environment): string | undefined {
  return isOn(environment["LLAMA_OBJECT_NOTE"] || "1")
    ? ownDirectory(environment, "cache")
    : undefined;
}

/** An object in the store. */
interface Entry {
  /** When the entry expires, in the milliseconds of `Date.now()`. */
  readonly until: number;
  /** The size of what is stored, in bytes; noted only if it is compressed. */
  readonly size: number | undefined;
}

/**
 * The objects that are known to be in a store. With a directory, a note there tells later processes,
 * too: sending a file again then takes neither a request nor a hash.
 *
 * A note may be outdated, damaged or missing: a reader that misses an object reports it, and the
 * object is sent again. A note that other users could have written is ignored.
 */
export class KnownObjects {
  readonly #directory: string | undefined;
  readonly #address: () => Promise<string>;
  readonly #now: () => number;
  /** The objects by key: the id, with `.zst` if compressed. */
  #objects = new Map<string, Entry>();
  /** The ids of files, by {@linkcode fileKey}. */
  #files = new Map<string, string>();
  readonly #forgotten = new Set<string>();
  #loading: Promise<void> | undefined;
  #heading = "";
  #path: string | undefined;
  #isChanged = false;

  /**
   * @param directory The directory of the note; without one, nothing outlives the process.
   * @param address Returns what identifies the store.
   * @param now Returns the time, like `Date.now()`.
   */
  constructor(
    directory: string | undefined,
    address: () => Promise<string>,
    now: () => number = Date.now,
  ) {
    this.#directory = directory;
    this.#address = address;
    this.#now = now;
  }

  /** Reads the note, unless it has been read. */
  load(): Promise<void> {
    return this.#loading ??= this.#load();
  }

  /** Reports whether an object is known to be in the store. */
  has(key: string): boolean {
    return (this.#objects.get(key)?.until ?? 0) > this.#now();
  }

  /** Returns the size of what is stored below a key, in bytes; undefined if it is not known. */
  sizeOf(key: string): number | undefined {
    return this.#objects.get(key)?.size;
  }

  /**
   * Remembers an object.
   *
   * @param key The object's key: its id, with `.zst` if it is compressed.
   * @param milliseconds How long it will certainly remain in the store.
   * @param size The size of what is stored, in bytes.
   */
  add(key: string, milliseconds: number, size: number): void {
    this.#forgotten.delete(key);
    const until = this.#now() + Math.min(milliseconds, maxAgeMilliseconds);
    put(this.#objects, key, { until, size });
    this.#isChanged = true;
  }

  /** Forgets an object, since it was not found. */
  forget(key: string): void {
    this.#objects.delete(key);
    this.#forgotten.add(key);
    this.#isChanged = true;
  }

  /**
   * Returns a key that identifies a file in its current state.
   *
   * @returns The key; undefined if the file may still change unnoticed, or there is no note.
   */
  async fileKey(path: string): Promise<string | undefined> {
    if (this.#directory === undefined) return undefined;
    const { dev, ino, size, mtime, ctime } = await stat(path);
    const changed = Math.max(Number(mtime ?? NaN), Number(ctime ?? NaN));
    const isAtRest = changed < this.#now() - restMilliseconds;
    const name = resolve(path);
    if (!isAtRest || !ino || name.includes("\n")) return undefined;
    return [dev, ino, size, Number(mtime), Number(ctime), name].join(" ");
  }

  /**
   * Returns the id of a file's bytes, if it was hashed before.
   *
   * @param key The file's {@linkcode fileKey}.
   */
  idOfFile(key: string): string | undefined {
    return this.#files.get(key);
  }

  /**
   * Remembers a file that was hashed.
   *
   * @param key The file's {@linkcode fileKey}, the same before and after hashing.
   * @param id The id of its bytes.
   */
  addFile(key: string, id: string): void {
    put(this.#files, key, id);
    this.#isChanged = true;
  }

  /**
   * Writes the note, merged with what other processes have written meanwhile. The write is atomic;
   * of two at once, the later one wins. Failures are ignored, since the note only saves time.
   */
  save(): void {
    if (this.#path === undefined || this.#directory === undefined || !this.#isChanged) return;
    this.#isChanged = false;
    const temporary = temporaryName(this.#path);
    try {
      this.#merge(readNote(this.#path));
      Deno.mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      Deno.writeTextFileSync(temporary, this.#text(), { createNew: true, mode: 0o600 });
      Deno.renameSync(temporary, this.#path);
    } catch {
      try {
        Deno.removeSync(temporary);
      } catch {
        // It was not created, or is gone.
      }
    }
  }

  async #load(): Promise<void> {
    if (this.#directory === undefined) return;
    const address = await this.#address();
    this.#heading = `llama's note of objects in ${address}`;
    this.#path = join(this.#directory, `objects-${sha256(address).slice(0, 16)}`);
    this.#merge(readNote(this.#path));
  }

  /** Merges a note into what is known here, which is newer. */
  #merge(text: string): void {
    const [heading, ...lines] = text.split("\n");
    if (heading !== this.#heading) return;
    const now = this.#now();
    const objects = new Map<string, Entry>();
    const files = new Map<string, string>();
    for (const line of lines) {
      const [, key = "", until, size] = objectPattern.exec(line) ?? [];
      const [, fileId, name] = /^file ([0-9a-f]{64}) (\d+ \d+ \d+ \d+ \d+ \/.*)$/.exec(line) ?? [];
      if (fileId !== undefined && name !== undefined) files.set(name, fileId);
      // A time beyond the maximum was written by a wrong clock.
      else if (Number(until) <= now + maxAgeMilliseconds && !this.#forgotten.has(key)) {
        const entry = { until: Number(until), size: size === undefined ? undefined : Number(size) };
        objects.set(key, entry);
      }
    }
    for (const [key, entry] of this.#objects) put(objects, key, entry);
    for (const [key, id] of this.#files) put(files, key, id);
    this.#objects = objects;
    this.#files = files;
  }

  #text(): string {
    const objects = [...this.#objects].filter(([key]) => this.has(key)).slice(-maxEntries);
    const kept = new Set(objects.map(([key]) => key.slice(0, 64)));
    const files = [...this.#files].filter(([, id]) => kept.has(id)).slice(-maxEntries);
    return [
      this.#heading,
      ...objects.map(([key, { until, size }]) =>
        `object ${key} ${until}${key.endsWith(".zst") && size !== undefined ? ` ${size}` : ""}`
      ),
      ...files.map(([key, id]) => `file ${id} ${key}`),
      "",
    ].join("\n");
  }
}

/** In earlier versions, which know only objects that are not compressed, without the size. */
const objectPattern = /^object ([0-9a-f]{64}(?:\.zst(?= \d+ \d))?) (\d{1,15})(?: (\d{1,15}))?$/;

/** Puts an entry last, and drops the first if there are too many. */
function put<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= maxEntries) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}

/**
 * Reads a note; empty if there is none to trust. A forged note could substitute another object for a
 * file, so it must be this user's own.
 */
function readNote(path: string): string {
  return readOwnFile(path, maxNoteBytes) ?? "";
}
