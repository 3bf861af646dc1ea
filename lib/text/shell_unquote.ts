/**
 * Parses commands that are quoted for a shell.
 *
 * @module
 */

/**
 * Splits a command into the words that a POSIX shell would read.
 *
 * A NUL within quotes is read as a line feed, which is written so in GNU parallel's job log. Comments
 * are ignored.
 *
 * @param command The command, quoted by llama, by GNU parallel, or by a person.
 * @returns The words; undefined if the shell would expand a variable or a pattern, or run more than
 * one command.
 */
export function literalWords(command: string): string[] | undefined {
  if (plain.test(command)) return command.split(" ").filter((word) => word !== "");
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < command.length;) {
    const piece = pieceAt(command, at, word === undefined);
    if (piece === undefined) return undefined;
    if (piece.text !== undefined) word = (word ?? "") + piece.text;
    else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
    at = piece.end;
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** A part of a word, or a separator, and the index of its end. */
interface Piece {
  readonly text: string | undefined;
  readonly end: number;
}

function pieceAt(command: string, at: number, isWordStart: boolean): Piece | undefined {
  switch (command[at]) {
    case " ":
    case "\t":
      return { text: undefined, end: at + 1 };
    case "'": {
      const close = command.indexOf("'", at + 1);
      return close < 0 ? undefined : { text: lines(command.slice(at + 1, close)), end: close + 1 };
    }
    case '"': {
      const inner = match(doubleQuoted, command, at);
      return inner && { text: lines(inner.text.replace(/\\([$`"\\])/g, "$1")), end: inner.end };
    }
    case "$": {
      const inner = match(controls, command, at);
      const text = inner && unescaped(inner.text);
      return inner && text !== undefined ? { text: lines(text), end: inner.end } : undefined;
    }
    case "\\":
      return match(escaped, command, at);
    case "#":
      return isWordStart ? { text: undefined, end: command.length } : { text: "#", end: at + 1 };
    case "~":
      return isWordStart ? undefined : { text: "~", end: at + 1 };
    default: {
      const inner = match(bare, command, at);
      return inner && !braces.test(inner.text) ? inner : undefined;
    }
  }
}

function match(
  pattern: RegExp,
  command: string,
  at: number,
): { text: string; end: number } | undefined {
  pattern.lastIndex = at;
  const [all, text = all] = pattern.exec(command) ?? [];
  return all === undefined || text === undefined ? undefined : { text, end: at + all.length };
}

function lines(text: string): string {
  return text.replaceAll("\0", "\n");
}

/** Most commands: those without any character that is special to a shell. */
const plain = /^[A-Za-z0-9_@%+=:,./ -]*$/;

const bare = /[^ \t\n\0|&;<>()$`"'\\*?[#~]+/y;
const doubleQuoted = /"((?:[^"$`\\]|\\[^\n\0])*)"/y;
const controls = /\$'((?:[^'\\]|\\[^])*)'/y;
const escaped = /\\([^\n\0])/uy;

/** A brace expression, which bash expands to several words. */
const braces = /\{[^{}]*(,|\.\.)[^{}]*\}/;

/** Decodes the contents of `$'...'`; undefined if an escape is not a character. */
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
