/**
 * What settings are where nothing is said. For themselves, so that help texts name them without what
 * goes by them.
 *
 * @module
 */

/** The header by which llama's emulator of Lambda marks its answers. */
export const emulatorHeader = "x-llama-emulator";

/** How often an invocation that may have run is repeated. */
export const defaultInvokeRetries = 8;

/** The most requests to S3 at once, where nothing else is said. */
export const defaultS3Concurrency = 32;
