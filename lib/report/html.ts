/**
 * Builds HTML with escaped interpolations.
 *
 * @module
 */

/** Trusted HTML, which is inserted without escaping. */
export class Html {
  /** @param text The HTML. */
  constructor(readonly text: string) {}
}

/** A value in a template: text, which is escaped, HTML, an array of these, or nothing. */
export type HtmlPart = string | number | Html | undefined | false | readonly HtmlPart[];

/**
 * Tag function for HTML templates; it escapes the parts.
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

/** Renders one part; `undefined` and `false` give nothing. */
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

/** Escapes text. HTML cannot contain control characters, so they become control pictures. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? "")
    .replace(controls, (character) => String.fromCharCode(0x2400 + character.charCodeAt(0)))
    .toWellFormed();
}

// deno-lint-ignore no-control-regex
const controls = /[\0-\x08\x0b-\x1f]/g;

/**
 * Returns a value as JSON that is safe inside a `<script>`: every `<` is escaped.
 *
 * @param value The value.
 * @returns The JSON.
 */
export function jsonIn(value: unknown): Html {
  return new Html(JSON.stringify(value).replaceAll("<", "\\u003c"));
}
