/** Loaded before the program: a clock that is off by some minutes. */

const now = Date.now;
const minutes = Number(Deno.env.get("LLAMA_TEST_SKEW_MINUTES"));

Date.now = () => now() + minutes * 60_000;
