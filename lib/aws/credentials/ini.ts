/**
 * INI files as Python's `configparser` reads them, which is what the AWS CLI uses: the same file must
 * not mean something else here. https://docs.python.org/3/library/configparser.html
 *
 * @module
 */

/** A section's settings by name, in lower case. A value of indented lines holds settings itself. */
export type Section = ReadonlyMap<string, string | ReadonlyMap<string, string>>;

/** The AWS CLI refuses the file. The message does not quote the file, which may hold secrets. */
export class IniError extends Error {
  /** The error's class name. */
  override readonly name = "IniError";
}

/** Python's white space; `\s` has U+FEFF too, and lacks some control characters. */
const space =
  "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const leading = new RegExp(`^[${space}]+`);
const trailing = new RegExp(`(?<![${space}])[${space}]+$`);
// deno-lint-ignore no-control-regex
const lineBreak = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/;

/**
 * Reads an INI file.
 *
 * @param text The file's text.
 * @returns Its sections by name, in their order.
 * @throws {IniError} If the AWS CLI refuses the file.
 */
export function parseIni(text: string): Map<string, Section> {
  if (text.startsWith("\ufeff")) throw new IniError("it begins with a byte order mark");
  const sections = new Map<string, Map<string, string[]>>();
  const defaults = new Map<string, string[]>();
  let section: Map<string, string[]> | undefined;
  let value: string[] | undefined;
  let indent = 0;
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    const refuse = (why: string) => new IniError(`line ${index + 1} ${why}`);
    const words = trim(line);
    if (/^[#;]/.test(words)) continue;
    if (words === "") {
      value?.push("");
      continue;
    }
    const depth = leading.exec(line)?.[0].length ?? 0;
    if (value && depth > indent) {
      value.push(words);
      continue;
    }
    indent = depth;
    const header = /^\[([^\n]+)\]/.exec(words)?.[1];
    if (header !== undefined) {
      if (sections.has(header)) throw refuse("repeats a section");
      section = header === "DEFAULT" ? defaults : new Map();
      if (section !== defaults) sections.set(header, section);
      value = undefined;
      continue;
    }
    if (section === undefined) throw refuse("comes before the first [section]");
    const delimiter = words.search(/[=:]/);
    const name = trim(words.slice(0, delimiter)).toLowerCase();
    if (delimiter < 0 || name === "") throw refuse("is not NAME = VALUE");
    if (section.has(name)) throw refuse("repeats a setting of its section");
    value = [trim(words.slice(delimiter + 1))];
    section.set(name, value);
  }
  return new Map([...sections].map(([name, own]) => [name, join(new Map([...defaults, ...own]))]));
}

function join(settings: ReadonlyMap<string, string[]>): Section {
  return new Map([...settings].map(([name, lines]) => {
    const text = lines.join("\n").replace(trailing, "");
    return [name, text.startsWith("\n") ? parseNested(name, text) : text];
  }));
}

function parseNested(name: string, text: string): Map<string, string> {
  const lines = text.split(lineBreak).map(trim).filter((line) => line !== "");
  return new Map(lines.map((line) => {
    const delimiter = line.indexOf("=");
    if (delimiter < 0) throw new IniError(`an indented line below ${name} is not NAME = VALUE`);
    return [trim(line.slice(0, delimiter)), trim(line.slice(delimiter + 1))];
  }));
}

function trim(text: string): string {
  return text.replace(leading, "").replace(trailing, "");
}

/**
 * Splits text into words as a shell does, without expanding anything: Python's `shlex.split`.
 *
 * @param text Words, which quotes and backslashes may hold together.
 * @returns The words.
 * @throws {IniError} If a quote is not closed, or a backslash ends the text.
 */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === quote) {
      quote = undefined;
    } else if (char === "\\" && quote !== "'") {
      const next = text.charAt(++i);
      if (next === "") throw new IniError("it ends in a backslash");
      word = (word ?? "") + (quote === undefined || /["\\]/.test(next) ? next : `\\${next}`);
    } else if (quote !== undefined) {
      word += char;
    } else if (/['"]/.test(char)) {
      quote = char;
      word ??= "";
    } else if (/[ \t\r\n]/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + char;
    }
  }
  if (quote !== undefined) throw new IniError("a quote is not closed");
  if (word !== undefined) words.push(word);
  return words;
}
