/** Character classes as in Go's packages unicode and strconv, which are based on Unicode 15. */

/** Unicode's letters, Go's `unicode.IsLetter`. */
export function isLetter(rune: number): boolean {
  if (rune < 0x80) return (rune | 0x20) >= 0x61 && (rune | 0x20) <= 0x7a;
  return /\p{L}/u.test(String.fromCodePoint(rune)) && !isNewer(rune);
}

/** Reports whether a character can be part of a name: a letter, decimal digit or underscore. */
export function isAlphanumeric(rune: number): boolean {
  if (rune < 0x80) {
    return (rune | 0x20) >= 0x61 && (rune | 0x20) <= 0x7a || rune >= 0x30 && rune <= 0x39 ||
      rune === 0x5f;
  }
  return /[\p{L}\p{Nd}]/u.test(String.fromCodePoint(rune)) && !isNewer(rune);
}

/** Reports whether a name starts with an upper-case letter, which makes it visible to templates. */
export function isExported(name: string): boolean {
  const first = name.codePointAt(0) ?? 0;
  if (first < 0x80) return first >= 0x41 && first <= 0x5a;
  return /\p{Lu}/u.test(String.fromCodePoint(first)) && !isNewer(first);
}

/** Go's `strconv.IsPrint`: letters, marks, numbers, punctuation, symbols and the ASCII space. */
export function isPrint(rune: number): boolean {
  if (rune < 0x80) return rune >= 0x20 && rune < 0x7f;
  if (rune > 0x10ffff || rune >= 0xd800 && rune <= 0xdfff) return false;
  return /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(String.fromCodePoint(rune)) && !isNewer(rune);
}

/** Reports whether text is only white space as defined by Go's `unicode.IsSpace`. */
export function isBlank(text: string): boolean {
  return !/[^\p{White_Space}]/u.test(text);
}

/** The characters added in Unicode 15.1 to 17, in hexadecimal. */
const addedRanges = "897 1b4e-1b4f 1b7f 1c89-1c8a 2427-2429 2ffc-2fff 31e4-31e5 31ef a7cb-a7cd " +
  "a7da-a7dc 105c0-105f3 10d40-10d65 10d69-10d85 10d8e-10d8f 10ec2-10ec4 10efc " +
  "11380-11389 1138b 1138e 11390-113b5 113b7-113c0 113c2 113c5 113c7-113ca " +
  "113cc-113d5 113d7-113d8 113e1-113e2 116d0-116e3 11bc0-11be1 11bf0-11bf9 11f5a " +
  "13460-143fa 16100-16139 16d40-16d79 18cff 1cc00-1ccf9 1cd00-1ceb3 1e5d0-1e5fa " +
  "1e5ff 1f8b2-1f8bb 1f8c0-1f8c1 1fa89 1fa8f 1fabe 1fac6 1fadc 1fadf 1fae9 " +
  "1fbcb-1fbef 2ebf0-2ee5d";

let added: [number, number][] | undefined;

/**
 * Reports whether a character is newer than Unicode 15: JavaScript may know it, Go 1.26 does not.
 */
function isNewer(rune: number): boolean {
  added ??= addedRanges.split(" ").map((range) => {
    const [first = "", last = first] = range.split("-");
    return [parseInt(first, 16), parseInt(last, 16)];
  });
  return added.some(([first, last]) => rune >= first && rune <= last);
}
