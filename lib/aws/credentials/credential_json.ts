/**
 * Parses credentials in JSON, as printed by programs and sent by containers' servers.
 *
 * @module
 */

import type { LlamaError } from "../../errors.ts";
import type { Credentials } from "./keys.ts";

/**
 * Returns the fields of a JSON object.
 *
 * @param json The JSON, in UTF-8.
 * @returns Its fields by name; none if it is another kind of value, undefined if it is not JSON.
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
  /** The name of the session token's field. */
  readonly token: string;
  /** Whether token and expiration are required. */
  readonly isTemporary: boolean;
  /**
   * Returns the error to throw.
   *
   * @param why The fault of the credentials.
   */
  readonly refuse: (why: string) => LlamaError;
}

/**
 * Returns the credentials in the fields of a JSON object.
 *
 * @param fields The fields.
 * @param options The required fields.
 * @returns The credentials.
 * @throws {LlamaError} If a field is missing or invalid; the message does not contain its value.
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

/** The maximum length of quoted output in a message. */
const maxWords = 500;

/**
 * Returns foreign output as one line for a message; undefined if it is empty or contains credentials.
 */
export function quotable(words: string): string | undefined {
  if (/SecretAccessKey|SessionToken|"Token"/i.test(words)) return undefined;
  const line = words.trim().replace(/\s*\n\s*/g, "; ").slice(-maxWords);
  return line === "" ? undefined : line;
}
