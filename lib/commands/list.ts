/**
 * The list of the commands, each of which is loaded when it is named.
 *
 * @module
 */

import { type Listed, listed, type RunnableCommand } from "../cli/command.ts";
import type { CommandContext } from "./context.ts";
import { entries } from "./spec/entries.ts";

/** The commands besides `help` and `version`, in the order of the help. */
export const commands: readonly Listed<RunnableCommand<CommandContext>>[] = [
  listed(
    entries.invoke,
    async () => (await import("./spec/invoke.ts")).invokeCommand,
    async () => (await import("./invoke.ts")).invoke,
  ),
  listed(
    entries.xargs,
    async () => (await import("./spec/xargs.ts")).xargsCommand,
    async () => (await import("./xargs.ts")).xargs,
  ),
  listed(
    entries.runs,
    async () => (await import("./spec/runs.ts")).runsCommand,
    async () => (await import("./runs.ts")).runs,
  ),
  listed(
    entries.report,
    async () => (await import("./spec/report.ts")).reportCommand,
    async () => (await import("./report.ts")).runReport,
  ),
  listed(
    entries.local,
    async () => (await import("./spec/local.ts")).localCommand,
    async () => (await import("./local.ts")).local,
  ),
  listed(
    entries.bootstrap,
    async () => (await import("./spec/setup.ts")).bootstrapCommand,
    async () => (await import("./bootstrap.ts")).bootstrap,
  ),
  listed(
    entries.config,
    async () => (await import("./spec/setup.ts")).configCommand,
    async () => (await import("./config.ts")).config,
  ),
  listed(
    entries.doctor,
    async () => (await import("./spec/setup.ts")).doctorCommand,
    async () => (await import("./doctor.ts")).doctor,
  ),
  listed(
    entries.teardown,
    async () => (await import("./spec/setup.ts")).teardownCommand,
    async () => (await import("./teardown.ts")).teardown,
  ),
  listed(
    entries.updateFunction,
    async () => (await import("./spec/functions.ts")).updateFunctionCommand,
    async () => (await import("./update_function.ts")).updateFunction,
  ),
  listed(
    entries.functions,
    async () => (await import("./spec/functions.ts")).functionsCommand,
    async () => (await import("./functions.ts")).functions,
  ),
  listed(
    entries.deleteFunction,
    async () => (await import("./spec/functions.ts")).deleteFunctionCommand,
    async () => (await import("./delete_function.ts")).deleteFunction,
  ),
  listed(
    entries.completion,
    async () => (await import("./spec/completion.ts")).completionCommand,
    async () => (await import("./completion.ts")).completion(() => commands),
  ),
];
