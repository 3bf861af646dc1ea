/**
 * Signature Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
 *
 * @module
 */

import { createHash, type Hash } from "node:crypto";
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
    return new HmacKey(new Uint8Array(key)).hex(await this.stringToSign());
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
  return scope.split("/").reduce(
    (key, part) => new HmacKey(key).bytes(part),
    new TextEncoder().encode(`AWS4${secretAccessKey}`),
  );
}

/** Returns the string to sign of a canonical request. */
export function stringToSign(datetime: string, scope: string, canonicalRequest: string): string {
  return ["AWS4-HMAC-SHA256", datetime, scope, sha256(canonicalRequest)].join("\n");
}

/** The block size of SHA-256, in bytes. */
const blockBytes = 64;

/**
 * A key for HMAC with SHA-256 (RFC 2104). Uses two plain hashes, which have begun with the key's
 * blocks, since `createHmac` takes twice as long on short texts.
 */
export class HmacKey {
  readonly #inner: Hash;
  readonly #outer: Hash;

  /** @param key Its bytes. */
  constructor(key: Uint8Array) {
    const short = key.length > blockBytes ? createHash("sha256").update(key).digest() : key;
    const begun = (pad: number) => {
      const block = new Uint8Array(blockBytes).fill(pad);
      for (const [index, byte] of short.entries()) block[index] = pad ^ byte;
      return createHash("sha256").update(block);
    };
    this.#inner = begun(0x36);
    this.#outer = begun(0x5c);
  }

  /** Returns a text's HMAC, in 64 lower-case hexadecimal digits. */
  hex(text: string): string {
    return this.#sign(text).digest("hex");
  }

  /** Returns a text's HMAC, 32 bytes. */
  bytes(text: string): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#sign(text).digest());
  }

  #sign(text: string): Hash {
    return this.#outer.copy().update(this.#inner.copy().update(text).digest());
  }
}
