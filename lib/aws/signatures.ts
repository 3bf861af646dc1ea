/**
 * Signs requests, and caches what consecutive requests have in common.
 *
 * A signature by aws4fetch takes 150 to 200 µs, most of it for canonicalizing the URL and headers.
 * A run sends thousands of requests of one kind, which differ only in time and body hash. Therefore
 * one aws4fetch signer is cached per kind (service, region, method, URL and headers), constructed
 * with placeholders for time and body hash. To sign a request, an object that inherits from the
 * cached signer overrides the few properties that depend on the two, which leaves the two hashes at
 * the end. The derived keys (one per day, region and service) are cached too. Both caches are
 * emptied when the credentials change.
 *
 * @module
 */

import type { Credentials } from "./credentials/keys.ts";
import { Signer } from "./signer.ts";

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
  /** All headers except `Host`. */
  readonly headers: [string, string][];
}

/** The maximum number of cached signers. */
const mostSigners = 32;

/** A signer of requests with a cache; see the module's documentation. */
export class Signatures {
  readonly #signers = new Map<string, KindSigner>();
  // aws4fetch's cache of derived keys.
  readonly #keys = new Map<string, ArrayBuffer>();
  #credentials: Credentials | undefined;

  /**
   * Signs a request.
   */
  async sign(signable: Signable): Promise<Signed> {
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
    return await signer.at(timestamp(time), bodyHash);
  }
}

/** A signer for requests of one kind. */
class KindSigner extends Signer {
  readonly #template: {
    canonicalHeaders: string;
    constant: [string, string][];
  };
  bodyHash = "";

  constructor(
    { credentials, service, region, method, url, headers }: Signable,
    cache: Map<string, ArrayBuffer>,
  ) {
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    super({
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      ...{ service, region, method, url, cache },
      headers: { ...headers, [hashHeader]: "" },
      datetime: noTime,
    });
    this.#template = {
      canonicalHeaders: this.canonicalHeaders,
      constant: [...this.headers].filter(([name]) => name !== hashHeader && name !== timeHeader),
    };
  }

  /** Signs the request with a time and a body hash. */
  async at(datetime: string, bodyHash: string): Promise<Signed> {
    const { canonicalHeaders, constant } = this.#template;
    // Not by changing `this`, since many signatures may be in progress at once.
    const one: KindSigner = Object.assign(Object.create(this), {
      datetime,
      bodyHash,
      credentialString: `${datetime.slice(0, 8)}/${this.region}/${this.service}/aws4_request`,
      canonicalHeaders: canonicalHeaders
        .replace(`${hashHeader}:`, `${hashHeader}:${bodyHash}`)
        .replace(`${timeHeader}:${noTime}`, `${timeHeader}:${datetime}`),
    });
    const authorization = await one.authHeader();
    return {
      url: this.url,
      headers: [
        ...constant,
        [hashHeader, bodyHash],
        [timeHeader, datetime],
        ["authorization", authorization],
      ],
    };
  }

  override hexBodyHash(): Promise<string> {
    return Promise.resolve(this.bodyHash);
  }
}

const hashHeader = "x-amz-content-sha256";
const timeHeader = "x-amz-date";

/** The placeholder for a time; aws4fetch replaces an empty one by the current time. */
const noTime = "00000000T000000Z";

/** Formats a time for the header, such as `20130524T000000Z`. */
function timestamp(time: Date): string {
  return time.toISOString().replace(/[:-]|\.\d{3}/g, "");
}
