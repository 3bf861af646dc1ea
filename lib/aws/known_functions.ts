/**
 * A note of functions: facts about functions of Lambda that outlive the process.
 *
 * @module
 */

import { dirname, join } from "node:path";
import type { AwsClient } from "./client.ts";
import { serviceUrl } from "./endpoint.ts";
import { temporaryName } from "../files/whole.ts";
import { sha256 } from "../files/hash.ts";
import { readOwnFile } from "../files/own.ts";
import * as z from "../zod.ts";

/** Facts about a function. All are optional: a fact that is absent is not known. */
export interface FunctionFacts {
  /** Whether the function has llama's runtime. */
  readonly isLlama?: boolean | undefined;
  /** Whether its results depend only on its inputs. */
  readonly isPure?: boolean | undefined;
  /** The features of the wire that the function accepts. */
  readonly accepts?: readonly string[] | undefined;
  /** The version of the function's runtime. */
  readonly runtime?: string | undefined;
  /** Whether its output can be streamed: whether the endpoint has the call, and policies allow it. */
  readonly streams?: boolean | undefined;
  /** The versions of a runtime and a llama that differ, once the user was told of them. */
  readonly toldOf?: string | undefined;
}

/** Options for {@linkcode KnownFunctions}. */
export interface KnownFunctionsOptions {
  /** The directory of the notes; without one, nothing outlives the process. */
  readonly directory: string | undefined;
  /** Returns what tells the functions' account and region from all others. */
  readonly place: () => Promise<string>;
  /** The time in milliseconds since 1970. @default {Date.now} */
  readonly now?: () => number;
}

/** How long a record is believed, in milliseconds: 15 days. */
const longestMilliseconds = 15 * 86_400_000;

/** A record that still holds is written anew after this time, in milliseconds: a day. */
const renewMilliseconds = 86_400_000;

/** The most that is read of a record, in bytes; llama's own are far smaller. */
const mostBytes = 64 * 1024;

const recordSchema = z.onFirstUse(() =>
  z.object({
    /** The place and the name, since the file's name is only a hash of them. */
    place: z.string(),
    function: z.string(),
    /** When the record was written, in milliseconds since 1970. */
    written: z.number(),
    isLlama: z.optional(z.boolean()),
    isPure: z.optional(z.boolean()),
    accepts: z.optional(z.array(z.string())),
    runtime: z.optional(z.string()),
    streams: z.optional(z.boolean()),
    toldOf: z.optional(z.string()),
  })
);

/** A function as this process knows it. */
interface Entry {
  facts: FunctionFacts | undefined;
  /** When the record on disk was written; undefined if there is none. */
  written: number | undefined;
  isChanged: boolean;
}

/**
 * Facts about functions, kept from one process to the next: one small file per function, so that
 * processes that learn of different functions at the same time do not lose each other's records,
 * and of two that learn of the same one the later wins.
 *
 * A record may be outdated, damaged or gone, so a caller must notice when a fact no longer holds
 * and {@linkcode KnownFunctions.forget} the function.
 */
export class KnownFunctions {
  readonly #options: KnownFunctionsOptions;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  readonly #loading = new Map<string, Promise<void>>();
  #place: string | undefined;

  /** @param options Where the notes are, and whose functions they are about. */
  constructor(options: KnownFunctionsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /**
   * Reads a function's record, unless it was read before.
   *
   * @param functionName A function's name, `NAME:ALIAS` or ARN.
   * @returns The facts; undefined if nothing is known.
   * @throws {LlamaError} As `place`.
   */
  async load(functionName: string): Promise<FunctionFacts | undefined> {
    let loading = this.#loading.get(functionName);
    if (loading === undefined) {
      loading = this.#load(functionName);
      this.#loading.set(functionName, loading);
    }
    await loading;
    return this.get(functionName);
  }

  /**
   * Returns what is known of a function at the moment, without reading its record.
   *
   * @param functionName A function's name, `NAME:ALIAS` or ARN.
   * @returns The facts; undefined if nothing is known.
   */
  get(functionName: string): FunctionFacts | undefined {
    return this.#entries.get(functionName)?.facts;
  }

  /**
   * Adds facts about a function. Cheap where they are known already, so it may be called per job.
   *
   * @param functionName A function's name, `NAME:ALIAS` or ARN.
   * @param facts The facts; those that are absent stay as they are.
   */
  learn(functionName: string, facts: FunctionFacts): void {
    const entry = this.#entry(functionName);
    const before = entry.facts;
    if (before !== undefined && holds(before, facts)) {
      const age = this.#now() - (entry.written ?? -Infinity);
      if (age > renewMilliseconds) entry.isChanged = true;
      return;
    }
    entry.facts = { ...before, ...facts };
    entry.isChanged = true;
  }

  /**
   * Forgets all facts about a function, since one of them turned out not to hold.
   *
   * @param functionName A function's name, `NAME:ALIAS` or ARN.
   */
  forget(functionName: string): void {
    const entry = this.#entry(functionName);
    entry.facts = undefined;
    entry.isChanged = true;
  }

  /**
   * Writes the records that have changed. Each appears whole. A note only saves time and money, so
   * a failure to write one is not an error.
   */
  save(): void {
    for (const [functionName, entry] of this.#entries) {
      if (!entry.isChanged) continue;
      entry.isChanged = false;
      const path = this.#path(functionName);
      if (path === undefined) continue;
      if (entry.facts === undefined) remove(path);
      else this.#write(path, functionName, entry);
    }
  }

  #entry(functionName: string): Entry {
    const known = this.#entries.get(functionName);
    if (known !== undefined) return known;
    const entry = { facts: undefined, written: undefined, isChanged: false };
    this.#entries.set(functionName, entry);
    return entry;
  }

