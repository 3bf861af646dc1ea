/**
 * The user's objects in S3, which jobs read and write without this machine in between.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";

/** An object as it was found. */
export interface S3Object {
  /** Its size in bytes. */
  readonly size: number;
  /** Its ETag, which changes with its contents. */
  readonly etag: string;
  /** The region of its bucket, if S3 says. */
  readonly region?: string | undefined;
}

/** What tells the contents of an object from all others. */
export interface IdentifiedObject extends S3Object {
  /** The SHA-256 of all its bytes in hexadecimal, if S3 knows it. */
  readonly sha256?: string | undefined;
  /** Its version, if its bucket keeps versions. */
  readonly version?: string | undefined;
}

/** An object of a listing. */
export interface ListedObject extends S3Object {
  /** Its URL. */
  readonly url: string;
}

/** Options for {@linkcode S3Files.write}. */
export interface WriteOptions {
  /** Whether to refuse to replace an object. @default {false} */
  readonly isNew?: boolean | undefined;
  /** Ends the work early. */
  readonly signal: AbortSignal;
}

/** Objects in buckets. Dispose of it when done: it may hold connections. */
export interface S3Files extends Disposable {
  /**
   * Looks up an object.
   *
   * @param url Its URL.
   * @throws {LlamaError} `input` if there is none, or it may not be read; `config` and others.
   */
  find(url: string, signal?: AbortSignal): Promise<S3Object>;

  /**
   * Looks up an object, and what is known of its contents.
   *
   * @param url Its URL.
   * @throws {LlamaError} As {@linkcode S3Files.find}.
   */
  identify(url: string, signal?: AbortSignal): Promise<IdentifiedObject>;

  /**
   * Reads an object into a new file.
   *
   * @param url Its URL.
   * @param path The file to create.
   * @param expected The object as it was found; another one is refused. @default {any}
   * @throws {ChangedObject} If there is another object, or none.
   * @throws {LlamaError} `input` if it may not be read, and others.
   */
  read(url: string, path: string, expected?: S3Object, signal?: AbortSignal): Promise<void>;

  /**
   * Writes a file to an object.
   *
   * @param url Its URL.
   * @param path The file.
   * @returns The object.
   * @throws {LlamaError} `output` if it exists and `isNew`, or may not be written; and others.
   */
  write(url: string, path: string, options: WriteOptions): Promise<S3Object>;

  /**
   * Lists the objects whose URLs begin like this one.
   *
   * @param url `s3://BUCKET/PREFIX`.
   * @returns Pages of objects, in the order of their keys.
   * @throws {LlamaError} `input` if they may not be listed, and others.
   */
  list(url: string, signal?: AbortSignal): AsyncIterable<readonly ListedObject[]>;
}

/** An object is not the one that was found before. */
export class ChangedObject extends LlamaError {
  /**
   * @param url Its URL.
   * @param isGone Whether there is none any more.
   */
  constructor(url: string, isGone: boolean) {
    super("input", `${url} ${isGone ? "is no longer there" : "has changed"} since it was found`, {
      hint: "run the job again once nothing writes to it",
    });
  }
}

/** Returns the error for an object that may not be replaced. */
export function objectExists(url: string): LlamaError {
  return new LlamaError("output", `${url} exists`, {
    hint: "remove it, or run without -no-clobber",
  });
}

/** Returns the error for an object that does not exist. */
export function noSuchObject(url: string): LlamaError {
  return new LlamaError("input", `cannot read ${url}: no such object`, {
    hint: url.endsWith("/") ? `the objects below it are listed by -a ${url}` : undefined,
  });
}
