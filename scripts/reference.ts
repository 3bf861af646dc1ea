/**
 * Writes the command reference from the definitions of the commands: a Markdown page and a manual page.
 *
 * @module
 */

import type { Command, HelpRow } from "../lib/cli/command.ts";
import { flagRows } from "../lib/cli/help.ts";
import { synopsis, withHelp } from "../lib/cli/synopsis.ts";
import { commands } from "../lib/commands/list.ts";
import { program } from "../lib/commands/spec/global.ts";
import { version } from "../lib/version.ts";

/** The Markdown page. */
export const referenceFile = new URL("../docs/reference.md", import.meta.url);

/** The manual page. */
export const manualFile = new URL("../docs/llama.1", import.meta.url);

const allCommands = await Promise.all(withHelp(commands).map((command) => command.load()));

/** A paragraph of a help text. */
interface Paragraph {
  /** One line, or the lines of preformatted text. */
  readonly text: string;
  readonly isPreformatted: boolean;
}

function paragraphsOf({ details, summary }: Command): Paragraph[] {
  const text = details ?? `${summary.slice(0, 1).toUpperCase()}${summary.slice(1)}.`;
  return text.trimEnd().split("\n\n").map((part) =>
    part.startsWith("  ")
      ? { text: part.replace(/^ {2}/gm, ""), isPreformatted: true }
      : { text: part.replaceAll("\n", " "), isPreformatted: false }
  );
}

/**
 * Returns the Markdown page.
 *
 * @returns The text, as `deno fmt` formats it.
 */
export async function referencePage(): Promise<string> {
  const list = allCommands.map(({ name, summary }) => [
    `[llama ${name}](#llama-${name})`,
    escaped(summary),
  ]);
  const parts = [
    "# Command reference",
    "The text of `llama help` and `llama help COMMAND`. This page and the manual page " +
    "[llama.1](llama.1) are generated from the definitions of the commands; `deno task reference` " +
    "updates them.",
    block("console", "$ llama [GLOBAL FLAGS] COMMAND [FLAGS] ARGS..."),
    table(["command", ""], list),
    "## Global flags",
    "Global flags go before the command.",
    flagTable(flagRows(program.flags)),
    ...program.sections.flatMap(({ title, rows }) => [`## ${title}`, flagTable(rows, "")]),
    ...(await Promise.all(allCommands.map(commandParts))).flat(),
  ];
  return await formatted(parts.join("\n\n") + "\n");
}

async function commandParts(command: Command): Promise<string[]> {
  const { name, flags } = command;
  const examples = await command.examples?.() ?? [];
  const rows = flagRows(flags);
  return [
    `## llama ${name}`,
    block("console", `$ ${synopsis(command)}`),
    ...paragraphsOf(command).map(({ text, isPreformatted }) =>
      isPreformatted ? block("text", text) : escaped(text)
    ),
    ...rows.length === 0 ? [] : [flagTable(rows)],
    ...examples.length === 0
      ? []
      : [block("sh", examples.map(({ text, command }) => `# ${text}\n${command}`).join("\n\n"))],
  ];
}

function block(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}

function flagTable(rows: readonly HelpRow[], heading = "flag"): string {
  return table([heading, ""], rows.map(([left, right]) => [`\`${left}\``, escaped(right)]));
}

function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");
  return [headings, headings.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.map(cell).join(" | ")} |`)
    .join("\n");
}

/** Escapes what has a meaning in Markdown, except the backquotes of code. */
function escaped(text: string): string {
  return text.split(/(`[^`]*`)/).map((part, index) =>
    index % 2 === 1 ? part : part.replace(/[\\*_<>[\]]/g, "\\$&")
  ).join("");
}

async function formatted(markdown: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--no-config", "--line-width", "100", "--ext", "md", "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(markdown));
  await writer.close();
  const { success, stdout } = await output;
  if (!success) throw new Error("deno fmt failed");
  return new TextDecoder().decode(stdout);
}

/** Returns the manual page, in the format of man(7). */
export async function manualPage(): Promise<string> {
  return [
    `.TH LLAMA 1 "" "llama ${version}" "User Commands"`,
    ".SH NAME",
    `llama \\- ${roff(program.summary.replace(/^llama |\.$/g, ""))}`,
    ".SH SYNOPSIS",
    ".B llama",
    roff("[GLOBAL FLAGS] COMMAND [FLAGS] ARGS..."),
    ".SH GLOBAL FLAGS",
    "Global flags go before the command.",
    ...entries(flagRows(program.flags)),
    ".SH COMMANDS",
    ...(await Promise.all(allCommands.map(manualParts))).flat(),
    ...program.sections.flatMap(({ title, rows }) => [
      `.SH ${roff(title.toUpperCase())}`,
      ...entries(rows),
    ]),
    ".SH SEE ALSO",
    ".BR xargs (1),",
    ".BR parallel (1)",
  ].join("\n") + "\n";
}

async function manualParts(command: Command): Promise<string[]> {
  const { name, flags } = command;
  const examples = await command.examples?.() ?? [];
  return [
    `.SS llama ${roff(name)}`,
    `.B ${roff(synopsis(command))}`,
    ...paragraphsOf(command).flatMap(({ text, isPreformatted }) =>
      isPreformatted ? preformatted(text) : [".PP", roff(text)]
    ),
    ...entries(flagRows(flags)),
    ...examples.flatMap(({ text, command }) => [
      ".PP",
      roff(`${text.slice(0, 1).toUpperCase()}${text.slice(1)}:`),
      ...preformatted(command),
    ]),
  ];
}

function entries(rows: readonly HelpRow[]): string[] {
  return rows.flatMap(([left, right]) => [".TP", `.B ${roff(left)}`, roff(right)]);
}

function preformatted(text: string): string[] {
  return [".PP", ".RS 4", ".nf", ...text.split("\n").map(roff), ".fi", ".RE"];
}

const special: Readonly<Record<string, string>> = {
  "\\": "\\e",
  "-": "\\-",
  "'": "\\(aq",
  '"': "\\(dq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
};

/** Escapes text for roff, so that commands can be copied from the page. */
function roff(text: string): string {
  return text.replaceAll("\n", " ").replace(/[-\\'"`^~]/g, (char) => special[char] ?? char)
    .replace(/^\./, "\\&.");
}

if (import.meta.main) {
  await Deno.writeTextFile(referenceFile, await referencePage());
  await Deno.writeTextFile(manualFile, await manualPage());
}
