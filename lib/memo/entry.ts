/**
 * The form of a kept result: a line of JSON about it, and then the response as the function sent it.
 *
 * Anyone who can write to the place of kept results can write anything there, so an entry is read like
 * the response of a hostile function.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";
import type { Features } from "../features.ts";
import { sha256 } from "../files/hash.ts";
import { readAnswer } from "../jobs/foreign_answer.ts";
import { maxPayloadBytes } from "../limits.ts";
import type { Blob, Response } from "../protocol.ts";
import { version } from "../version.ts";
import * as z from "../zod.ts";
import { keyVersion } from "./key.ts";

/** What an invocation took. */
export interface EntryCost {
  /** The billed time in milliseconds. */
  readonly billedMilliseconds: number;
  /** The function's memory in MB, if known. */
  readonly memory?: number | undefined;
  /** Its architecture, if known. */
  readonly arch?: string | undefined;
}

/** A kept result. */
export interface Entry extends EntryCost {
  /** When it was kept, in milliseconds since 1970. */
  readonly created: number;
  /** The response. Its status is 0. */
  readonly response: Response;
}

/** The maximum size of an entry: a response of the largest size, and the line before it. */
export const maxEntryBytes = maxPayloadBytes + 64 * 1024;

/** The longest billed time that is believed, in milliseconds: days, as Lambda's limit is 15 minutes. */
const mostMilliseconds = 1e9;

/** The largest memory that is believed, in MB: Lambda's limit is 10,240. */
const mostMemory = 1e6;

const header = z.object({
  v: z.number().check(z.refine((v) => v === keyVersion)),
  key: z.string(),
  created: z.string(),
  client: z.string(),
  billedMilliseconds: z.number().check(z.minimum(0), z.maximum(mostMilliseconds)),
  memory: z.optional(z.number().check(z.positive(), z.maximum(mostMemory))),
  arch: z.optional(z.string()),
  sha256: z.string(),
});

/**
 * Writes an entry.
 *
 * @param key The key that it is kept under.
 * @param payload The response, as the function sent it.
 * @param cost What the invocation took.
 * @param created When it was kept, in milliseconds since 1970.
 * @returns The entry's bytes.
 */
export function formatEntry(
  key: string,
  payload: string,
  cost: EntryCost,
  created: number,
): Uint8Array<ArrayBuffer> {
  const about: z.output<typeof header> = {
    v: keyVersion,
    key,
    created: new Date(created).toISOString(),
    client: version,
    ...cost,
    sha256: sha256(payload),
  };
  return new TextEncoder().encode(`${JSON.stringify(about)}\n${payload}`);
}

/**
 * Reads an entry.
 *
 * @param bytes The entry's bytes, which anyone may have written.
 * @param key The key under which they were found.
 * @param functionName The function, for messages.
 * @param features The client's features.
 * @returns The entry.
 * @throws {LlamaError} `protocol` if it is damaged, or not the entry of this key.
 */
export function parseEntry(
  bytes: Uint8Array,
  key: string,
  functionName: string,
  features?: Features,
): Entry {
  const damaged = (what: string, cause?: unknown) =>
    new LlamaError("protocol", `the kept result ${what}`, { cause });
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw damaged("is damaged: it is not UTF-8", cause);
  }
  const end = text.indexOf("\n");
  if (end < 0) throw damaged("is damaged: it has no first line");
  let value: unknown;
  try {
    value = JSON.parse(text.slice(0, end));
  } catch (cause) {
    throw damaged("is damaged: its first line is not JSON", cause);
  }
  const parsed = header.safeParse(value);
  if (!parsed.success) {
    const field = parsed.error.issues[0]?.path.map(String).join(".");
    throw damaged(`is damaged, or of another version: ${field || "its first line"}`, parsed.error);
  }
  const { key: claimed, created, sha256: hash, billedMilliseconds, memory, arch } = parsed.data;
  if (claimed !== key) throw damaged("is that of another job");
  const payload = text.slice(end + 1);
  if (sha256(payload) !== hash) throw damaged("is damaged: its response was changed");
  const time = Date.parse(created);
  if (Number.isNaN(time)) throw damaged("is damaged: created");
  const response = readAnswer(functionName, payload, features);
  if (response.status !== 0) throw damaged("is that of a failed command");
  return { created: time, billedMilliseconds, memory, arch, response };
}

/**
 * Returns the objects that a response refers to, as blobs, each once.
 *
 * @param response The response.
 */
export function objectsOf({ stdout, stderr, outputs }: Response): Blob[] {
  const blobs: Blob[] = [stdout, stderr, ...Object.values(outputs)];
  return [
    ...new Map(blobs.filter(({ r }) => r !== undefined).map((blob) => [blob.r, blob])).values(),
  ];
}
