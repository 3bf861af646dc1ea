/**
 * Credentials as JSON, which programs print and containers' servers answer with.
 *
 * @module
 */

import type { LlamaError } from "../../errors.ts";
import type { Credentials } from "./keys.ts";

/**
 * Returns the fields of a JSON object.
 *
 * @param json The JSON, in UTF-8.
 * @returns Its fields by name; none if it is a value of another kind, undefined if it is not JSON.
 */
export function fieldsIn(json: Uint8Array): ReadonlyMap<string, unknown> | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(json);
    return new Map<string, unknown>(Object.entries(Object(JSON.parse(text))));
  } catch {
    // The error quotes the text, which may be a secret.
    return undefined;
  }
}

/** Options for {@linkcode credentialsIn}. */
export interface CredentialFields {
  /** The field that has the session token. */
  readonly token: string;
  /** Whether token and expiration must be there. */
  readonly isTemporary: boolean;
  /**
   * Makes the error.
   *
   * @param why What is wrong with the credentials.
   * @returns An error to throw.
   */
  readonly refuse: (why: string) => LlamaError;
}

/**
 * Returns the credentials in the fields of a JSON object.
 *
 * @param fields The fields.
 * @param options Which fields there must be.
 * @returns The credentials.
 * @throws {LlamaError} If a field is missing or is not what it should be; without its value.
 */
export function credentialsIn(
  fields: ReadonlyMap<string, unknown>,
  options: CredentialFields,
): Credentials {
  const { token, isTemporary, refuse } = options;
  const text = (name: string): string => {
    const value = fields.get(name);
    if (typeof value === "string" && value !== "") return value;
    throw refuse(`without ${name}`);
  };
  const optional = (name: string) =>
    isTemporary || (fields.get(name) ?? undefined) !== undefined ? text(name) : undefined;
  const expiry = optional("Expiration");
  const expiration = expiry === undefined ? undefined : Date.parse(expiry);
  if (Number.isNaN(expiration)) throw refuse("with an Expiration that is not a time");
  return {
    accessKeyId: text("AccessKeyId"),
    secretAccessKey: text("SecretAccessKey"),
    sessionToken: optional(token),
    expiration,
  };
}

/** The most characters of somebody else's words that a message quotes. */
const maxWords = 500;

/**
 * Returns somebody else's words for a message.
 *
 * @param words The words.
 * @returns One line of them; undefined if there are none or they hold credentials.
 */
export function quotable(words: string): string | undefined {
  if (/SecretAccessKey|SessionToken|"Token"/i.test(words)) return undefined;
  const line = words.trim().replace(/\s*\n\s*/g, "; ").slice(-maxWords);
  return line === "" ? undefined : line;
}
