/**
 * The `llama` program: from a command line to an exit status.
 *
 * @module
 */

import { commit } from "../commit.ts";
import type { Environment } from "../environment.ts";
import { LlamaError } from "../errors.ts";
import { type Interrupted, onInterrupt } from "../terminal/interrupt.ts";
import { Output, OutputClosed } from "../terminal/output.ts";
import { terminalSize } from "../terminal/terminal_size.ts";
import { printableLine } from "../text/printable.ts";
import { version } from "../version.ts";
import { loadable, type RunnableCommand } from "../cli/command.ts";
import { parseCommandLine } from "../cli/parse.ts";
import { completionCommand } from "./spec/completion.ts";
import type { Closable, CommandContext } from "./context.ts";
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
import { bootstrapCommand, configCommand, doctorCommand, teardownCommand } from "./spec/setup.ts";
import { checkSurroundings } from "./preflight.ts";

const commands: readonly RunnableCommand<CommandContext>[] = [
  loadable(invokeCommand, async () => (await import("./invoke.ts")).invoke),
  loadable(xargsCommand, async () => (await import("./xargs.ts")).xargs),
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

/** How long an interrupted command may take to clean up before the process exits all the same. */
const cleanUpMilliseconds = 3000;

/**
 * Runs a command line, and exits the process with its status.
 *
 * @param argv The command line without the program's name.
 * @param environment The environment variables.
 */
export async function main(argv: readonly string[], environment: Environment): Promise<never> {
  const output = new Output(Deno.stdout, Deno.stderr);
  const opened: Closable[] = [];
  const stop = new AbortController();
  const drain = new AbortController();
  let canDrain = false;
  /** Says what a first ctrl-C does; undefined if there is none, or it was said. */
  let tellDraining: (() => void) | undefined;

  const exitNow = (status: number): never => {
    for (const closable of opened) closable.closeSync();
    Deno.exit(status);
  };
  const countJobs = () => opened.reduce((sum, { inFlight = 0 }) => sum + inFlight, 0);
  const interrupted = (reason: Interrupted) => {
    if (stop.signal.aborted) exitNow(reason.exitCode);
    const count = countJobs();
    const isCtrlC = reason.exitCode === exitCodes.interrupted;
    if (isCtrlC && canDrain && count > 0 && !drain.signal.aborted) {
      drain.abort(reason);
      tellDraining = () => {
        tellDraining = undefined;
        const count = countJobs();
        const jobs = count === 1 ? "1 job" : `${count} jobs`;
        const waiting = `no new jobs, waiting for ${jobs} in flight; ctrl-C again drops them`;
        void output.message(count > 0 ? `${reason.message}: ${waiting}` : reason.message);
      };
      // Those that were not sent yet are gone in a moment.
      setTimeout(() => tellDraining?.());
      return;
    }
    const jobs = count === 1 ? "1 job was" : `${count} jobs were`;
    void output.message(count > 0 ? `${reason.message}: ${jobs} in flight` : reason.message);
    stop.abort(reason);
    Deno.unrefTimer(setTimeout(() => exitNow(reason.exitCode), cleanUpMilliseconds));
  };
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    void reportUnexpected(output, event.reason).finally(() => exitNow(exitCodes.failed));
  });

  let status: number;
  try {
    using _signals = onInterrupt(interrupted);
    status = await runCommandLine(argv, {
      environment,
      output,
      stdin: () => Deno.stdin.readable,
      isStdinTerminal: Deno.stdin.isTerminal(),
      terminalSize,
      signal: stop.signal,
      drain: () => {
        canDrain = true;
        return drain.signal;
      },
      closeAtExit: (closable) => {
        opened.push(closable);
        return closable;
      },
    });
    await Promise.all(opened.map((closable) => closable.close()));
    tellDraining?.();
    await output.flush();
  } catch (error) {
    status = await statusOf(error, output, stop.signal);
    await Promise.allSettled(opened.map((closable) => closable.close()));
    // Messages that nobody waited for; that they cannot be written is known by now.
    await output.flush().catch(() => {});
  }
  return exitNow(status);
}

async function runCommandLine(
  argv: readonly string[],
  context: Omit<CommandContext, "global">,
): Promise<number> {
  const { output } = context;
  const line = parseCommandLine(argv, commands, program);
  switch (line.kind) {
    case "command":
      checkSurroundings(argv);
      return await line.command.run(line.values, line.args, { ...context, global: line.global });
    case "version":
      await output.text(`llama ${version}${commit === undefined ? "" : ` (${commit})`}\n`);
      return exitCodes.ok;
    case "help":
      await (line.stream === "stdout" ? output.data(line.text) : output.talk(line.text));
      return line.exitCode;
    case "usage":
      await output.lines(`${printableLine(line.message)}\n${printableLine(line.hint)}\n`);
      return line.exitCode;
  }
}

async function statusOf(error: unknown, output: Output, signal: AbortSignal): Promise<number> {
  if (error instanceof OutputClosed) return exitCodes.pipeClosed;
  // Whatever is thrown after an interruption came of it.
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
  await output.lines(`llama: this should not have happened, please report it: ${details}`);
}
