/**
 * A job's inputs and outputs in S3. Loaded only for jobs that have some.
 *
 * @module
 */

import { statfsSync } from "node:fs";
import { mapConcurrently } from "../async/concurrency.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import { type File, newerResponse, permissionBits, type UploadTarget } from "../protocol.ts";
import { blobConcurrency } from "../store/blob.ts";
import { ChangedObject, type S3Files } from "../store/s3_files.ts";
import { parseObjectUrl } from "../store/s3_url.ts";
import { bytesText } from "../text/amounts.ts";
import { inTime, TimeUp } from "./in_time.ts";
import { JobError } from "./job_error.ts";
import { findOutputs } from "./outputs.ts";

/**
 * Checks the files of a request that are objects.
 *
 * @param files The files, by the field that names them.
 * @param directory The job's directory.
 * @throws {JobError} `Llama.BadRequest` if one is not named by a URL, `Llama.Internal` if they do not
 * fit on the disk.
 */
export function checkObjects(files: ReadonlyMap<string, File>, directory: string): void {
  for (const [field, { u = "" }] of files) checkUrl(field, u);
  const bytes = files.values().reduce((sum, { n = 0 }) => sum + n, 0);
  const { bavail, bsize } = statfsSync(directory);
  if (bytes <= bavail * bsize) return;
  throw new JobError(
    "Llama.Internal",
    `the job's files have ${bytesText(bytes)}, and ${directory} has ` +
      `${bytesText(bavail * bsize)} left (on Lambda, raise the function's ephemeral storage)`,
  );
}

/**
 * Checks where outputs go.
 *
 * @throws {JobError} `Llama.BadRequest` if one is not named by a URL.
 */
export function checkUploads(uploads: Readonly<Record<string, UploadTarget>>): void {
  for (const [remote, { u }] of Object.entries(uploads)) checkUrl(`uploads.${remote}`, u);
}

function checkUrl(field: string, url: string): void {
  try {
    parseObjectUrl(url);
  } catch (cause) {
    throw new JobError("Llama.BadRequest", `${field}: ${reasonOf(cause)}`, { cause });
  }
}

/**
 * Reads an object into an input file.
 *
 * @param files The objects.
 * @param file The file of the request.
 * @param path The file to create.
 * @throws {JobError} `Llama.Changed` if it is not the object that the client has found,
 * `Llama.StoreError` if it cannot be read.
 */
export async function readObject(
  files: S3Files,
  { t: etag, n: size, u: url = "", m }: File,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const expected = etag === undefined || size === undefined ? undefined : { etag, size };
  try {
    await files.read(url, path, expected, signal);
  } catch (cause) {
    if (!(cause instanceof LlamaError)) throw cause;
    const type = cause instanceof ChangedObject ? "Llama.Changed" : "Llama.StoreError";
    throw new JobError(type, withHint(cause), { cause });
  }
  Deno.chmodSync(path, permissionBits({ m }));
}

/** Options for {@linkcode writeObjects}. */
export interface WriteObjectsOptions {
  /** The job's directory. */
  readonly directory: string;
  /** Whether the command succeeded: nothing is written otherwise. */
  readonly succeeded: boolean;
  /** Opens the objects. */
  readonly open: () => Promise<S3Files>;
  /** When to stop, by `performance.now()`. @default {never} */
  readonly answerBy: number | undefined;
  /** Ends the work early. */
  readonly signal: AbortSignal;
}

/**
 * Writes outputs to S3.
 *
 * @param uploads Where they go, by remote path.
 * @returns The objects, or the reasons why there are none, by remote path.
 */
export async function writeObjects(
  uploads: Readonly<Record<string, UploadTarget>>,
  options: WriteObjectsOptions,
): Promise<Record<string, File>> {
  const { answerBy, signal } = options;
  return await inTime(
    answerBy,
    signal,
    (signal) => writeAll(uploads, { ...options, signal }),
  );
}

async function writeAll(
  uploads: Readonly<Record<string, UploadTarget>>,
  { directory, succeeded, open, signal }: WriteObjectsOptions,
): Promise<Record<string, File>> {
  const remotes = Object.keys(uploads);
  if (remotes.length === 0) return {};
  const because = (e: string) => Object.fromEntries(remotes.map((remote) => [remote, { e }]));
  if (!succeeded) return because("not written to S3: the command failed");
  const { found, refused } = await findOutputs(directory, remotes);
  const files = await open();
  const written = await mapConcurrently(found, blobConcurrency, async ({ remote, source }) => {
    const { u = "", ifNoneMatch = false } = uploads[remote] ?? {};
    try {
      const { etag, size } = await files.write(u, source.path, { isNew: ifNoneMatch, signal });
      return [remote, { u, t: etag, n: size, e: newerResponse }] as const;
    } catch (error) {
      if (signal.aborted) {
        if (!(signal.reason instanceof TimeUp)) throw error;
        return [remote, { e: `not written to ${u}: the time is up` }] as const;
      }
      return [remote, {
        e: error instanceof LlamaError ? withHint(error) : reasonOf(error),
      }] as const;
    }
  });
  return Object.fromEntries([...[...refused].map(([remote, e]) => [remote, { e }]), ...written]);
}

function withHint({ message, hint }: LlamaError): string {
  return hint === undefined ? message : `${message} (${hint})`;
}
