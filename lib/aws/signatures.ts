/**
 * Signed requests, one after the other.
 *
 * @module
 */

import type { Credentials } from "./credentials/keys.ts";
import { Signer } from "./signer.ts";

/** What is signed. */
export interface Signable {
  /** Whose signature it is. */
  readonly credentials: Credentials;
  /** For which service. */
  readonly service: string;
  /** For which region. */
  readonly region: string;
  /** The HTTP method. */
  readonly method: string;
  /** The whole URL, encoded. */
  readonly url: string;
  /** The headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body's SHA-256 in hexadecimal. */
  readonly bodyHash: string;
  /** When. */
  readonly time: Date;
}

/** A request that can be sent. */
export interface Signed {
  /** Where to. */
  readonly url: URL;
  /** Its headers, `Host` left out. */
  readonly headers: [string, string][];
}

/** How many kinds of request are remembered. */
const mostSigners = 32;

/**
 * Signs requests. Those of one kind, which differ in body and time alone, share all of the work but
 * the two hashes at its end: invocations of one function do.
 */
export class Signatures {
  readonly #signers = new Map<string, KindSigner>();
  // Keys derived from the secret, one a day, region and service; aws4fetch has the field for it.
  readonly #keys = new Map<string, ArrayBuffer>();
  #credentials: Credentials | undefined;

  /**
   * Signs a request.
   *
   * @param signable The request.
   * @returns The same with its signature.
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
    // Taken out and put in again, so that the first is the one that was not used for longest.
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

/** A signer of requests of one kind. */
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

  /** Signs the request with a body, at a time. */
  async at(datetime: string, bodyHash: string): Promise<Signed> {
    const { canonicalHeaders, constant } = this.#template;
    // All that is the same is read through the prototype; what is not may be under way many times.
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

/** In the place of one; aws4fetch takes an empty one for the present. */
const noTime = "00000000T000000Z";

/** As the header has it: `20130524T000000Z`. */
function timestamp(time: Date): string {
  return time.toISOString().replace(/[:-]|\.\d{3}/g, "");
}
