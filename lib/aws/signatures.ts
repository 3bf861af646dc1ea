/**
 * Signs requests, and caches what consecutive requests have in common.
 *
 * A signature by aws4fetch takes 150 to 200 µs, most of it for canonicalizing the URL and headers.
 * A run sends thousands of requests of one kind, which differ only in time and body hash. Therefore
 * what aws4fetch has canonicalized is cached per kind (service, region, method, URL and headers),
 * with placeholders for time and body hash. Signing a request fills them in, which leaves the two
 * hashes at the end. Requests to S3 differ in their paths and in the values of headers as well, which
 * have placeholders if none of them needs encoding. The derived keys (one per day, region and service)
 * are cached too. All caches are emptied when the credentials change.
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

/** The maximum number of cached signers, and of forms. */
const mostSigners = 32;

/** A signer of requests with a cache; see the module's documentation. */
export class Signatures {
  readonly #signers = new Map<string, KindSigner>();
  readonly #forms = new Map<string, Form>();
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
      this.#forms.clear();
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
    const formed = this.#formedParts(signable);
    if (formed !== undefined) return new KindSigner(signable, formed, this.#keys);
    const kind = JSON.stringify([service, region, method, url, headers]);
    let signer = this.#signers.get(kind);
    // Deleted and inserted again, so that the first entry is the least recently used.
    if (signer) this.#signers.delete(kind);
    else signer = new KindSigner(signable, partsOf(signable), this.#keys);
    this.#signers.set(kind, signer);
    dropOldest(this.#signers);
    return signer;
  }

  /** Returns the parts of a request to S3; undefined if its path or a header needs encoding. */
  #formedParts(signable: Signable): Parts | undefined {
    const { service, region, method, headers } = signable;
    if (service !== "s3" || !Object.values(headers).every((value) => plainValue.test(value))) {
      return undefined;
    }
    const url = new URL(signable.url);
    if (!plainPath.test(url.pathname)) return undefined;
    const kind = JSON.stringify([region, method, url.origin, url.search, Object.keys(headers)]);
    let form = this.#forms.get(kind);
    if (form === undefined) {
      this.#forms.set(kind, form = new Form(signable, url));
      dropOldest(this.#forms);
    }
    return form.partsOf(signable, url);
  }
}

/** Drops the oldest entry of a cache that has become too large. */
function dropOldest(cache: Map<string, unknown>): void {
  if (cache.size <= mostSigners) return;
  const [oldest = ""] = cache.keys();
  cache.delete(oldest);
}

/** What aws4fetch has canonicalized of a request, without its body's hash and the time. */
interface Parts {
  readonly url: URL;
  /** All headers besides Host, hash and time. */
  readonly headers: Readonly<Record<string, string>>;
  /** The names of the signed headers, separated by semicolons. */
  readonly signedHeaders: string;
  /** The canonical request up to the body's hash, with placeholders for hash and time. */
  readonly canonical: string;
}

function partsOf({ credentials, service, region, method, url, headers }: Signable): Parts {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const signer = new Signer({
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    ...{ service, region, method, url },
    headers: { ...headers, [hashHeader]: "" },
    datetime: noTime,
  });
  return {
    url: signer.url,
    headers: Object.fromEntries(
      [...signer.headers].filter(([name]) => name !== hashHeader && name !== timeHeader),
    ),
    signedHeaders: signer.signedHeaders,
    canonical: [
      signer.method.toUpperCase(),
      signer.encodedPath,
      signer.encodedSearch,
      `${signer.canonicalHeaders}\n`,
      `${signer.signedHeaders}\n`,
    ].join("\n"),
  };
}

/** Paths and values of headers that are the same in a canonical request. */
const plainPath = /^[A-Za-z0-9_.~/-]+$/;
const plainValue = /^[!-~]+(?: [!-~]+)*$/;

/** The placeholders for them. */
const pathMark = "/llama--path";
const headerMark = (index: number | string) => `llama--header--${index}--`;
const anyMark = new RegExp(`${pathMark}|${headerMark("(\\d+)")}`);

/** Requests that have all but their path, the values of headers, hash and time in common. */
class Form {
  readonly #signedHeaders: string;
  /** The headers that are the same in all requests. */
  readonly #headers: readonly (readonly [name: string, value: string])[];
  /** The canonical request, split at its placeholders. */
  readonly #texts: readonly string[];
  /** Between each two of them: the index of a header, or -1 for the path. */
  readonly #marks: readonly number[];

  constructor(signable: Signable, { origin, search }: URL) {
    const names = Object.keys(signable.headers);
    const { headers, signedHeaders, canonical } = partsOf({
      ...signable,
      url: `${origin}${pathMark}${search}`,
      headers: Object.fromEntries(names.map((name, index) => [name, headerMark(index)])),
    });
    this.#signedHeaders = signedHeaders;
    this.#headers = Object.entries(headers).filter(([, value]) => !anyMark.test(value));
    const split = canonical.split(anyMark);
    this.#texts = split.filter((_, index) => index % 2 === 0);
    this.#marks = split.filter((_, index) => index % 2 === 1).map((index) => Number(index ?? -1));
  }

  /** Returns the parts of a request of this form. */
  partsOf({ headers }: Signable, url: URL): Parts {
    const values = Object.values(headers);
    const canonical = this.#texts.reduce((text, next, index) => {
      const mark = this.#marks[index - 1] ?? -1;
      return text + (mark < 0 ? url.pathname : values[mark]) + next;
    });
    const all = { ...Object.fromEntries(this.#headers), ...headers };
    return { url, headers: all, signedHeaders: this.#signedHeaders, canonical };
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
  readonly #parts: Parts;
  readonly #keys: Map<string, HmacKey>;
  /** What is before the body's hash in the canonical request, between it and the time, and after. */
  readonly #canonical: readonly [string, string, string];
  /** The scope and the key of the last signature. */
  #today: Today | undefined;

  /** @param keys The derived keys by their scope. */
  constructor(kind: Signable, parts: Parts, keys: Map<string, HmacKey>) {
    this.#kind = kind;
    this.#headerCount = Object.keys(kind.headers).length;
    this.#parts = parts;
    this.#keys = keys;
    // Headers are in the order of their names.
    const { canonical } = parts;
    const hash = canonical.indexOf(`\n${hashHeader}:`) + hashHeader.length + 2;
    const time = canonical.indexOf(`\n${timeHeader}:${noTime}`) + timeHeader.length + 2;
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
    const { accessKeyId } = this.#kind.credentials;
    const { url, headers, signedHeaders } = this.#parts;
    const { scope, key } = this.#on(datetime.slice(0, 8));
    const [beforeHash, beforeTime, rest] = this.#canonical;
    const canonical = beforeHash + bodyHash + beforeTime + datetime + rest + bodyHash;
    const signature = key.hex(stringToSign(datetime, scope, canonical));
    return {
      url,
      headers: {
        ...headers,
        [hashHeader]: bodyHash,
        [timeHeader]: datetime,
        authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, ` +
          `SignedHeaders=${signedHeaders}, Signature=${signature}`,
      },
    };
  }

  #on(day: string): Today {
    if (this.#today?.day === day) return this.#today;
    const { region, service, credentials } = this.#kind;
    const scope = `${day}/${region}/${service}/aws4_request`;
    const key = this.#keys.get(scope) ?? new HmacKey(deriveKey(credentials.secretAccessKey, scope));
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
