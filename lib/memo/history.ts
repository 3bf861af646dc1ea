/**
 * What the last results that were kept depended on, so that a miss can say what has changed.
 *
 * One file per function name on this machine, a line per result. It explains misses and nothing
 * else: without it, they are just not explained.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { sha256 } from "../files/hash.ts";
import { readOwnFile } from "../files/own.ts";
import * as z from "../zod.ts";
import { canonicalJson, type KeyFile, type KeyParts } from "./key.ts";

/** The size at which a file of lines makes way for a new one, in bytes. */
const maxFileBytes = 8 * 1024 * 1024;

/** The length of hashes in a line: enough to tell changes, and not to be guessed by accident. */
const digits = 16;

/** What a result depended on, as short hashes. */
export interface Components {
  /** The function's code and settings, by name. */
  readonly function: Readonly<Record<string, string>>;
  /** When the function was last changed. */
  readonly lastModified: string;
  /** Standard input. */
  readonly stdin: string;
  /** The files by remote path: their kind, and a hash of their contents or target. */
  readonly files: Readonly<Record<string, string>>;
}

const lineSchema = z.object({
  job: z.string(),
  key: z.string(),
  function: z.record(z.string(), z.string()),
  lastModified: z.string(),
  stdin: z.string(),
  files: z.record(z.string(), z.string()),
});

/** A line of the file. */
type Line = z.output<typeof lineSchema>;

/**
 * The number of results per job that a miss is compared with. Jobs that differ only in generated files
 * have the same arguments and outputs, so the last one need not be the most alike.
 */
const mostCompared = 100;

/** The history of one function's kept results. */
export class History {
  readonly #path: string;
  readonly #functionName: string;
  /** By job, the newest first. */
  #lines: Map<string, Line[]> | undefined;

  /**
   * @param directory The directory of kept results.
   * @param functionName The function, as the user names it.
   */
  constructor(directory: string, functionName: string) {
    this.#functionName = functionName;
    this.#path = join(directory, `history-${sha256(functionName).slice(0, 32)}`);
  }

  /**
   * Returns a line about a result.
   *
   * @param key Its key.
   * @param parts What the key was made of.
   * @param lastModified When the function was last changed.
   */
  line(key: string, parts: KeyParts, lastModified: string): string {
    const line: Line = {
      job: this.#jobOf(parts),
      key: key.slice(0, digits),
      ...componentsOf(parts, lastModified),
    };
    return JSON.stringify(line) + "\n";
  }

  /**
   * Adds lines to the file. A failure is ignored, since they only explain.
   *
   * @param lines The lines, as {@linkcode History.line} returns them.
   */
  append(lines: readonly string[]): void {
    try {
      Deno.mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      if (sizeOf(this.#path) > maxFileBytes) Deno.renameSync(this.#path, `${this.#path}.old`);
      // One write, so that those of two processes do not mix.
      Deno.writeTextFileSync(this.#path, lines.join(""), { append: true, mode: 0o600 });
    } catch {
      // Without a history, misses are not explained.
    }
  }

  /**
   * Returns why there is no kept result for a job.
   *
   * @param key Its key.
   * @param parts What the key was made of.
   * @param lastModified When the function was last changed.
   * @returns One line, such as "input main.h changed".
   */
  whyMissed(key: string, parts: KeyParts, lastModified: string): string {
    this.#lines ??= this.#read();
    const lines = this.#lines.get(this.#jobOf(parts));
    if (lines === undefined) return "new: no job with these arguments and outputs was kept";
    if (lines.some((line) => key.startsWith(line.key))) {
      return "the kept result has expired or was removed";
    }
    const now = componentsOf(parts, lastModified);
    const changes = lines.slice(0, mostCompared).map((line) => changesOf(line, now));
    return changesText(changes.reduce((a, b) => (b.length < a.length ? b : a)));
  }

  #jobOf({ args, outputs }: KeyParts): string {
    const names = [...new Set(outputs)].sort();
    return short([this.#functionName, args, names]);
  }

  #read(): Map<string, Line[]> {
    const lines = new Map<string, Line[]>();
    for (const path of [`${this.#path}.old`, this.#path]) {
      const text = readOwnFile(path, 2 * maxFileBytes) ?? "";
      for (const line of text.split("\n")) {
        const parsed = parseLine(line);
        if (parsed === undefined) continue;
        const same = lines.get(parsed.job);
        if (same === undefined) lines.set(parsed.job, [parsed]);
        else same.push(parsed);
      }
    }
    for (const same of lines.values()) same.reverse();
    return lines;
  }
}

function parseLine(text: string): Line | undefined {
  if (text === "") return undefined;
  try {
    return lineSchema.safeParse(JSON.parse(text)).data;
  } catch {
    // It was cut off.
    return undefined;
  }
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

function short(value: unknown): string {
  return sha256(canonicalJson(value)).slice(0, digits);
}

function componentsOf(
  { function: parts, stdin, files }: KeyParts,
  lastModified: string,
): Components {
  const hashed = Object.entries(parts).map(([name, value]) => [name, short(value)]);
  const file = ([path, { kind, value }]: [string, KeyFile]) => [
    path,
    kind + (kind === "l" ? short(value) : value.slice(0, digits)),
  ];
  return {
    function: Object.fromEntries(hashed),
    lastModified,
    stdin: stdin.slice(0, digits),
    files: Object.fromEntries([...files].map(file)),
  };
}

/** How the components of a function are called. */
const functionWords: Readonly<Record<string, string>> = {
  code: "the function's code changed",
  layers: "the function's layers changed",
  command: "the function's command changed",
  environment: "the function's environment variables changed",
  runtime: "Lambda's runtime was updated",
  architecture: "the function's architecture changed",
  fileSystems: "the function's file systems changed",
};

/** The number of changes that are named. */
const mostNamed = 3;

/**
 * Returns what has changed, such as "input main.h changed".
 *
 * @param before The components of an earlier result.
 * @param now Those of the job.
 */
export function changesOf(before: Components, now: Components): string[] {
  const changes: string[] = [];
  for (const name of Object.keys(now.function)) {
    if (before.function[name] === now.function[name]) continue;
    const when = name === "code" && now.lastModified !== "" ? ` (${now.lastModified})` : "";
    changes.push((functionWords[name] ?? `the function's ${name} changed`) + when);
  }
  if (before.stdin !== now.stdin) changes.push("standard input changed");
  const paths = new Set([...Object.keys(before.files), ...Object.keys(now.files)]);
  for (const path of [...paths].sort()) {
    const was = Object.hasOwn(before.files, path) ? before.files[path] : undefined;
    const is = Object.hasOwn(now.files, path) ? now.files[path] : undefined;
    if (was === is) continue;
    changes.push(
      was === undefined
        ? `input ${path} is new`
        : is === undefined
        ? `input ${path} is no longer sent`
        : was.slice(1) === is.slice(1) && /^[x-]/.test(was)
        ? `input ${path} became ${is.startsWith("x") ? "executable" : "not executable"}`
        : `input ${path} changed`,
    );
  }
  return changes;
}

function changesText(changes: readonly string[]): string {
  if (changes.length === 0) return "the kept result is that of another version of llama";
  const more = changes.length - mostNamed;
  return changes.slice(0, mostNamed).join("; ") + (more > 0 ? `; and ${more} more` : "");
}
