/**
 * What a compiled program was made of.
 *
 * @module
 */

/** The commit; `scripts/bundle.ts` puts another module in this one's place. */
export const commit: string | undefined = undefined;
