/**
 * Recognizes contents that do not compress.
 *
 * @module
 */

/** The number of bytes to look at. */
const sampleBytes = 4096;

/** The limit of the measure below: 1.06 for random bytes, 4 for base64, 10 and more for text. */
const maxEvenness = 1.3;

/**
 * Reports whether contents look random, as pictures and archives do: all values of bytes are equally
 * frequent. This takes a few microseconds, a tenth of compressing a sample.
 *
 * @param beginning The beginning of the contents.
 */
export function looksRandom(beginning: Uint8Array): boolean {
  const sample = beginning.subarray(0, sampleBytes);
  if (sample.length < sampleBytes) return false;
  const counts = new Uint16Array(256);
  for (const byte of sample) counts[byte] = (counts[byte] ?? 0) + 1;
  let squares = 0;
  for (const count of counts) squares += count * count;
  return squares * counts.length / sample.length ** 2 < maxEvenness;
}
