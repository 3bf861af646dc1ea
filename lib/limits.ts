/**
 * Limits and defaults that several rooms know. They are here so that help texts can name them without
 * loading what uses them.
 *
 * @module
 */

/** Lambda's limit for the JSON of a request, and for that of a response, in bytes. */
export const maxPayloadBytes = 6_291_456;

/** Larger blobs go through the store, where there is one. */
export const maxInlineBytes = 256 * 1024;

/** The largest blobs of a larger message go through the store, where there is one. */
export const maxMessageBytes = 1024 * 1024;

/** The longest delay of a timer, in milliseconds: 24.8 days. */
export const maxTimerMilliseconds = 2 ** 31 - 1;

/** How often an invocation that may have run is retried. */
export const defaultInvokeRetries = 8;

/** Concurrent requests to S3. */
export const defaultS3Concurrency = 32;

/** The header by which llama's emulator of Lambda marks its answers. */
export const emulatorHeader = "x-llama-emulator";
