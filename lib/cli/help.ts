/**
 * Help texts. Loaded only to print one.
 *
 * @module
 */

import type { Command, HelpRow, Listed, Program } from "./command.ts";
import type { FlagTable } from "./flags.ts";
import { synopsis, withHelp, written } from "./synopsis.ts";

/** The width of help texts. */
const maxColumns = 80;

/** The greatest width of the left column. */
const maxLeft = 24;

/**
 * Returns the help of the program as a whole, at most 80 columns wide.
 *
 * @param commands The commands besides `help` and `version`.
 * @param program What the program accepts before a command.
 */
export function helpText(commands: readonly Listed[], program: Program): string {
  const all = withHelp(commands);
  const width = Math.max(...all.map((command) => command.name.length));
  const groups = new Set(all.map((command) => command.group));
  return paragraphs([
    program.summary,
    "Usage: llama [GLOBAL FLAGS] COMMAND [FLAGS] ARGS...",
    ...[...groups].map((group) => {
      const members = all.filter((command) => command.group === group);
      return section(group, members.map(({ name, summary }) => [name.padEnd(width), summary]));
    }),
    section("Global flags, before the command", flagRows(program.flags)),
    ...program.sections.map(({ title, rows }) => section(title, rows)),
    "For help on a command: llama help COMMAND",
  ]);
}

/**
 * Returns the help of one command, at most 80 columns wide.
 *
 * @param command The command.
 */
export async function commandHelp(command: Command): Promise<string> {
  const { summary, details, flags } = command;
  const examples = await command.examples?.() ?? [];
  return paragraphs([
    `Usage: ${synopsis(command)}`,
    details ?? `llama ${command.name}: ${summary}`,
    section("Flags", flagRows(flags)),
    section(
      "Examples",
      examples.map(({ text, command }, index): HelpRow => [
        `${index + 1}.`,
        `${text}\n  ${command.replaceAll("\n", "\n  ")}`,
      ]),
    ),
    "Global flags go before the command: see llama help",
  ]);
}

/**
 * Returns the flags of a table in two columns: how each is written, and what it does.
 *
 * @param flags The flags.
 */
export function flagRows(flags: FlagTable): HelpRow[] {
  return Object.entries(flags).map(([name, flag]) => {
    const [last = name, ...others] = [name, ...flag.aliases];
    const left = [...others.map((other) => `-${other}`), written(last, flag)].join(", ");
    const suffix = typeof flag.initial === "number" ? ` (default ${flag.initial})` : "";
    return [left, flag.help + suffix];
  });
}

function paragraphs(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part).join("\n\n") + "\n";
}

function section(title: string, rows: readonly HelpRow[]): string | undefined {
  if (rows.length === 0) return undefined;
  const widest = Math.max(
    0,
    ...rows.map(([left]) => left.length).filter((width) => width <= maxLeft),
  );
  const indent = 2 + widest + 2;
  const lines = rows.flatMap(([left, right]) => {
    const [first = "", ...more] = wrap(right, maxColumns - indent);
    const start = `  ${left}`.padEnd(indent);
    // A flag that is wider than its column stands on a line of its own.
    return left.length > widest
      ? [start, ...[first, ...more].map((line) => " ".repeat(indent) + line)]
      : [start + first, ...more.map((line) => " ".repeat(indent) + line)];
  });
  return [`${title}:`, ...lines].join("\n");
}

/** Wraps long lines at spaces; indented lines stay as they are. */
function wrap(text: string, width: number): string[] {
  return text.split("\n").flatMap((line) => {
    if (line.startsWith(" ")) return [line];
    const lines: string[] = [];
    let current = "";
    for (const word of line.split(" ")) {
      if (current !== "" && current.length + 1 + word.length > width) {
        lines.push(current);
        current = word;
      } else {
        current = current === "" ? word : `${current} ${word}`;
      }
    }
    return [...lines, current];
  });
}
