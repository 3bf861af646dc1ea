/**
 * Negotiates features of the wire with functions.
 *
 * @module
 */

import type { KnownFunctions } from "../aws/known_functions.ts";
import { type NovelContents, novelKindOf } from "../store/blob.ts";
import { FunctionError, LlamaError } from "../errors.ts";
import {
  contentNames,
  type Features,
  namesOf,
  ownFeatures,
  withoutCompression,
} from "../features.ts";
import { type Blob, newerRequest, type Request, type Response } from "../protocol.ts";

/** The client's side of the negotiation. */
export interface Negotiator {
  /** What is known about functions; without it, every job is sent without features. */
  readonly functions?: KnownFunctions | undefined;
  /** The features that the client can read. @default {those of this version} */
  readonly features?: Features | undefined;
  /** Whether it uses and accepts those that compress. @default {true} */
  readonly compresses?: boolean | undefined;
  /** Features of functions that have not answered yet. @default {none} */
  readonly presumed?: readonly string[] | undefined;
}

/** Returns the features that the client uses, and accepts in responses. */
export function usedFeatures({ features = ownFeatures, compresses = true }: Negotiator): Features {
  return compresses ? features : withoutCompression(features);
}

/**
 * Returns the kinds of content that a function is known to accept.
 *
 * @returns The kinds; undefined if there are none.
 */
export async function novelFor(
  negotiator: Negotiator,
  functionName: string,
): Promise<NovelContents | undefined> {
  const { functions, presumed = [] } = negotiator;
  const features = usedFeatures(negotiator);
  if (contentNames(features).length === 0) return undefined;
  const accepts = (await functions?.load(functionName))?.accepts ?? presumed;
  const kinds = features.contents.filter(({ feature }) => accepts.includes(feature));
  const files = features.files.filter(({ feature }) => accepts.includes(feature));
  return kinds.length + files.length === 0
    ? undefined
    : { kinds, files, refusal: newerRequest(nameOfFunction(functionName)) };
}

/**
 * Returns the kinds of content for a job that does not fit into a request without them.
 *
 * @returns The kinds; undefined if the function is known, so that {@linkcode novelFor} has the answer.
 */
export async function presumedFor(
  negotiator: Negotiator,
  functionName: string,
): Promise<NovelContents | undefined> {
  const facts = await negotiator.functions?.load(functionName);
  if (facts?.accepts !== undefined || negotiator.functions === undefined) return undefined;
  return await novelFor({ ...negotiator, presumed: namesOf(ownFeatures) }, functionName);
}

/** Returns the names of the features that a request uses. */
export function featuresUsed(
  { files, stdin = {} }: Pick<Request, "files" | "stdin">,
  novel: NovelContents | undefined,
): ReadonlySet<string> {
  if (novel === undefined) return none;
  const used = new Set<string>();
  for (const blob of [stdin, ...Object.values(files)] satisfies Blob[]) {
    const kind = novelKindOf(blob, [...novel.kinds, ...novel.files ?? []]);
    if (kind) used.add(kind.feature);
  }
  return used;
}

const none: ReadonlySet<string> = new Set();

/** How many characters of a runtime's version are kept. */
const maxVersionLength = 64;

/**
 * Reports whether an error may come from a runtime that no longer knows a feature: llama's runtimes
 * refuse such a request; others repeat the text of `e`.
 * @returns True if the job did not run, and should be sent again without features.
 */
export function isRefusal(error: unknown, novel: NovelContents): error is FunctionError {
  return error instanceof FunctionError &&
    (error.errorType === "Llama.BadRequest" || error.errorMessage.includes(novel.refusal));
}

/**
 * Reports whether a response comes from a runtime that knows the features of the request. Another one
 * may have ignored them and run the job without some of its input.
 *
 * @returns False if the response must not be used.
 */
export function isReliable({ accepts }: Response, used: ReadonlySet<string>): boolean {
  return used.isSubsetOf(new Set(accepts));
}

/** Remembers what a response tells about the function's runtime. Cheap if nothing is new. */
export async function learnFrom(
  { functions, features = ownFeatures }: Negotiator,
  functionName: string,
  { accepts, runtime }: Response,
): Promise<void> {
  if (functions === undefined) return;
  // Loading first keeps what was known before.
  if (functions.get(functionName) === undefined) await functions.load(functionName);
  // The response may list anything: keep only known features.
  const names = namesOf(features).filter((name) => accepts?.includes(name));
  functions.learn(functionName, { accepts: names, runtime: runtime?.slice(0, maxVersionLength) });
}

/** Returns the error for a job whose response must not be used, and which must not run twice. */
export function replacedRuntime(functionName: string): LlamaError {
  return new LlamaError(
    "protocol",
    `the runtime of ${functionName} was replaced by an older one, which ran the job ` +
      "and may have taken its files for empty ones",
    { hint: "run the job again" },
  );
}

/** Returns the plain name of a function given as a name, `NAME:ALIAS` or ARN. */
export function nameOfFunction(functionName: string): string {
  return /^(?:.*:function:)?([^:]+)/.exec(functionName)?.[1] ?? functionName;
}
