/**
 * `llama delete-function` deletes a function.
 *
 * @module
 */

import { deleteImage } from "../aws/api/ecr.ts";
import { deleteFunction as deleteInLambda } from "../aws/api/lambda_functions.ts";
import { findOurs } from "../deploy/owned_functions.ts";
import { LlamaError } from "../errors.ts";
import { runnable } from "../cli/command.ts";
import { type CommandContext, openAws } from "./context.ts";
import { exitCodes } from "../cli/exit_status.ts";
import { deleteFunctionCommand } from "./spec/functions.ts";

/** The `delete-function` command. */
export const deleteFunction = runnable(
  deleteFunctionCommand,
  async (_values, [name = ""], context: CommandContext): Promise<number> => {
    const { output, signal } = context;
    const { client, settings } = await openAws(context);
    const { repository } = settings;
    const found = await findOurs(client, name, settings, signal);
    if (!found) {
      const { region } = await client.location();
      throw new LlamaError("no-such-function", `no function ${JSON.stringify(name)} in ${region}`, {
        hint: "`llama functions` lists the existing ones",
      });
    }
    await deleteInLambda(client, name, signal);
    await output.line(`deleted ${name}`);
    // Only the tag that update-function assigns: any other image may be in use elsewhere.
    if (repository !== undefined && found.image === `${repository}:${name}`) {
      await deleteImage(client, repository.slice(repository.indexOf("/") + 1), name, signal);
      await output.line(`deleted ${found.image}`);
    }
    await output.message(`left: the log group /aws/lambda/${name}`);
    return exitCodes.ok;
  },
);
