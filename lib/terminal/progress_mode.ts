/**
 * The values of `-progress`, apart from the display, so that specs need not load it.
 *
 * @module
 */

/** The values of `-progress`. */
export const progressModes = ["auto", "bar", "lines", "none"] as const;

/** A value of `-progress`. */
export type ProgressMode = typeof progressModes[number];
