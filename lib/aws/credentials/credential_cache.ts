/**
 * Credentials for as long as a run takes.
 *
 * @module
 */

import { unlessAborted } from "../../async/concurrency.ts";
import type { Credentials } from "./keys.ts";

/** Credentials are found anew this long before they expire, in milliseconds. */
const renewBefore = 300_000;

/** After credentials could not be renewed, this long passes until the next attempt. */
const pauseAfterFailure = 30_000;

/** Finds credentials once for all who ask, and again before they expire. */
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

  /**
   * The credentials to sign with.
   *
   * @param signal Ends the wait; a program or a sign-in may take its time.
   * @returns Credentials that have not expired, where such can be found.
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
      // Those that are there are good for a while.
      if (left <= 0) throw error;
      this.#notBefore = this.#now() + pauseAfterFailure;
      return current;
    }
  }

  /**
   * Finds credentials anew, since a service says that those have expired with which it was called.
   * Where others have been found since then, for another call, they are the ones.
   *
   * @param used Those that the call was signed with.
   * @param signal Ends the wait.
   * @returns Whether there are others now.
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
