/**
 * The `llama` program: runs a command line and exits.
 *
 * @module
 */

import { commit } from "../commit.ts";
import type { Environment } from "../environment.ts";
import { LlamaError } from "../errors.ts";
import { onInterrupt } from "../terminal/interrupt.ts";
import { Output, OutputClosed } from "../terminal/output.ts";
import { terminalSize } from "../terminal/terminal_size.ts";
import { printableLine } from "../text/printable.ts";
import { version } from "../version.ts";
import { loadable, type RunnableCommand } from "../cli/command.ts";
import { hintOf, parseCommandLine } from "../cli/parse.ts";
import { completionCommand } from "./spec/completion.ts";
import type { CommandContext } from "./context.ts";
import { exitCodeOf, exitCodes } from "../cli/exit_status.ts";
import { program } from "./spec/global.ts";
import { invokeCommand } from "./spec/invoke.ts";
import { localCommand } from "./spec/local.ts";
import { xargsCommand } from "./spec/xargs.ts";
import {
  deleteFunctionCommand,
  functionsCommand,
  updateFunctionCommand,
} from "./spec/functions.ts";
import { reportCommand } from "./spec/report.ts";
import { runsCommand } from "./spec/runs.ts";
import { bootstrapCommand, configCommand, doctorCommand, teardownCommand } from "./spec/setup.ts";
import { checkSurroundings } from "./preflight.ts";
import { Shutdown } from "./shutdown.ts";

/** The commands besides `help` and `version`, in the order of the help. */
export const commands: readonly RunnableCommand<CommandContext>[] = [
  loadable(invokeCommand, async () => (await import("./invoke.ts")).invoke),
  loadable(xargsCommand, async () => (await import("./xargs.ts")).xargs),
  loadable(runsCommand, async () => (await import("./runs.ts")).runs),
  loadable(reportCommand, async () => (await import("./report.ts")).runReport),
  loadable(localCommand, async () => (await import("./local.ts")).local),
  loadable(bootstrapCommand, async () => (await import("./bootstrap.ts")).bootstrap),
  loadable(configCommand, async () => (await import("./config.ts")).config),
  loadable(doctorCommand, async () => (await import("./doctor.ts")).doctor),
  loadable(teardownCommand, async () => (await import("./teardown.ts")).teardown),
  loadable(
    updateFunctionCommand,
    async () => (await import("./update_function.ts")).updateFunction,
  ),
  loadable(functionsCommand, async () => (await import("./functions.ts")).functions),
  loadable(
    deleteFunctionCommand,
    async () => (await import("./delete_function.ts")).deleteFunction,
  ),
  loadable(
    completionCommand,
    async () => (await import("./completion.ts")).completion(() => commands),
  ),
];

/**
 * Runs a command line, and exits the process with its status.
 *
 * @param argv The command line without the program's name.
 * @param environment The environment variables.
 */
export async function main(argv: readonly string[], environment: Environment): Promise<never> {
  const output = new Output(Deno.stdout, Deno.stderr);
  const shutdown = new Shutdown(output);
  exitOnRejection(output, shutdown);
  let status: number;
  try {
    using _signals = onInterrupt((reason) => shutdown.interrupt(reason));
    status = await runCommandLine(argv, contextOf(environment, output, shutdown));
    await shutdown.close();
  } catch (error) {
    status = await statusOf(error, output, shutdown.signal);
    await shutdown.closeAfterFailure();
  }
  return shutdown.exit(status);
}

/** Exits if a promise is rejected that nobody awaits, which is a defect. */
function exitOnRejection(output: Output, shutdown: Shutdown): void {
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    void reportUnexpected(output, event.reason).finally(() => shutdown.exit(exitCodes.failed));
  });
}

type ContextWithoutFlags = Omit<CommandContext, "global" | "flagWords">;

function contextOf(
  environment: Environment,
  output: Output,
  shutdown: Shutdown,
): ContextWithoutFlags {
  return {
    environment,
    output,
    stdin: () => Deno.stdin.readable,
    isStdinTerminal: Deno.stdin.isTerminal(),
    terminalSize,
    signal: shutdown.signal,
    drain: () => shutdown.drain(),
    closeAtExit: (closable) => shutdown.closeAtExit(closable),
  };
}

async function runCommandLine(
  argv: readonly string[],
  context: ContextWithoutFlags,
): Promise<number> {
  const { output } = context;
  const line = parseCommandLine(argv, commands, program);
  switch (line.kind) {
    case "command":
      checkSurroundings(argv);
      return await line.command.run(line.values, line.args, {
        ...context,
        global: line.global,
        flagWords: line.flagWords,
      });
    case "version":
      await output.text(`llama ${version}${commit === undefined ? "" : ` (${commit})`}\n`);
      return exitCodes.ok;
    case "help": {
      const { commandHelp, helpText } = await import("../cli/help.ts");
      const text = line.topic ? await commandHelp(line.topic) : helpText(commands, program);
      await (line.stream === "stdout" ? output.data(text) : output.talk(text));
      return line.exitCode;
    }
    case "usage":
      await output.lines(
        `${printableLine(line.message)}\n${printableLine(await hintOf(line))}\n`,
      );
      return line.exitCode;
  }
}

async function statusOf(error: unknown, output: Output, signal: AbortSignal): Promise<number> {
  if (error instanceof OutputClosed) return exitCodes.pipeClosed;
  // Errors after an interruption are its consequences.
  if (signal.aborted) return signal.reason.exitCode;
  if (error instanceof LlamaError) {
    const { reportError } = await import("./messages.ts");
    await reportError(output, error);
    return exitCodeOf(error, exitCodes.failed);
  }
  await reportUnexpected(output, error);
  return exitCodes.failed;
}

async function reportUnexpected(output: Output, error: unknown): Promise<void> {
  const details = error instanceof Error ? error.stack ?? error.message : String(error);
  await output.lines(`llama: internal error, please report it: ${details}`);
}
