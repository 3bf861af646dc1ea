/**
 * Runs a command from a parsed command line to the end of the process, signals included.
 *
 * @module
 */

import type { RunnableCommand } from "../cli/command.ts";
import { exitCodes } from "../cli/exit_status.ts";
import type { ParsedCommand } from "../cli/parse.ts";
import type { Environment } from "../environment.ts";
import { onInterrupt } from "../terminal/interrupt.ts";
import { type Output, OutputClosed } from "../terminal/output.ts";
import { terminalSize } from "../terminal/terminal_size.ts";
import type { CommandContext } from "./context.ts";
import { checkSurroundings } from "./preflight.ts";
import { Shutdown } from "./shutdown.ts";
import type { globalFlags } from "./spec/global.ts";

/**
 * Runs a command, and exits the process with its status.
 *
 * @param line The parsed command line.
 * @param argv The command line without the program's name.
 * @param environment The environment variables.
 * @param output The streams.
 */
export async function runAndExit(
  line: ParsedCommand<RunnableCommand<CommandContext>, typeof globalFlags>,
  argv: readonly string[],
  environment: Environment,
  output: Output,
): Promise<never> {
  const shutdown = new Shutdown(output);
  exitOnRejection(output, shutdown);
  let status: number;
  try {
    using _signals = onInterrupt((reason) => shutdown.interrupt(reason));
    checkSurroundings(argv);
    const { command, values, args, global, flagWords } = line;
    status = await command.run(values, args, {
      ...{ environment, output, global, flagWords, terminalSize },
      stdin: () => Deno.stdin.readable,
      isStdinTerminal: Deno.stdin.isTerminal(),
      signal: shutdown.signal,
      drain: () => shutdown.drain(),
      closeAtExit: (closable) => shutdown.closeAtExit(closable),
    });
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
    void reportRejection(event.reason, output).finally(() => shutdown.exit(exitCodes.failed));
  });
}

async function reportRejection(reason: unknown, output: Output): Promise<void> {
  const { reportUnexpected } = await import("./failures.ts");
  await reportUnexpected(reason, output);
}

async function statusOf(error: unknown, output: Output, signal: AbortSignal): Promise<number> {
  // Errors after an interruption are its consequences.
  if (signal.aborted && !(error instanceof OutputClosed)) return signal.reason.exitCode;
  const { reportedStatus } = await import("./failures.ts");
  return await reportedStatus(error, output);
}
