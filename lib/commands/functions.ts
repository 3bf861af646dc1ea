/**
 * `llama functions` lists llama's functions in AWS.
 *
 * @module
 */

import { listOurs } from "../deploy/owned_functions.ts";
import { llamaTag } from "../deploy/stack_template.ts";
import { printableLine } from "../text/printable.ts";
import { runnable } from "../cli/command.ts";
import { type CommandContext, openAws } from "./context.ts";
import { exitCodes } from "../cli/exit_status.ts";
import { functionsCommand } from "./spec/functions.ts";

/** The `functions` command. */
export const functions = runnable(
  functionsCommand,
  async (_values, _args, context: CommandContext): Promise<number> => {
    const { output, signal } = context;
    const { client } = await openAws(context);
    const found = await listOurs(client, signal);
    if (found.length === 0) {
      const { region } = await client.location();
      await output.message(`no llama functions in ${region}`);
      await output.message("hint: `llama update-function -create` creates one");
      return exitCodes.ok;
    }
    const rows = found.map((each) => [
      each.name,
      each.kind,
      `${each.memory} MB`,
      `${each.timeout} s`,
      each.architecture,
      each.update === "Successful" ? each.state : `${each.state}, update ${each.update}`,
      each.lastModified.slice(0, 16),
      each.tags[llamaTag] || "-",
    ]);
    await output.text(table([
      ["NAME", "KIND", "MEMORY", "TIMEOUT", "ARCHITECTURE", "STATE", "CHANGED", "STACK"],
      ...rows.map((row) => row.map(printableLine)),
    ]));
    return exitCodes.ok;
  },
);

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0))
  );
  return rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd() + "\n"
  ).join("");
}
