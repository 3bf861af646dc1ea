/**
 * The `llama` program: parses a command line, and runs the command that it names.
 *
 * @module
 */

import { commit } from "../commit.ts";
import type { Environment } from "../environment.ts";
import { Output } from "../terminal/output.ts";
import { printableLine } from "../text/printable.ts";
import { version } from "../version.ts";
import type { Command } from "../cli/command.ts";
import { type CommandLine, hintOf, parseCommandLine } from "../cli/parse.ts";
import { exitCodes } from "../cli/exit_status.ts";
import { commands } from "./list.ts";
import { type globalFlags, program } from "./spec/global.ts";

/**
 * Runs a command line, and exits the process with its status.
 *
 * @param argv The command line without the program's name.
 * @param environment The environment variables.
 */
export async function main(argv: readonly string[], environment: Environment): Promise<never> {
  const output = new Output(Deno.stdout, Deno.stderr);
  let status: number;
  try {
    const line = await parseCommandLine(argv, commands, program);
    if (line.kind === "command") {
      const { runAndExit } = await import("./run_and_exit.ts");
      return await runAndExit(line, argv, environment, output);
    }
    status = await answer(line, output);
    await output.flush();
  } catch (error) {
    const { reportedStatus } = await import("./failures.ts");
    status = await reportedStatus(error, output);
  }
  Deno.exit(status);
}

/** A command line that needs no command: help, the version, or a usage error. */
type Answerable = Exclude<CommandLine<Command, typeof globalFlags>, { kind: "command" }>;

/** Prints the answer to such a command line, and returns the exit status. */
async function answer(line: Answerable, output: Output): Promise<number> {
  switch (line.kind) {
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
