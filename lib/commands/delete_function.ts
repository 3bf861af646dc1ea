/**
 * `llama delete-function`: a function that is no longer needed.
 *
 * @module
 */

import { deleteImage } from "../aws/ecr.ts";
import { deleteFunction as deleteInLambda } from "../aws/lambda_control.ts";
import { findOurs } from "../deploy/ours.ts";
import { LlamaError } from "../errors.ts";
import { runnable } from "./command.ts";
import { type CommandContext, openAws } from "./context.ts";
import { exitCodes } from "./exit.ts";
import { deleteFunctionCommand } from "./function_tables.ts";

/** The command, as data and with what it does. */
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
        hint: "`llama functions` shows those there are",
      });
    }
    await deleteInLambda(client, name, signal);
    await output.data(`deleted ${name}\n`);
    // Only the tag that update-function gives: another image may be somebody else's too.
    if (repository !== undefined && found.image === `${repository}:${name}`) {
      await deleteImage(client, repository.slice(repository.indexOf("/") + 1), name, signal);
      await output.data(`deleted ${found.image}\n`);
    }
    await output.message(`left: the log group /aws/lambda/${name}`);
    return exitCodes.ok;
  },
);
