/**
 * HTML in which text stays text.
 *
 * @module
 */

/** HTML that may go into a page as it is. */
export class Html {
  /** @param text The HTML. */
  constructor(readonly text: string) {}
}

/** What a template can hold: text, which is escaped; HTML; several of them; nothing. */
export type HtmlPart = string | number | Html | undefined | false | readonly HtmlPart[];

/**
 * Tags a template whose parts are escaped.
 *
 * @param strings The HTML around the parts.
 * @param parts The parts.
 * @returns The HTML.
 */
export function markup(strings: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  return new Html(
    strings.reduce((text, string, index) => text + textOf(parts[index - 1]) + string, ""),
  );
}

/** The first string has no part before it, and a part that is absent is nothing. */
function textOf(part: HtmlPart): string {
  if (part === undefined || part === false) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map(textOf).join("");
  return escaped(String(part));
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Control characters have no place in a document, and a page shows them as what stands for them. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? "")
    .replace(controls, (character) => String.fromCharCode(0x2400 + character.charCodeAt(0)))
    .toWellFormed();
}

// deno-lint-ignore no-control-regex
const controls = /[\0-\x08\x0b-\x1f]/g;

/**
 * A value as JSON that can stand in a `<script>`: no `<` in it begins a tag.
 *
 * @param value The value.
 * @returns The JSON.
 */
export function jsonIn(value: unknown): Html {
  return new Html(JSON.stringify(value).replaceAll("<", "\\u003c"));
}
