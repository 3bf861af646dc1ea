/**
 * The keys that requests are signed with.
 *
 * @module
 */

/** AWS credentials. */
export interface Credentials {
  /** The access key's public part. */
  readonly accessKeyId: string;
  /** The access key's secret part. */
  readonly secretAccessKey: string;
  /** The token of temporary credentials. */
  readonly sessionToken?: string | undefined;
  /** When they expire, in milliseconds since 1970; never if absent. */
  readonly expiration?: number | undefined;
}
