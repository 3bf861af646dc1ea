/**
 * `llama delete-function` deletes a function.
 *
 * @module
 */

import { deleteFunction as deleteInLambda } from "../aws/api/lambda_functions.ts";
import { findOurs, listOurs } from "../deploy/owned_functions.ts";
import { defaultStackName } from "../deploy/stack_template.ts";
import { LlamaError } from "../errors.ts";
import { runnable } from "../cli/command.ts";
import { type CommandContext, openAws } from "./context.ts";
import { exitCodes } from "../cli/exit_status.ts";
import { deleteFunctionCommand } from "./spec/functions.ts";

/** The `delete-function` command. */
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
        hint: "`llama functions` lists the existing ones",
      });
    }
    await deleteInLambda(client, name, signal);
    await output.line(`deleted ${name}`);
    if (found.image !== undefined) {
      const { removeImage } = await import("../image/remove.ts");
      const removed = await removeImage(found, {
        ...{ client, environment, repository, stack, signal },
        others: await listOurs(client, signal),
      });
      if (removed !== undefined) await output.line(`deleted ${removed}`);
    }
    await output.message(`left: the log group /aws/lambda/${name}`);
    return exitCodes.ok;
  },
);
