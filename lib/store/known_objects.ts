/**
 * What is known of a store: objects that are there, and files that they were made of.
 *
 * @module
 */

import { isAbsolute, join, resolve } from "node:path";
import { type Environment, isOn } from "../environment.ts";
import { temporaryName } from "../files/whole.ts";
import { sha256 } from "../files/hash.ts";
import { readOwnFile } from "../files/own.ts";
import { stat } from "../files/quick.ts";

/** How many objects, and how many files, are remembered at most. */
const maxEntries = 16_384;

/** How long a note is believed at most, in milliseconds: 15 days. */
const maxAgeMilliseconds = 15 * 86_400_000;

/**
 * A file that was changed so short a time ago may change once more without its times telling, in
 * milliseconds: the clocks of some file systems have steps of two seconds.
 */
const restMilliseconds = 3000;

/** The most that is read of a note, in bytes: ours are smaller. */
const maxNoteBytes = 32 * 1024 * 1024;

/**
 * Where notes are kept.
 *
 * @param environment `LLAMA_DIR` names the directory, or else it is `llama` of the user's cache:
 * `XDG_CACHE_HOME`, or `.cache` of the home. `LLAMA_OBJECT_NOTE=0` wants none.
 * @returns The directory; undefined if there is none.
 */
export function noteDirectory(environment: Environment): string | undefined {
  const { LLAMA_OBJECT_NOTE: wanted, LLAMA_DIR: own, XDG_CACHE_HOME: cache, HOME: home } =
    environment;
  if (!isOn(wanted || "1")) return undefined;
  if (own) return own;
  if (cache && isAbsolute(cache)) return join(cache, "llama");
  return home ? join(home, ".cache/llama") : undefined;
}

/**
 * Objects that are known to be in a store. With a directory they are known to the next process,
 * too, by a note there: what it sends a second time costs neither a request nor a hash.
 *
 * A note may be old, damaged, or gone: whoever does not find an object says so, and it is sent. One
 * that others may have written is not believed.
 */
export class KnownObjects {
  readonly #directory: string | undefined;
  readonly #address: () => Promise<string>;
  readonly #now: () => number;
  /** Until when each object is there, in milliseconds as `#now` has them. */
  #objects = new Map<string, number>();
  /** The ids of files, by what `stat` says of them. */
  #files = new Map<string, string>();
  readonly #forgotten = new Set<string>();
  #loading: Promise<void> | undefined;
  #heading = "";
  #path: string | undefined;
  #isChanged = false;

  /**
   * @param directory Where the note is; without one, nothing outlives the process.
   * @param address Tells the store from all others.
   * @param now The time, as `Date.now()` has it.
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

  /** Reads the note, where it has not been read. */
  load(): Promise<void> {
    return this.#loading ??= this.#load();
  }

  /**
   * Whether an object is known to be there.
   *
   * @param id The object's id.
   */
  has(id: string): boolean {
    return (this.#objects.get(id) ?? 0) > this.#now();
  }

  /**
   * Remembers an object.
   *
   * @param id The object's id.
   * @param milliseconds How long it will surely be there.
   */
  add(id: string, milliseconds: number): void {
    this.#forgotten.delete(id);
    put(this.#objects, id, this.#now() + Math.min(milliseconds, maxAgeMilliseconds));
    this.#isChanged = true;
  }

  /**
   * Forgets an object: it was not found.
   *
   * @param id The object's id.
   */
  forget(id: string): void {
    this.#objects.delete(id);
    this.#forgotten.add(id);
    this.#isChanged = true;
  }

  /**
   * What tells a file from all others, and from itself after any change.
   *
   * @param path The file.
   * @returns A key; undefined if it may yet change unseen, or there is no note.
   * @throws What the file system throws.
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
   * The id of a file's bytes.
   *
   * @param key What tells the file.
   * @returns The id, if it was hashed before.
   */
  idOfFile(key: string): string | undefined {
    return this.#files.get(key);
  }

  /**
   * Remembers a file that was hashed.
   *
   * @param key What tells the file, before and after that.
   * @param id The id of its bytes.
   */
  addFile(key: string, id: string): void {
    put(this.#files, key, id);
    this.#isChanged = true;
  }

  /**
   * Writes the note, with what other processes have written meanwhile. It appears whole; of two that
   * are written at once the later one stays. It only saves time, so that it cannot be written is no
   * error.
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
        // It was not made, or is gone.
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

  /** What is known here is newer than the note. */
  #merge(text: string): void {
    const [heading, ...lines] = text.split("\n");
    if (heading !== this.#heading) return;
    const now = this.#now();
    const objects = new Map<string, number>();
    const files = new Map<string, string>();
    for (const line of lines) {
      const [, id = "", until] = /^object ([0-9a-f]{64}) (\d{1,15})$/.exec(line) ?? [];
      const [, fileId, key] = /^file ([0-9a-f]{64}) (\d+ \d+ \d+ \d+ \d+ \/.*)$/.exec(line) ?? [];
      if (fileId !== undefined && key !== undefined) files.set(key, fileId);
      // A time that is further away than any that is written was written by a clock that is wrong.
      else if (Number(until) <= now + maxAgeMilliseconds && !this.#forgotten.has(id)) {
        objects.set(id, Number(until));
      }
    }
    for (const [id, until] of this.#objects) put(objects, id, until);
    for (const [key, id] of this.#files) put(files, key, id);
    this.#objects = objects;
    this.#files = files;
  }

  #text(): string {
    const objects = [...this.#objects.keys()].filter((id) => this.has(id)).slice(-maxEntries);
    const kept = new Set(objects);
    const files = [...this.#files].filter(([, id]) => kept.has(id)).slice(-maxEntries);
    return [
      this.#heading,
      ...objects.map((id) => `object ${id} ${this.#objects.get(id)}`),
      ...files.map(([key, id]) => `file ${id} ${key}`),
      "",
    ].join("\n");
  }
}

/** Puts an entry last, and drops the first where there are too many. */
function put<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= maxEntries) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}

/**
 * Empty if there is none that can be believed. Whoever wrote one could have another object used in
 * the place of a file, so it must be this user's own.
 */
function readNote(path: string): string {
  return readOwnFile(path, maxNoteBytes) ?? "";
}
