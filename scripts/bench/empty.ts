/**
 * The floor of start-up: a program that does nothing.
 *
 * @module
 */

if (import.meta.main) Deno.exit(0);
