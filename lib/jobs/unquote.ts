/**
 * What the quoting of a command means.
 *
 * @module
 */

/**
 * Returns the words that a POSIX shell reads in a command.
 *
 * A NUL within quotes is a line feed, which GNU parallel writes so in its job log. A comment counts
 * for nothing.
 *
 * @param command The command, quoted by llama, by GNU parallel, or by a person.
 * @returns The words; undefined if the shell would not take them literally: it would expand a
 * variable or a pattern, or run more than one command.
 */
export function literalWords(command: string): string[] | undefined {
  if (plain.test(command)) return command.split(" ").filter((word) => word !== "");
  const words: string[] = [];
  let word: string | undefined;
  piece.lastIndex = 0;
  while (piece.lastIndex < command.length) {
    const found = piece.exec(command);
    if (found === null) return undefined;
    const { bare, single, double, control, escaped, special, space } = found.groups ?? {};
    if (space !== undefined || special === "#" && word === undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
      if (special === "#") return words;
      continue;
    }
    if (special === "~" && word === undefined || braces.test(bare ?? "")) return undefined;
    const text = bare ?? special ?? escaped ?? single ?? double?.replace(/\\([$`"\\])/g, "$1") ??
      unescaped(control ?? "");
    if (text === undefined) return undefined;
    word = (word ?? "") + (bare === undefined ? text.replaceAll("\0", "\n") : text);
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** Commands that any shell reads literally, most of them. */
const plain = /^[A-Za-z0-9_@%+=:,./ -]*$/;

/** What a shell reads as one: `#` and `~` are special where a word begins. */
const piece = new RegExp(
  [
    "(?<bare>[^ \\t\\n\\0|&;<>()$`\"'\\\\*?[#~]+)",
    "'(?<single>[^']*)'",
    '"(?<double>(?:[^"$`\\\\]|\\\\[^\\n\\0])*)"',
    "\\$'(?<control>(?:[^'\\\\]|\\\\[^])*)'",
    "\\\\(?<escaped>[^\\n\\0])",
    "(?<special>[#~])",
    "(?<space>[ \\t]+)",
  ].join("|"),
  "uy",
);

/** What bash expands to several words. */
const braces = /\{[^{}]*(,|\.\.)[^{}]*\}/;

/** The contents of `$'...'`; undefined where it is not text. */
function unescaped(text: string): string | undefined {
  let isText = true;
  const result = text.replace(
    /\\(?:u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([^]))/gu,
    (_, short?: string, long?: string, character?: string) => {
      const code = parseInt(short ?? long ?? "", 16);
      const meant = character === undefined
        ? code <= 0x10ffff ? String.fromCodePoint(code) : undefined
        : escapes.get(character);
      isText &&= meant !== undefined;
      return meant ?? "";
    },
  );
  return isText ? result : undefined;
}

const escapes = new Map([
  ..."\\'\"?".split("").map((character): [string, string] => [character, character]),
  ["a", "\x07"],
  ["b", "\b"],
  ["e", "\x1b"],
  ["E", "\x1b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["v", "\v"],
]);
