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
import { deriveKey, HmacKey, Signer, stringToSign } from "./signer.ts";

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
  /** The time of the signature, in milliseconds since 1970. */
  readonly time: number;
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
  #last: KindSigner | undefined;

  /**
   * Signs a request.
   */
  sign(signable: Signable): Signed {
    const { credentials, bodyHash, time } = signable;
    if (credentials !== this.#credentials) {
      this.#signers.clear();
      this.#keys.clear();
      this.#last = undefined;
      this.#credentials = credentials;
    }
    // Most requests are of the same kind as the one before.
    if (!this.#last?.isFor(signable)) this.#last = this.#signerFor(signable);
    return this.#last.at(this.#clock.format(time), bodyHash);
  }

  #signerFor(signable: Signable): KindSigner {
    const { service, region, method, url, headers } = signable;
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
    return signer;
  }
}

/** The credential scope and the signing key, which change once a day. */
interface Today {
  readonly day: string;
  readonly scope: string;
  readonly key: HmacKey;
}

/** A signer for requests of one kind. */
class KindSigner {
  readonly #kind: Signable;
  readonly #headerCount: number;
  readonly #signer: Signer;
  readonly #keys: Map<string, HmacKey>;
  readonly #constant: Readonly<Record<string, string>>;
  /** What is before the body's hash in the canonical request, between it and the time, and after. */
  readonly #canonical: readonly [string, string, string];
  /** The scope and the key of the last signature. */
  #today: Today | undefined;

  /** @param keys The derived keys by their scope. */
  constructor(kind: Signable, keys: Map<string, HmacKey>) {
    const { credentials, service, region, method, url, headers } = kind;
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    const signer = new Signer({
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      ...{ service, region, method, url },
      headers: { ...headers, [hashHeader]: "" },
      datetime: noTime,
    });
    this.#kind = kind;
    this.#headerCount = Object.keys(headers).length;
    this.#signer = signer;
    this.#keys = keys;
    this.#constant = Object.fromEntries(
      [...signer.headers].filter(([name]) => name !== hashHeader && name !== timeHeader),
    );
    const canonical = [
      signer.method.toUpperCase(),
      signer.encodedPath,
      signer.encodedSearch,
      `${signer.canonicalHeaders}\n`,
      `${signer.signedHeaders}\n`,
    ].join("\n");
    // Headers are in the order of their names.
    const hash = canonical.indexOf(`${hashHeader}:`) + hashHeader.length + 1;
    const time = canonical.indexOf(`${timeHeader}:${noTime}`) + timeHeader.length + 1;
    this.#canonical = [
      canonical.slice(0, hash),
      canonical.slice(hash, time),
      canonical.slice(time + noTime.length),
    ];
  }

  /** Whether a request is of this kind. */
  isFor({ service, region, method, url, headers }: Signable): boolean {
    const kind = this.#kind;
    if (url !== kind.url || method !== kind.method) return false;
    if (service !== kind.service || region !== kind.region) return false;
    let count = 0;
    for (const name in headers) {
      if (headers[name] !== kind.headers[name]) return false;
      count++;
    }
    return count === this.#headerCount;
  }

  /** Signs the request with a time and a body hash. */
  at(datetime: string, bodyHash: string): Signed {
    const { url, accessKeyId, signedHeaders } = this.#signer;
    const { scope, key } = this.#on(datetime.slice(0, 8));
    const [beforeHash, beforeTime, rest] = this.#canonical;
    const canonical = beforeHash + bodyHash + beforeTime + datetime + rest + bodyHash;
    const signature = key.hex(stringToSign(datetime, scope, canonical));
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

  #on(day: string): Today {
    if (this.#today?.day === day) return this.#today;
    const { region, service, secretAccessKey } = this.#signer;
    const scope = `${day}/${region}/${service}/aws4_request`;
    const key = this.#keys.get(scope) ?? new HmacKey(deriveKey(secretAccessKey, scope));
    this.#keys.set(scope, key);
    return this.#today = { day, scope, key };
  }
}

/** Formats times for the header, such as `20130524T000000Z`, once per second. */
class Timestamps {
  #second = NaN;
  #text = "";

  /** @param time In milliseconds since 1970. */
  format(time: number): string {
    const second = Math.floor(time / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = new Date(time).toISOString().replace(/[:-]|\.\d{3}/g, "");
    }
    return this.#text;
  }
}

const hashHeader = "x-amz-content-sha256";
const timeHeader = "x-amz-date";

/** The placeholder for a time; aws4fetch replaces an empty one by the current time. */
const noTime = "00000000T000000Z";
