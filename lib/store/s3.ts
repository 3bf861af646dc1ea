/**
 * A store in a bucket: `s3://BUCKET/PREFIX/`.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import { Semaphore } from "../async/semaphore.ts";
import type { LlamaError } from "../errors.ts";
import { CompressedForm } from "./compressed.ts";
import { InFlight } from "./in_flight.ts";
import { KnownObjects } from "./known_objects.ts";
import { checkId, verify } from "./object_checks.ts";
import { Bucket } from "./s3_bucket.ts";
import { downloadBytes, downloadFile, downloadPieces } from "./s3_download.ts";
import { keyOf, pack, type Packed } from "./pack.ts";
import { partSizeOf } from "./s3_parts.ts";
import { uploadInParts, uploadWhole } from "./s3_upload.ts";
import { S3KeptResults } from "./s3_kept.ts";
import {
  type BlobSource,
  type Source,
  sourceOfBytes,
  sourceOfFile,
  sourceOfPieces,
} from "./source.ts";
import type { Spans } from "../spans.ts";
import type { CompressedObjects, ObjectStore, StoredObject } from "./store.ts";

/** Options for {@linkcode S3Store}. */
export interface S3StoreOptions {
  /** The maximum number of concurrent requests. */
  concurrency: number;
  /** How long the bucket keeps an object, in milliseconds; infinite if objects never expire. */
  lifetimeMilliseconds: number;
  /** The directory of the note of objects. @default {nowhere} */
  noteDirectory?: string | undefined;
  /** The account that must own the bucket. @default {any} */
  bucketOwner?: string | undefined;
  /** Returns the time in milliseconds. @default {Date.now} */
  now?: (() => number) | undefined;
}

/** Objects up to this size are sent without asking first whether they exist. */
const unaskedBytes = 256 * 1024;

/** The concurrency of hashing: enough that reads overlap. */
const hashConcurrency = 8;

/** Statuses that may mean that the object is missing; if not, the upload reports the error. */
const absent = [400, 401, 403, 404, 405];

/**
 * A store in a bucket, whose keys are the prefix and the object's id. The id is also the signed
 * payload hash, and the checksum that S3 verifies.
 */
export class S3Store implements ObjectStore {
  readonly url: string;
  readonly kept: S3KeptResults;
  readonly #bucket: Bucket;
  readonly #youngMilliseconds: number;
  readonly #hashing = new Semaphore(hashConcurrency);
  readonly #sending = new InFlight();
  readonly #known: KnownObjects;
  readonly compressed: CompressedObjects;

  /**
   * @param url `s3://BUCKET/PREFIX/`.
   * @param client Signs and sends requests; closed with the store.
   * @param options Limits, lifetime, note and owner.
   * @throws {LlamaError} `config` if the URL is not of this form.
   */
  constructor(url: string, client: AwsClient, options: S3StoreOptions) {
    this.url = url;
    this.#bucket = new Bucket(url, client, options.concurrency, { owner: options.bucketOwner });
    this.kept = new S3KeptResults(this.#bucket, options.lifetimeMilliseconds);
    this.#youngMilliseconds = options.lifetimeMilliseconds / 2;
    this.#known = new KnownObjects(
      options.noteDirectory,
      () => this.#bucket.address(),
      options.now,
    );
    this.compressed = new CompressedForm(this, {
      known: (source) => this.#knownForm(source),
      pack: (source, signal) => this.#pack(source, signal),
      write: (packed, signal, spans) => this.#putPacked(packed, signal, spans),
      read: (key, signal) => downloadPieces(this.#bucket, key, signal),
      has: (key, signal) => this.#isThere(key, signal),
    });
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
    // A file that changed while it was read is not remembered.
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
    return await this.#isThere(id, signal);
  }

  async knowsFile(path: string): Promise<boolean> {
    return await this.#knownForm({ path, size: 0 }) !== undefined;
  }

  forget(id: string): void {
    this.#known.forget(id);
    this.#known.forget(keyOf(id, "zst"));
  }

  lastRetry(since: number): Promise<LlamaError | undefined> {
    return Promise.resolve(this.#bucket.lastRetry(since));
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
    const { key } = source;
    await this.#known.load();
    if (this.#known.has(key)) return key;
    using _upload = spans?.span("upload");
    await this.#sending.join(key, (signal) => this.#send(source, signal), signal);
    return key;
  }

  async #send(source: Source, signal: AbortSignal): Promise<void> {
    const { key, size, parts } = source;
    if (size > unaskedBytes) {
      const age = await this.#bucket.age(key, signal, absent);
      if (age !== undefined && age < this.#youngMilliseconds) return this.#remember(source, age);
    }
    if (parts.length > 0) await uploadInParts(this.#bucket, source, signal);
    else await uploadWhole(this.#bucket, source, signal);
    this.#remember(source, 0);
  }

  #remember({ key, size }: Source, age: number): void {
    this.#known.add(key, this.#youngMilliseconds - age, size);
  }

  async #isThere(key: string, signal: AbortSignal | undefined): Promise<boolean> {
    // Without s3:ListBucket, S3 returns 403 for a missing object.
    return await this.#bucket.age(key, signal, [403, 404]) !== undefined;
  }

  /** Returns the form in which a file's object is known to be in the store, if it is. */
  async #knownForm(source: BlobSource): Promise<StoredObject | undefined> {
    await this.#known.load();
    if (source instanceof Uint8Array) return undefined;
    const key = await this.#known.fileKey(source.path);
    const id = key === undefined ? undefined : this.#known.idOfFile(key);
    return id === undefined ? undefined : this.#knownObject(id, source.size);
  }

  #knownObject(id: string, raw: number): StoredObject | undefined {
    for (const form of ["zst", undefined] as const) {
      const key = keyOf(id, form);
      if (this.#known.has(key)) {
        return { id, form, raw, encoded: form ? this.#known.sizeOf(key) ?? raw : raw };
      }
    }
    return undefined;
  }

  async #pack(
    source: BlobSource,
    signal: AbortSignal | undefined,
  ): Promise<Packed | undefined> {
    using _turn = await this.#hashing.acquire(signal);
    if (source instanceof Uint8Array) return await pack(source, signal);
    const key = await this.#known.fileKey(source.path);
    const packed = await pack(source, signal);
    // A file that changed while it was read is not remembered.
    if (packed && key !== undefined && key === await this.#known.fileKey(source.path)) {
      this.#known.addFile(key, packed.id);
    }
    return packed;
  }

  async #putPacked(
    packed: Packed,
    signal: AbortSignal | undefined,
    spans: Spans | undefined,
  ): Promise<StoredObject> {
    const { id, form, hash, raw, encoded } = packed;
    // It may have been stored before functions accepted this form.
    const known = this.#knownObject(id, raw);
    if (known) return known;
    const source = sourceOfPieces(keyOf(id, form), hash, encoded, packed.pieces);
    await this.#put(source, signal, spans);
    return { id, form, raw, encoded };
  }
}
