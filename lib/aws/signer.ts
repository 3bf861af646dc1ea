/**
 * Signature Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { AwsV4Signer } from "npm:aws4fetch@1.0.20";
import { sha256 } from "../files/hash.ts";

/**
 * aws4fetch's signer with `node:crypto` for the two steps that hash. WebCrypto is asynchronous, with
 * four calls per request: half of the cost of a signature, and more than sending the request.
 */
export class Signer extends AwsV4Signer {
  /**
   * Returns the signature, in 64 lower-case hexadecimal digits.
   */
  override async signature(): Promise<string> {
    const cacheKey = [this.secretAccessKey, this.credentialString].join();
    let key = this.cache.get(cacheKey);
    if (!key) {
      key = deriveKey(this.secretAccessKey, this.credentialString).buffer;
      this.cache.set(cacheKey, key);
    }
    return hexOf(hmac(new Uint8Array(key), await this.stringToSign()));
  }

  /**
   * Returns the string to sign, four lines.
   */
  override async stringToSign(): Promise<string> {
    return stringToSign(this.datetime, this.credentialString, await this.canonicalString());
  }
}

/**
 * Returns the key that signs.
 *
 * @param scope The credential scope: `DATE/REGION/SERVICE/aws4_request`.
 */
export function deriveKey(secretAccessKey: string, scope: string): Uint8Array<ArrayBuffer> {
  return scope.split("/").reduce(hmac, new TextEncoder().encode(`AWS4${secretAccessKey}`));
}

/** Returns the string to sign of a canonical request. */
export function stringToSign(datetime: string, scope: string, canonicalRequest: string): string {
  return ["AWS4-HMAC-SHA256", datetime, scope, sha256(canonicalRequest)].join("\n");
}

/** The block size of SHA-256, in bytes. */
const blockBytes = 64;

/**
 * A key for HMAC with SHA-256 (RFC 2104). Uses two plain hashes, since `createHmac` takes four times
 * as long on short texts.
 */
export class HmacKey {
  readonly #inner = new Uint8Array(blockBytes).fill(0x36);
  readonly #outer = new Uint8Array(blockBytes).fill(0x5c);

  /** @param key Its bytes. */
  constructor(key: Uint8Array) {
    const short = key.length > blockBytes ? digest(key) : key;
    for (const [index, byte] of short.entries()) {
      this.#inner[index] = 0x36 ^ byte;
      this.#outer[index] = 0x5c ^ byte;
    }
  }

  /** Returns a text's HMAC, 32 bytes. */
  sign(text: string): Uint8Array<ArrayBuffer> {
    return digest(this.#outer, digest(this.#inner, text));
  }
}

/** Returns a text's HMAC, 32 bytes. */
export function hmac(key: Uint8Array, text: string): Uint8Array<ArrayBuffer> {
  return new HmacKey(key).sign(text);
}

/** Formats bytes in lower-case hexadecimal digits. */
export function hexOf(bytes: Uint8Array<ArrayBuffer>): string {
  return Buffer.from(bytes.buffer).toString("hex");
}

function digest(...parts: (Uint8Array | string)[]): Uint8Array<ArrayBuffer> {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}
