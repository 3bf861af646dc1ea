/**
 * The user's objects in S3 that functions may read and write.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";
import { parseS3Url, type S3Place } from "../store/s3_url.ts";

/** URLs of objects, and of prefixes, which end in `/`. */
export interface Grants {
  /** What functions may read. */
  readonly read: readonly string[];
  /** What they may write. */
  readonly write: readonly string[];
}

/** Nothing but the stack's own store. */
export const noGrants: Grants = { read: [], write: [] };

/** CloudFormation's limit for the value of an output, in characters. */
const maxLength = 1024;

/**
 * Checks the URL of a grant.
 *
 * @param text `s3://BUCKET/`, `s3://BUCKET/PREFIX/` or `s3://BUCKET/KEY`.
 * @returns The URL; that of a bucket ends in `/`.
 * @throws {LlamaError} `input` if a policy cannot name it.
 */
export function parseGrant(text: string): string {
  const { bucket, key } = parseS3Url(text);
  const url = `s3://${bucket}/${key}`;
  // In a policy these stand for others.
  if (!/[*?$]/.test(key) && url.length <= maxLength) return url;
  throw new LlamaError("input", `${JSON.stringify(text)} cannot be named in a policy`, {
    hint: "name a prefix without *, ? and $ that ends in /, which covers all keys below it",
  });
}

/**
 * Adds grants to others.
 *
 * @param before The grants so far.
 * @param added The grants to add.
 * @param revoked The URLs to remove, from both lists.
 */
export function changeGrants(before: Grants, added: Grants, revoked: readonly string[]): Grants {
  const change = (urls: readonly string[]) =>
    [...new Set(urls)].filter((url) => !revoked.includes(url)).sort();
  return {
    read: change([...before.read, ...added.read]),
    write: change([...before.write, ...added.write]),
  };
}

/** Returns the outputs by which a stack remembers its grants. */
export function grantOutputs({ read, write }: Grants): Record<string, { Value: string }> {
  const named = (name: string, urls: readonly string[]) =>
    urls.map((url, index): [string, { Value: string }] => [`${name}${index + 1}`, { Value: url }]);
  return Object.fromEntries([...named("Read", read), ...named("Write", write)]);
}

/** Returns the grants that a stack's outputs name. */
export function grantsOf(outputs: Readonly<Record<string, string>>): Grants {
  const of = (name: RegExp) =>
    Object.entries(outputs).filter(([key]) => name.test(key)).map(([, url]) => url).sort();
  return { read: of(/^Read\d+$/), write: of(/^Write\d+$/) };
}

/** A statement of a policy, with resources as a bucket's name and a pattern of keys. */
export interface GrantStatement {
  /** The actions. */
  readonly actions: readonly string[];
  /** The bucket's name. */
  readonly bucket: string;
  /** A slash and a pattern of keys; empty for the bucket itself. */
  readonly keys: string;
  /** The pattern of prefixes that may be listed. @default {no condition} */
  readonly prefix?: string;
}

/** Returns what a role must be allowed. */
export function grantStatements({ read, write }: Grants): GrantStatement[] {
  const places = (urls: readonly string[]): readonly S3Place[] => urls.map(parseS3Url);
  const patternOf = (key: string) => key === "" || key.endsWith("/") ? `${key}*` : key;
  return [
    ...places(read).flatMap(({ bucket, key }) => [
      { actions: ["s3:GetObject"], bucket, keys: `/${patternOf(key)}` },
      // Without it, S3 responds with 403 instead of 404 for a missing object.
      { actions: ["s3:ListBucket"], bucket, keys: "", prefix: patternOf(key) },
    ]),
    ...places(write).map(({ bucket, key }) => ({
      actions: ["s3:PutObject", "s3:AbortMultipartUpload"],
      bucket,
      keys: `/${patternOf(key)}`,
    })),
  ];
}
