/**
 * Maps S3's errors to llama's: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 *
 * @module
 */

import {
  CallError,
  isServerFailure,
  type Retryable,
  retryAfter,
  signInAgain,
} from "../aws/call_error.ts";
import { type ErrorCode, LlamaError } from "../errors.ts";
import { missingObject } from "./object_checks.ts";

/** A call to S3, for error messages. */
export interface S3Action {
  /** The store's URL. */
  readonly store: string;
  /** The action's name. */
  readonly action: string;
  /** The bucket. */
  readonly bucket: string;
  /** The account that must own the bucket. */
  readonly owner?: string | undefined;
  /** The object's key. */
  readonly key: string;
  /** The object's id. */
  readonly id: string;
  /** The region that the request was signed for. */
  readonly region: string;
}

/** A refusal. */
export interface Refused {
  /** The HTTP status. */
  readonly status: number;
  /** The body: XML, or empty for a HEAD. */
  readonly text: string;
  /** The action's name. */
  readonly action: string;
  /** The object's key. */
  readonly key: string;
}

/** The bucket is in a region other than the request's. */
export class OtherRegion extends LlamaError {
  /** The bucket's region. */
  readonly region: string;

  /**
   * @param bucket The bucket.
   * @param region Its region.
   */
  constructor(bucket: string, region: string) {
    super("config", `bucket ${bucket} is in region ${region}, but could not be reached there`);
    this.region = region;
  }
}

/** How an error is handled. */
interface Meaning {
  readonly code: ErrorCode;
  readonly hint?: string | ((what: S3Action) => string);
  readonly retryable?: Retryable;
  readonly expired?: boolean;
}

const changed = "the file may have changed while it was being sent";

const meanings: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ["NoSuchBucket", {
    code: "config",
    hint: "-store and LLAMA_OBJECT_STORE name the bucket; `aws s3 mb s3://NAME` creates one",
  }],
  ["AccessDenied", {
    code: "credentials",
    hint: ({ action, bucket, owner }) =>
      `the credentials need ${permissionOf(action)} on arn:aws:s3:::${bucket}/*` +
      // https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, "Permissions"
      (action === "GetObject"
        ? "; without s3:ListBucket, S3 also reports this for missing objects"
        : "") +
      (owner === undefined
        ? ""
        : `; if the bucket is not account ${owner}'s, set LLAMA_BUCKET_OWNER to its account`),
  }],
  ["InvalidAccessKeyId", {
    code: "credentials",
    hint: "check the access key: `aws sts get-caller-identity` shows whose it is",
  }],
  ["SignatureDoesNotMatch", {
    code: "credentials",
    hint: "check the secret access key: it must belong to the access key",
  }],
  ["ExpiredToken", { code: "credentials", hint: signInAgain, expired: true }],
  ["TokenRefreshRequired", { code: "credentials", hint: signInAgain, expired: true }],
  ["InvalidToken", {
    code: "credentials",
    hint: `check AWS_SESSION_TOKEN, or ${signInAgain}`,
  }],
  ["RequestTimeTooSkewed", { code: "credentials", hint: "correct this machine's clock" }],
  ["PermanentRedirect", {
    code: "config",
    hint: ({ region }) => `set AWS_REGION to the bucket's region, which is not ${region}`,
  }],
  ["AuthorizationHeaderMalformed", { code: "config", hint: "check AWS_REGION" }],
  ["TemporaryRedirect", { code: "store", retryable: "maybe" }],
  ["EntityTooLarge", { code: "too-large", hint: "S3 does not accept objects of that size" }],
  ["SlowDown", { code: "throttled", retryable: "maybe" }],
  ["RequestLimitExceeded", { code: "throttled", retryable: "maybe" }],
  ["InternalError", { code: "store", retryable: "maybe" }],
  ["RequestTimeout", { code: "store", retryable: "maybe" }],
  ["IncompleteBody", { code: "store", retryable: "maybe" }],
  ["ConditionalRequestConflict", { code: "store", retryable: "maybe" }],
  ["OperationAborted", { code: "store", retryable: "maybe" }],
  ["BadDigest", { code: "store", hint: changed }],
  ["XAmzContentSHA256Mismatch", { code: "store", hint: changed }],
]);

/** Returns the permission that an action needs: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions */
function permissionOf(action: string): string {
  if (action === "HeadObject") return "s3:GetObject";
  return action === "AbortMultipartUpload" || !/Multipart|UploadPart/.test(action)
    ? `s3:${action}`
    : "s3:PutObject";
}

/**
 * Returns the error for a refusal.
 *
 * @param response Its status and headers.
 * @param text Its body: XML, or empty for a HEAD.
 * @param what The call.
 */
export function refusal(
  response: Pick<Response, "status" | "headers">,
  text: string,
  what: S3Action,
): LlamaError {
  const { status, headers } = response;
  const region = regionOf(response, text);
  if (region !== undefined && region !== what.region) return new OtherRegion(what.bucket, region);
  const name = element(text, "Code");
  if (status === 404 && what.action === "GetObject" && name !== "NoSuchBucket") {
    return missingObject(what.store, what.id);
  }
  const words = element(text, "Message") ?? text.slice(0, 200).replace(/\s+/g, " ").trim();
  const says = [name ?? `HTTP status ${status}`, words].filter((part) => part !== "").join(": ");
  const meaning = meanings.get(name ?? "") ?? {
    code: status === 429 ? "throttled" : "store",
    retryable: status === 429 || isServerFailure(status) ? "maybe" : "never",
  };
  const { code, hint, retryable = "never", expired = false } = meaning;
  return new CallError(
    code,
    `S3 refused ${what.action} in bucket ${what.bucket}, key ${what.key}: ${says}`,
    {
      hint: typeof hint === "function" ? hint(what) : hint,
      retryable,
      expired,
      afterMilliseconds: retryAfter(headers),
    },
  );
}

/** Returns the bucket's region if S3 names one in a refusal; for a HEAD, only in a header. */
function regionOf(
  { status, headers }: Pick<Response, "status" | "headers">,
  text: string,
): string | undefined {
  if (status !== 301 && status !== 307 && status !== 400) return undefined;
  const region = headers.get("x-amz-bucket-region") ?? element(text, "Region");
  return region !== undefined && /^[a-z0-9-]+$/.test(region) ? region : undefined;
}

/** Returns the text of the first XML element of a name; undefined if there is none. */
export function element(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return text?.replace(/&(?:#(\d+)|#x([0-9a-fA-F]+)|(\w+));/g, (whole, decimal, hex, named) => {
    if (named !== undefined) return entities.get(named) ?? whole;
    const code = decimal === undefined ? parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  }).replace(/\s+/g, " ").trim();
}

const entities = new Map([["lt", "<"], ["gt", ">"], ["amp", "&"], ["quot", '"'], ["apos", "'"]]);
