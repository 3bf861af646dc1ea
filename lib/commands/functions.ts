/**
 * `llama functions`: llama's functions in AWS.
 *
 * @module
 */

import { listOurs } from "../deploy/ours.ts";
import { llamaTag } from "../deploy/template.ts";
import { runnable } from "./command.ts";
import { type CommandContext, openAws } from "./context.ts";
import { exitCodes } from "./exit.ts";
import { functionsCommand } from "./function_tables.ts";

/** The command, as data and with what it does. */
export const functions = runnable(
  functionsCommand,
  async (_values, _args, context: CommandContext): Promise<number> => {
    const { output, signal } = context;
    const { client } = await openAws(context);
    const found = await listOurs(client, signal);
    if (found.length === 0) {
      const { region } = await client.location();
      await output.message(`no functions of llama's in ${region}`);
      await output.message("hint: `llama update-function -create` makes one");
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
    await output.data(table([
      ["NAME", "KIND", "MEMORY", "TIMEOUT", "PROCESSOR", "STATE", "CHANGED", "STACK"],
      ...rows,
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
