/**
 * Verifies that a call is signed with a key of this run: any local program can reach a loopback port,
 * and any web page can make a browser try.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";
import type { Credentials } from "../aws/credentials/keys.ts";
import { Signer } from "../aws/signer.ts";
import { sha256 } from "../files/hash.ts";
import { ApiError } from "./api_error.ts";

/** The tolerated clock skew, as on AWS. */
const maxSkewMilliseconds = 5 * 60 * 1000;

/** A call without its body. */
export interface SignedHead {
  /** The HTTP method. */
  readonly method: string;
  /** The whole URL. */
  readonly url: string;
  /** All headers. */
  readonly headers: Headers;
}

/** A call with its body. */
export interface SignedCall extends SignedHead {
  /** The whole body. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Verifies signatures (Signature Version 4 in the `Authorization` header). */
export class SignatureVerifier {
  readonly #keys: ReadonlyMap<string, Credentials>;
  /** The signer's cache of derived keys: one per secret, day, region and service. */
  readonly #derived = new Map<string, ArrayBuffer>();

  /** @param keys The credentials that may sign. */
  constructor(keys: readonly Credentials[]) {
    this.#keys = new Map(keys.map((key) => [key.accessKeyId, key]));
  }

  /**
   * Verifies a call.
   *
   * @param call The call.
   * @param now The time, in milliseconds since 1970.
   * @throws {ApiError} AWS's error for a call whose signature is missing or invalid.
   */
  async verify(call: SignedCall, now: number = Date.now()): Promise<void> {
    const verifyBody = await this.verifyHead(call, now);
    await verifyBody(call.body);
  }

  /**
   * Verifies what can be verified before reading the body: the signature if the headers include the
   * body's hash, otherwise only the access key.
   *
   * @param call The call.
   * @param now The time, in milliseconds since 1970.
   * @returns A function that verifies the rest given the body; it throws the same errors.
   * @throws {ApiError} As {@linkcode verify}.
   */
  async verifyHead(
    call: SignedHead,
    now: number = Date.now(),
  ): Promise<(body: Uint8Array<ArrayBuffer>) => Promise<void>> {
    const { headers } = call;
    const authorization = headers.get("authorization");
    if (authorization === null) {
      throw refusal("MissingAuthenticationTokenException", "Missing Authentication Token");
    }
    const { accessKeyId, date, region, service, signedHeaders, signature } = parse(authorization);
    const key = this.#keys.get(accessKeyId);
    const token = headers.get("x-amz-security-token") ?? "";
    if (!key || !equal(token, key.sessionToken ?? "")) {
      throw refusal(
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
      );
    }
    const datetime = headers.get("x-amz-date") ?? "";
    if (!datetime.startsWith(date) || service !== "lambda") {
      throw refusal(
        "InvalidSignatureException",
        "Credential should be scoped to the service lambda and to the date of X-Amz-Date.",
      );
    }
    checkTime(datetime, now);
    const verifySignature = (bodyHash: string) =>
      this.#verifySignature(call, { ...key, region, service, datetime }, {
        bodyHash,
        signedHeaders,
        signature,
      });
    const signedHash = headers.get("x-amz-content-sha256");
    if (signedHash !== null) await verifySignature(signedHash);
    return async (body) => {
      const bodyHash = sha256(body);
      if (signedHash === null) await verifySignature(bodyHash);
      else if (signedHash !== bodyHash) throw mismatch();
    };
  }

  async #verifySignature(
    { method, url, headers }: SignedHead,
    scope: Credentials & { region: string; service: string; datetime: string },
    { bodyHash, signedHeaders, signature }: {
      bodyHash: string;
      signedHeaders: readonly string[];
      signature: string;
    },
  ): Promise<void> {
    // Limits the cache: callers choose the region.
    if (this.#derived.size > 100) this.#derived.clear();
    const signer = new Signer({
      ...scope,
      // If the token was signed, it is among the headers.
      sessionToken: "",
      method,
      url: withHost(url, headers.get("host")),
      headers: signedHeaders.flatMap((name): [string, string][] => {
        const value = headers.get(name);
        return value === null ? [] : [[name, value]];
      }),
      allHeaders: true,
      cache: this.#derived,
    });
    // Provides the body's hash; signed only if the caller did.
    signer.headers.set("x-amz-content-sha256", bodyHash);
    const expected = await signer.signature();
    // Equal lists imply that host and date are signed, since the signer adds both.
    if (signer.signedHeaders !== signedHeaders.join(";") || !equal(expected, signature)) {
      throw mismatch();
    }
  }
}

function parse(authorization: string) {
  const [, list] = /^AWS4-HMAC-SHA256\s+(.*)$/.exec(authorization) ?? [];
  const parts = new Map(
    (list ?? "").split(",").map((part): [string, string] => {
      const equals = part.indexOf("=");
      return [part.slice(0, equals).trim(), part.slice(equals + 1).trim()];
    }),
  );
  const [accessKeyId, date, region, service, end, ...rest] = parts.get("Credential")?.split("/") ??
    [];
  const signedHeaders = parts.get("SignedHeaders");
  const signature = parts.get("Signature");
  if (
    !accessKeyId || !date || !region || !service || end !== "aws4_request" || rest.length > 0 ||
    !signedHeaders || !signature
  ) {
    throw refusal(
      "IncompleteSignatureException",
      "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.",
    );
  }
  return {
    accessKeyId,
    date,
    region,
    service,
    signedHeaders: signedHeaders.toLowerCase().split(";").filter(isHeaderName),
    signature,
  };
}

function isHeaderName(name: string): boolean {
  return /^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name);
}

/** Returns the URL with the host as the caller signed it. */
function withHost(url: string, host: string | null): string {
  const { pathname, search, origin } = new URL(url);
  const asked = `http://${host ?? ""}${pathname}${search}`;
  return URL.canParse(asked) ? asked : `${origin}${pathname}${search}`;
}

function checkTime(datetime: string, now: number): void {
  const time = Date.parse(
    datetime.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/, "$1-$2-$3T$4:$5:$6Z"),
  );
  if (Number.isNaN(time)) {
    throw refusal(
      "IncompleteSignatureException",
      `Date must be in ISO-8601 'basic format'. Got '${datetime}'.`,
    );
  }
  if (Math.abs(now - time) <= maxSkewMilliseconds) return;
  const [word, relation, edge] = time < now
    ? ["expired", "earlier", now - maxSkewMilliseconds]
    : ["not yet current", "later", now + maxSkewMilliseconds];
  const sign = time < now ? "-" : "+";
  throw refusal(
    "InvalidSignatureException",
    `Signature ${word}: ${datetime} is now ${relation} than ${basic(edge)} ` +
      `(${basic(now)} ${sign} 5 min.)`,
  );
}

function basic(time: number): string {
  return new Date(time).toISOString().replace(/[:-]|\.\d{3}/g, "");
}

function equal(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function mismatch(): ApiError {
  return refusal(
    "InvalidSignatureException",
    "The request signature we calculated does not match the signature you provided. Check your " +
      "AWS Secret Access Key and signing method. Consult the service documentation for details.",
  );
}

function refusal(type: string, message: string): ApiError {
  return new ApiError(403, type, { message });
}
