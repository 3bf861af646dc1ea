/**
 * Limits and defaults that several modules use. They are here so that help texts can name them without
 * loading those modules.
 *
 * @module
 */

/** Lambda's limit for the payload of a request and of a response, in bytes. */
export const maxPayloadBytes = 6_291_456;

/** Lambda's longest timeout of a function, in seconds. */
export const longestSeconds = 900;

/** The size in bytes above which a blob goes through the store, if there is one. */
export const maxInlineBytes = 256 * 1024;

/** The size in bytes above which a payload's largest blobs go through the store, if there is one. */
export const maxMessageBytes = 1024 * 1024;

/**
 * The maximum size in bytes of compressed contents once they are decompressed: those of all blobs
 * of a message together, and of an object.
 */
export const maxRawBytes = 64 * 1024 * 1024;

/**
 * The size in bytes from which the files that all jobs share are stored once, instead of being sent
 * along with each job.
 */
export const maxSharedInlineBytes = 16 * 1024;

/** The variable that names the directory of the emulator's bucket. */
export const localBucketVariable = "LLAMA_LOCAL_BUCKET";

/** The maximum delay of a timer, in milliseconds: 24.8 days. */
export const maxTimerMilliseconds = 2 ** 31 - 1;

/** The default number of retries of an invocation that may have run. */
export const defaultInvokeRetries = 8;

/** The default number of concurrent requests to S3. */
export const defaultS3Concurrency = 32;

/** When to compress: `auto` does not where the network is faster than compression. */
export type CompressMode = "auto" | "on" | "off";

/** The modes. */
export const compressModes = ["auto", "on", "off"] as const;

/** The header that marks the responses of llama's emulator. */
export const emulatorHeader = "x-llama-emulator";