  async #load(functionName: string): Promise<void> {
    if (this.#options.directory === undefined) return;
    this.#place ??= await this.#options.place();
    const path = this.#path(functionName);
    const text = path === undefined ? undefined : readOwnFile(path, mostBytes);
    if (text === undefined) return;
    const { place, function: name, written, ...facts } = parseRecord(text) ?? {};
    if (written === undefined || place !== this.#place || name !== functionName) return;
    const age = this.#now() - written;
    // A record from the future was written by a clock that is wrong.
    if (age < 0 || age > longestMilliseconds) return;
    const entry = this.#entry(functionName);
    entry.written = written;
    // What this process has learned meanwhile is newer.
    if (!entry.isChanged) entry.facts = facts;
    else if (entry.facts !== undefined) entry.facts = { ...facts, ...entry.facts };
  }

  /** Undefined without a directory, or before the place is known. */
  #path(functionName: string): string | undefined {
    const { directory } = this.#options;
    if (directory === undefined || this.#place === undefined) return undefined;
    const id = sha256(JSON.stringify([this.#place, functionName])).slice(0, 32);
    return join(directory, "functions", `${id}.json`);
  }

  #write(path: string, functionName: string, entry: Entry): void {
    const written = this.#now();
    const record = { place: this.#place, function: functionName, written, ...entry.facts };
    const temporary = temporaryName(path);
    try {
      Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      Deno.writeTextFileSync(temporary, JSON.stringify(record) + "\n", {
        createNew: true,
        mode: 0o600,
      });
      Deno.renameSync(temporary, path);
      entry.written = written;
    } catch {
      remove(temporary);
    }
  }
}

/**
 * Opens the note of the functions that a client reaches.
 *
 * @param client The client of Lambda.
 * @param directory The directory of the notes.
 */
export function knownFunctionsOf(
  client: AwsClient,
  directory: string | undefined,
): KnownFunctions {
  const place = async () => {
    const [location, key] = await Promise.all([client.location(), client.accessKeyId()]);
    const { host } = new URL(serviceUrl(location, "lambda"));
    return `${host} ${location.region} ${accountOf(key)}`;
  };
  return new KnownFunctions({ directory, place });
}

/** Whether facts say nothing that is not known. */
function holds(
  known: FunctionFacts,
  { isLlama, isPure, accepts, runtime, streams, toldOf }: FunctionFacts,
): boolean {
  return (streams === undefined || streams === known.streams) &&
    (isLlama === undefined || isLlama === known.isLlama) &&
    (isPure === undefined || isPure === known.isPure) &&
    (toldOf === undefined || toldOf === known.toldOf) &&
    (runtime === undefined || runtime === known.runtime) &&
    (accepts === undefined || accepts === known.accepts ||
      accepts.join("\n") === known.accepts?.join("\n"));
}

function parseRecord(text: string): z.output<ReturnType<typeof recordSchema>> | undefined {
  try {
    return recordSchema().safeParse(JSON.parse(text)).data;
  } catch {
    // It is damaged, so nothing is known.
    return undefined;
  }
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It is gone already, or stays where nobody believes it for long.
  }
}

/**
 * Returns a name for the account that an access key belongs to. Newer keys hold the account's number
 * after their prefix, in base 32; another key gets a name of its own.
 *
 * @param accessKeyId The access key's public part.
 * @returns The account's number, or a hash of the key where the key does not hold it.
 */
export function accountOf(accessKeyId: string): string {
  const [, digits = ""] = /^A[A-Z0-9]{3}([A-Z2-7]{16})$/.exec(accessKeyId) ?? [];
  if (digits === "") return sha256(accessKeyId).slice(0, 16);
  let bits = 0n;
  for (const digit of digits) {
    bits = bits << 5n | BigInt("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(digit));
  }
  // Of 80 bits, the first is not part of the number, and the next 40 are.
  return String(bits >> 39n & (1n << 40n) - 1n).padStart(12, "0");
}
