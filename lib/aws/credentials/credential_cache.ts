/**
 * Caches and renews credentials.
 *
 * @module
 */

import { unlessAborted } from "../../async/concurrency.ts";
import type { Credentials } from "./keys.ts";

/** How long before their expiry credentials are renewed, in milliseconds. */
const renewBefore = 300_000;

/** The pause after a failed renewal, in milliseconds. */
const pauseAfterFailure = 30_000;

/** Finds credentials once for all callers, and renews them before they expire. */
export class CredentialCache {
  readonly #find: () => Promise<Credentials>;
  readonly #now: () => number;
  #current: Credentials | undefined;
  #finding: Promise<Credentials> | undefined;
  #notBefore = 0;

  /**
   * @param find Finds credentials.
   * @param now The time, in milliseconds since 1970.
   */
  constructor(find: () => Promise<Credentials>, now: () => number = Date.now) {
    this.#find = find;
    this.#now = now;
  }

  /** The credentials to sign with; undefined if they are to be found or renewed first. */
  get fresh(): Credentials | undefined {
    const { expiration = Infinity } = this.#current ?? {};
    return expiration - this.#now() > renewBefore ? this.#current : undefined;
  }

  /**
   * Returns the credentials to sign with.
   *
   * @param signal Aborts the wait, which may be long for a program or a sign-in.
   * @throws {LlamaError} `credentials` if there are none.
   * @throws The signal's reason.
   */
  async get(signal?: AbortSignal): Promise<Credentials> {
    const current = this.#current;
    if (current === undefined) return await unlessAborted(this.#renew(), signal);
    const left = (current.expiration ?? Infinity) - this.#now();
    if (left > renewBefore || this.#now() < this.#notBefore) return current;
    try {
      return await unlessAborted(this.#renew(), signal);
    } catch (error) {
      signal?.throwIfAborted();
      // The current ones are still valid.
      if (left <= 0) throw error;
      this.#notBefore = this.#now() + pauseAfterFailure;
      return current;
    }
  }

  /**
   * Renews credentials that a service rejected as expired, unless another call has done so already.
   *
   * @param used The credentials that the call was signed with.
   * @param signal Aborts the wait.
   * @returns Whether the current credentials are different.
   * @throws {LlamaError} `credentials`.
   * @throws The signal's reason.
   */
  async renew(used: Credentials, signal?: AbortSignal): Promise<boolean> {
    if (this.#current === used) await unlessAborted(this.#renew(), signal);
    return this.#current?.accessKeyId !== used.accessKeyId ||
      this.#current.sessionToken !== used.sessionToken;
  }

  #renew(): Promise<Credentials> {
    return this.#finding ??= this.#find().then((found) => this.#current = found)
      .finally(() => this.#finding = undefined);
  }
}
