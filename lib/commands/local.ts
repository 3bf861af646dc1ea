/**
 * `llama local`: serves Lambda's API on this machine to other shells.
 *
 * @module
 */

import { findAccount } from "../aws/account.ts";
import { isOn } from "../environment.ts";
import { shellQuote } from "../text/shell_quote.ts";
import { startLocal } from "../local/start.ts";
import { runnable } from "../cli/command.ts";
import { accountOptions, type CommandContext, localOptions } from "./context.ts";
import { localCommand } from "./spec/local.ts";

/** `llama local`. */
export const local = runnable(
  localCommand,
  async (values, _args, context: CommandContext): Promise<never> => {
    const { global, environment, output, signal, closeAtExit } = context;
    const lambda = closeAtExit(
      await startLocal(
        { ...localOptions(global), concurrency: values.concurrency },
        { ...findAccount(environment, accountOptions(global)), store: global.store || undefined },
        environment,
        { listen: values.listen, onLog: (line) => void output.lines(line) },
      ),
    );
    // With LLAMA_LOCAL, llama in the other shells would start an emulator of its own.
    const unset = isOn(environment["LLAMA_LOCAL"]) ? "unset LLAMA_LOCAL\n" : "";
    const exports = Object.entries(lambda.environment())
      .map(([name, value]) => `export ${name}=${shellQuote([value])}\n`);
    await output.data(unset + exports.join(""));
    await output.message(
      `serving Lambda's API at ${lambda.endpoint} until ctrl-C; paste the lines above into a shell`,
    );
    const stopped = Promise.withResolvers<never>();
    signal.addEventListener("abort", () => stopped.reject(signal.reason), { once: true });
    if (signal.aborted) throw signal.reason;
    return await stopped.promise;
  },
);
