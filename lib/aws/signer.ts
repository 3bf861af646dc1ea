/**
 * Signature Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
 *
 * @module
 */

import { createHmac } from "node:crypto";
import { AwsV4Signer } from "../deps.ts";
import { sha256 } from "../hash.ts";

/**
 * aws4fetch's signer, with the two steps that hash done by `node:crypto`. Those of WebCrypto are
 * asynchronous, four times a request: half of what a signature costs, and more than sending it.
 */
export class Signer extends AwsV4Signer {
  /**
   * The last step: the signature proper.
   *
   * @returns 64 lower-case hexadecimal digits.
   */
  override async signature(): Promise<string> {
    const date = this.datetime.slice(0, 8);
    const cacheKey = [this.secretAccessKey, date, this.region, this.service].join();
    let key = this.cache.get(cacheKey);
    if (!key) {
      const scope = [date, this.region, this.service, "aws4_request"];
      const derived = scope.reduce(hmac, new TextEncoder().encode(`AWS4${this.secretAccessKey}`));
      key = derived.slice().buffer;
      this.cache.set(cacheKey, key);
    }
    return createHmac("sha256", new Uint8Array(key)).update(await this.stringToSign())
      .digest("hex");
  }

  /**
   * The step before: what is signed.
   *
   * @returns Four lines.
   */
  override async stringToSign(): Promise<string> {
    const canonical = sha256(await this.canonicalString());
    return ["AWS4-HMAC-SHA256", this.datetime, this.credentialString, canonical].join("\n");
  }
}

function hmac(key: Uint8Array<ArrayBuffer>, text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHmac("sha256", key).update(text).digest());
}
