/**
 * A store in a bucket: `s3://BUCKET/PREFIX/`.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import { Semaphore } from "../async/concurrency.ts";
import type { LlamaError } from "../errors.ts";
import { InFlight } from "./in_flight.ts";
import { KnownObjects } from "./known_objects.ts";
import { Bucket } from "./s3_bucket.ts";
import { downloadBytes, downloadFile } from "./s3_download.ts";
import { partSizeOf } from "./s3_parts.ts";
import { uploadInParts, uploadWhole } from "./s3_upload.ts";
import { type Source, sourceOfBytes, sourceOfFile } from "./source.ts";
import type { Spans } from "../spans.ts";
import { checkId, type ObjectStore, verify } from "./store.ts";

/** How an {@linkcode S3Store} is used. */
export interface S3StoreOptions {
  /** The most requests at once. */
  concurrency: number;
  /** How long the bucket keeps an object, in milliseconds; infinite if it keeps all. */
  lifetimeMilliseconds: number;
  /** Where a note is kept of the objects that are there. @default {nowhere} */
  noteDirectory?: string | undefined;
  /** The account that the bucket must belong to. @default {any} */
  bucketOwner?: string | undefined;
  /** The time in milliseconds. @default {Date.now} */
  now?: (() => number) | undefined;
}

/** Up to this size an object is sent without a question whether it is there, in bytes. */
const unaskedBytes = 256 * 1024;

/** How many files are hashed at once: enough that reading one need not wait for another. */
const hashConcurrency = 8;

/** Anything but a success may mean that the object is not there: the upload then says what it is. */
const absent = [400, 401, 403, 404, 405];

/**
 * A store whose objects are a bucket's, each under the prefix followed by its id. The id is also
 * the payload hash that is signed, and the checksum that S3 verifies.
 */
export class S3Store implements ObjectStore {
  readonly url: string;
  readonly #bucket: Bucket;
  readonly #youngMilliseconds: number;
  readonly #hashing = new Semaphore(hashConcurrency);
  readonly #sending = new InFlight();
  readonly #known: KnownObjects;

  /**
   * @param url `s3://BUCKET/PREFIX/`.
   * @param client Signs and sends; goes with the store.
   * @param options How it is used.
   * @throws {LlamaError} `config` if the URL is not of this form.
   */
  constructor(url: string, client: AwsClient, options: S3StoreOptions) {
    this.url = url;
    this.#bucket = new Bucket(url, client, options.concurrency, options.bucketOwner);
    this.#youngMilliseconds = options.lifetimeMilliseconds / 2;
    this.#known = new KnownObjects(
      options.noteDirectory,
      () => this.#bucket.address(),
      options.now,
    );
  }

  async put(bytes: Uint8Array, signal?: AbortSignal, spans?: Spans): Promise<string> {
    using hash = spans?.span("hash");
    const source = sourceOfBytes(bytes, partSizeOf);
    hash?.[Symbol.dispose]();
    return await this.#put(source, signal, spans);
  }

  async putFile(path: string, signal?: AbortSignal, spans?: Spans): Promise<string> {
    await this.#known.load();
    const key = await this.#known.fileKey(path);
    const known = key === undefined ? undefined : this.#known.idOfFile(key);
    if (known !== undefined && this.#known.has(known)) return known;
    const source = await this.#hash(path, signal, spans);
    // Of a file that was changed while it was read nothing is known.
    const isSame = key !== undefined && key === await this.#known.fileKey(path);
    const id = await this.#put(source, signal, spans);
    if (isSame) this.#known.addFile(key, id);
    return id;
  }

  async get(id: string, signal?: AbortSignal, maxBytes?: number): Promise<Uint8Array> {
    checkId(id);
    const { bytes, hash } = await downloadBytes(this.#bucket, id, signal, maxBytes);
    verify(this.url, id, hash);
    return bytes;
  }

  async getFile(id: string, path: string, signal?: AbortSignal): Promise<void> {
    checkId(id);
    verify(this.url, id, await downloadFile(this.#bucket, id, path, signal));
  }

  async has(id: string, signal?: AbortSignal): Promise<boolean> {
    checkId(id);
    // Without the right to list the bucket, S3 answers 403 for an object that is not there.
    return await this.#bucket.age(id, signal, [403, 404]) !== undefined;
  }

  forget(id: string): void {
    this.#known.forget(id);
  }

  lastRepeat(since: number): Promise<LlamaError | undefined> {
    return Promise.resolve(this.#bucket.lastRepeat(since));
  }

  /** Closes the client's connections, and writes the note. */
  [Symbol.dispose](): void {
    this.#known.save();
    this.#bucket[Symbol.dispose]();
  }

  async #hash(
    path: string,
    signal: AbortSignal | undefined,
    spans: Spans | undefined,
  ): Promise<Source> {
    using _turn = await this.#hashing.acquire(signal);
    using _hash = spans?.span("hash");
    return await sourceOfFile(path, partSizeOf, signal);
  }

  async #put(
    source: Source,
    signal: AbortSignal | undefined,
    spans: Spans | undefined,
  ): Promise<string> {
    const { id } = source;
    await this.#known.load();
    if (this.#known.has(id)) return id;
    using _upload = spans?.span("upload");
    await this.#sending.join(id, (signal) => this.#send(source, signal), signal);
    return id;
  }

  async #send(source: Source, signal: AbortSignal): Promise<void> {
    const { id, size, parts } = source;
    if (size > unaskedBytes) {
      const age = await this.#bucket.age(id, signal, absent);
      if (age !== undefined && age < this.#youngMilliseconds) return this.#remember(id, age);
    }
    if (parts.length > 0) await uploadInParts(this.#bucket, source, signal);
    else await uploadWhole(this.#bucket, source, signal);
    this.#remember(id, 0);
  }

  #remember(id: string, age: number): void {
    this.#known.add(id, this.#youngMilliseconds - age);
  }
}
