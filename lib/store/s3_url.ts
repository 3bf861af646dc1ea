/**
 * Objects named by URLs: `s3://BUCKET/KEY`. A key is written as it is, without escapes.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";

/** An object's place. */
export interface S3Place {
  /** The bucket's name. */
  readonly bucket: string;
  /** The object's key, or a prefix of keys. */
  readonly key: string;
}

/** Reports whether a name is the URL of an object rather than a path. */
export function isS3Url(name: string): boolean {
  return name.startsWith("s3://");
}

/** S3's limit, in bytes. */
const maxKeyBytes = 1024;

/**
 * Parses the URL of an object or of a prefix.
 *
 * @param url `s3://BUCKET/KEY`.
 * @throws {LlamaError} `input` if it is not of this form, or HTTP cannot express the key.
 */
export function parseS3Url(url: string): S3Place {
  const refuse = (why: string, hint: string) =>
    new LlamaError("input", `${JSON.stringify(url)} ${why}`, { hint });
  const [, bucket, key = ""] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/s.exec(url) ?? [];
  if (bucket === undefined) throw refuse("is not the URL of an object", "write s3://BUCKET/KEY");
  if (!key.isWellFormed()) throw refuse("is not UTF-8", "S3's keys are UTF-8");
  if (new TextEncoder().encode(key).length > maxKeyBytes) {
    throw refuse("is too long", "a key has at most 1,024 bytes");
  }
  // `fetch` removes such parts from a URL, even if they are escaped.
  if (/(^|\/)\.{1,2}(\/|$)/.test(key)) {
    throw refuse('has "." or ".." as a part of its key', "rename the object");
  }
  return { bucket, key };
}

/**
 * Parses the URL of one object.
 *
 * @param url `s3://BUCKET/KEY`.
 * @throws {LlamaError} `input` as {@linkcode parseS3Url}, and if there is no key.
 */
export function parseObjectUrl(url: string): S3Place {
  const place = parseS3Url(url);
  if (place.key !== "") return place;
  throw new LlamaError("input", `${JSON.stringify(url)} names a bucket, not an object`, {
    hint: "write s3://BUCKET/KEY",
  });
}

/** Linux's limit for a file name, in bytes. */
const maxNameBytes = 255;

/**
 * Returns the last part of an object's key, for use as a file name.
 *
 * @param url The object's URL.
 * @throws {LlamaError} As {@linkcode parseObjectUrl}.
 */
export function nameOfObject(url: string): string {
  const name =
    parseObjectUrl(url).key.replaceAll("\0", "_").split("/").findLast((part) => part !== "") ??
      "object";
  // The end of a name says what is in the file.
  let short = name;
  while (new TextEncoder().encode(short).length > maxNameBytes) {
    short = [...short].slice(1).join("");
  }
  return short;
}

/**
 * Checks that a URL can name an output.
 *
 * @param url The object's URL.
 * @throws {LlamaError} `input` if it names a directory, or as {@linkcode parseObjectUrl}.
 */
export function checkObjectOutput(url: string): void {
  parseObjectUrl(url);
  if (!url.endsWith("/")) return;
  throw new LlamaError("input", `${JSON.stringify(url)} is a directory: S3 has only objects`, {
    hint: "name each file that the command writes",
  });
}
