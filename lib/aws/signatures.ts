/**
 * Signs requests, and caches what consecutive requests have in common.
 *
 * A signature by aws4fetch takes 150 to 200 µs, most of it for canonicalizing the URL and headers.
 * A run sends thousands of requests of one kind, which differ only in time and body hash. Therefore
 * what aws4fetch has canonicalized is cached per kind (service, region, method, URL and headers),
 * with placeholders for time and body hash. Signing a request fills them in, which leaves the two
 * hashes at the end. The derived keys (one per day, region and service) are cached too. Both caches
 * are emptied when the credentials change.
 *
 * @module
 */

import type { Credentials } from "./credentials/keys.ts";
import { deriveKey, hexOf, HmacKey, Signer, stringToSign } from "./signer.ts";

/** A request to sign. */
export interface Signable {
  /** The credentials. */
  readonly credentials: Credentials;
  /** The service. */
  readonly service: string;
  /** The region. */
  readonly region: string;
  /** The HTTP method. */
  readonly method: string;
  /** The whole URL, encoded. */
  readonly url: string;
  /** The headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body's SHA-256 in hexadecimal. */
  readonly bodyHash: string;
  /** The time of the signature. */
  readonly time: Date;
}

/** A signed request. */
export interface Signed {
  /** The URL. */
  readonly url: URL;
  /** All headers except `Host`. An object, which `fetch` reads faster than a list. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The maximum number of cached signers. */
const mostSigners = 32;

/** A signer of requests with a cache; see the module's documentation. */
export class Signatures {
  readonly #signers = new Map<string, KindSigner>();
  readonly #keys = new Map<string, HmacKey>();
  readonly #clock = new Timestamps();
  #credentials: Credentials | undefined;

  /**
   * Signs a request.
   */
  sign(signable: Signable): Signed {
    const { credentials, service, region, method, url, headers, bodyHash, time } = signable;
    if (credentials !== this.#credentials) {
      this.#signers.clear();
      this.#keys.clear();
      this.#credentials = credentials;
    }
    const kind = JSON.stringify([service, region, method, url, headers]);
    let signer = this.#signers.get(kind);
    // Deleted and inserted again, so that the first entry is the least recently used.
    if (signer) this.#signers.delete(kind);
    else signer = new KindSigner(signable, this.#keys);
    this.#signers.set(kind, signer);
    if (this.#signers.size > mostSigners) {
      const [oldest = ""] = this.#signers.keys();
      this.#signers.delete(oldest);
    }
    return signer.at(this.#clock.format(time), bodyHash);
  }
}

/** A signer for requests of one kind. */
class KindSigner {
  readonly #signer: Signer;
  readonly #keys: Map<string, HmacKey>;
  readonly #constant: Readonly<Record<string, string>>;
  /** The canonical request, except for the body's hash at its end. */
  readonly #canonical: string;

  /** @param keys The derived keys by their scope. */
  constructor(
    { credentials, service, region, method, url, headers }: Signable,
    keys: Map<string, HmacKey>,
  ) {
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    const signer = new Signer({
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      ...{ service, region, method, url },
      headers: { ...headers, [hashHeader]: "" },
      datetime: noTime,
    });
    this.#signer = signer;
    this.#keys = keys;
    this.#constant = Object.fromEntries(
      [...signer.headers].filter(([name]) => name !== hashHeader && name !== timeHeader),
    );
    this.#canonical = [
      signer.method.toUpperCase(),
      signer.encodedPath,
      signer.encodedSearch,
      `${signer.canonicalHeaders}\n`,
      `${signer.signedHeaders}\n`,
    ].join("\n");
  }

  /** Signs the request with a time and a body hash. */
  at(datetime: string, bodyHash: string): Signed {
    const { url, region, service, accessKeyId, secretAccessKey, signedHeaders } = this.#signer;
    const scope = `${datetime.slice(0, 8)}/${region}/${service}/aws4_request`;
    let key = this.#keys.get(scope);
    if (key === undefined) {
      key = new HmacKey(deriveKey(secretAccessKey, scope));
      this.#keys.set(scope, key);
    }
    const canonical = this.#canonical
      .replace(`${hashHeader}:`, `${hashHeader}:${bodyHash}`)
      .replace(`${timeHeader}:${noTime}`, `${timeHeader}:${datetime}`) + bodyHash;
    const signature = hexOf(key.sign(stringToSign(datetime, scope, canonical)));
    return {
      url,
      headers: {
        ...this.#constant,
        [hashHeader]: bodyHash,
        [timeHeader]: datetime,
        authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, ` +
          `SignedHeaders=${signedHeaders}, Signature=${signature}`,
      },
    };
  }
}

/** Formats times for the header, such as `20130524T000000Z`, once per second. */
class Timestamps {
  #second = NaN;
  #text = "";

  format(time: Date): string {
    const second = Math.floor(time.getTime() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = time.toISOString().replace(/[:-]|\.\d{3}/g, "");
    }
    return this.#text;
  }
}

const hashHeader = "x-amz-content-sha256";
const timeHeader = "x-amz-date";

/** The placeholder for a time; aws4fetch replaces an empty one by the current time. */
const noTime = "00000000T000000Z";
