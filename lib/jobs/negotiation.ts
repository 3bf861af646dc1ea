/**
 * Which features of the wire a function accepts, and what to do when it no longer does.
 *
 * @module
 */

import type { KnownFunctions } from "../aws/known_functions.ts";
import { type NovelContents, novelKindOf } from "../store/blob.ts";
import { FunctionError, LlamaError } from "../errors.ts";
import { type Features, namesOf, ownFeatures } from "../features.ts";
import { type Blob, newerRequest, type Request, type Response } from "../protocol.ts";

/** What a client knows of itself and of functions. */
export interface Negotiator {
  /** What is known of functions; without it, every job is sent plain. */
  readonly functions?: KnownFunctions | undefined;
  /** What the client knows beyond the wire of December 2020. @default {what this version knows} */
  readonly features?: Features | undefined;
}

/**
 * Returns the kinds of content that a function is known to accept.
 *
 * @param client What the client knows.
 * @param functionName A function's name, `NAME:ALIAS` or ARN.
 * @returns The kinds; undefined if jobs for the function are to be sent plain.
 * @throws {LlamaError} As the place of the note of functions.
 */
export async function novelFor(
  { functions, features = ownFeatures }: Negotiator,
  functionName: string,
): Promise<NovelContents | undefined> {
  if (features.contents.length === 0) return undefined;
  const accepts = (await functions?.load(functionName))?.accepts ?? [];
  const kinds = features.contents.filter(({ feature }) => accepts.includes(feature));
  return kinds.length === 0
    ? undefined
    : { kinds, refusal: newerRequest(nameOfFunction(functionName)) };
}

/**
 * Returns the features that a request makes use of.
 *
 * @param request The request.
 * @param novel The kinds of content that it may hold.
 * @returns Their names.
 */
export function featuresUsed(
  { files, stdin = {} }: Pick<Request, "files" | "stdin">,
  novel: NovelContents | undefined,
): ReadonlySet<string> {
  if (novel === undefined) return none;
  const used = new Set<string>();
  for (const blob of [stdin, ...Object.values(files)] satisfies Blob[]) {
    const kind = novelKindOf(blob, novel.kinds);
    if (kind) used.add(kind.feature);
  }
  return used;
}

const none: ReadonlySet<string> = new Set();

/** What is kept of a runtime's version, in characters. */
const maxVersionLength = 64;

/**
 * Whether an error may be due to a runtime that does not know a feature that it was known to accept:
 * llama's own refuse such a request, or miss an object; others say the words of `e`.
 *
 * @param error What the invocation failed with.
 * @param novel The kinds of content that the request held.
 * @returns True if the job did not run, and should be sent again without features.
 */
export function isRefusal(error: unknown, novel: NovelContents): error is FunctionError {
  return error instanceof FunctionError &&
    (error.errorType === "Llama.BadRequest" || error.missingObjects.length > 0 ||
      error.errorMessage.includes(novel.refusal));
}

/**
 * Whether a response is of a runtime that knows the features that the request made use of. Another
 * one may have ignored them, and run the job without some of its input.
 *
 * @param response The response.
 * @param used The features.
 * @returns False if the response must not be used.
 */
export function isReliable({ accepts }: Response, used: ReadonlySet<string>): boolean {
  return used.isSubsetOf(new Set(accepts));
}

/**
 * Remembers what a response says of the function's runtime. Cheap where it is known already.
 *
 * @param client What the client knows.
 * @param functionName The function.
 * @param response Its response.
 */
export async function learnFrom(
  { functions, features = ownFeatures }: Negotiator,
  functionName: string,
  { accepts, runtime }: Response,
): Promise<void> {
  if (functions === undefined) return;
  // What was known before is not lost, and the record is found when it is written.
  await functions.load(functionName);
  // A function may answer with anything; only these features are ever looked up.
  const names = namesOf(features).filter((name) => accepts?.includes(name));
  functions.learn(functionName, { accepts: names, runtime: runtime?.slice(0, maxVersionLength) });
}

/**
 * The error for a job whose answer must not be used, and which must not run twice.
 *
 * @param functionName The function.
 * @returns An error to throw.
 */
export function replacedRuntime(functionName: string): LlamaError {
  return new LlamaError(
    "protocol",
    `the runtime of ${functionName} was replaced by an older one, which ran the job ` +
      "and may have taken its files for empty ones",
    { hint: "run the job again; without -invoke-retries 0, llama does so itself" },
  );
}

/**
 * A function's name as `llama update-function` takes it.
 *
 * @param functionName A function's name, `NAME:ALIAS` or ARN.
 * @returns The name alone.
 */
export function nameOfFunction(functionName: string): string {
  return /^(?:.*:function:)?([^:]+)/.exec(functionName)?.[1] ?? functionName;
}
