/**
 * `llama delete-function`: a function that is no longer needed.
 *
 * @module
 */

import { deleteFunction as deleteInLambda } from "../aws/lambda_control.ts";
import { findOurs, listOurs } from "../deploy/ours.ts";
import { defaultStackName } from "../deploy/template.ts";
import { LlamaError } from "../errors.ts";
import { runnable } from "./command.ts";
import { type CommandContext, openAws } from "./context.ts";
import { exitCodes } from "./exit.ts";
import { deleteFunctionCommand } from "./function_tables.ts";

/** The command, as data and with what it does. */
export const deleteFunction = runnable(
  deleteFunctionCommand,
  async (_values, [name = ""], context: CommandContext): Promise<number> => {
    const { environment, output, signal } = context;
    const { client, settings } = await openAws(context);
    const { repository, stack = defaultStackName } = settings;
    const found = await findOurs(client, name, settings, signal);
    if (!found) {
      const { region } = await client.location();
      throw new LlamaError("no-such-function", `no function ${JSON.stringify(name)} in ${region}`, {
        hint: "`llama functions` shows those there are",
      });
    }
    await deleteInLambda(client, name, signal);
    await output.data(`deleted ${name}\n`);
    if (found.image !== undefined) {
      const { removeImage } = await import("../image/remove.ts");
      const removed = await removeImage(found, {
        ...{ client, environment, repository, stack, signal },
        others: await listOurs(client, signal),
      });
      if (removed !== undefined) await output.data(`deleted ${removed}\n`);
    }
    await output.message(`left: the log group /aws/lambda/${name}`);
    return exitCodes.ok;
  },
);
