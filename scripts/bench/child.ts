/**
 * Measures the time, CPU time and memory of a single program.
 *
 * @module
 */

import { join } from "node:path";

/** Options for running a program. */
export interface ChildOptions {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Its complete environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Its working directory. */
  readonly cwd: string;
  /** The file for its standard input. @default {an empty file} */
  readonly stdin?: string | undefined;
  /** The directory for its output and the measurements. */
  readonly directory: string;
  /** Terminates it. */
  readonly signal: AbortSignal;
}

/** The resources that a program used. */
export interface ChildUsage {
  /** Elapsed time, in seconds. */
  readonly seconds: number;
  /** User and system CPU time, in seconds. */
  readonly cpuSeconds: number;
  /** Peak resident memory, in bytes. */
  readonly peakBytes: number;
}

// The shell measures milliseconds, time(1) only hundredths of a second. Memory is measured by
// time(1), because it is small: the peak of a child includes the process that it was forked from.
const script = `
TIMEFORMAT='%3R %3U %3S'
input=$1 logs=$2
shift 2
time /usr/bin/time -q -f %M -o "$logs/peak" "$@" <"$input" >"$logs/stdout" 2>"$logs/stderr"`;

/**
 * Runs a program to its end.
 *
 * @param options The program, its input and its environment.
 * @returns The resources that it used.
 * @throws {Error} If its exit status is not 0, with the end of its standard error.
 */
export async function measureChild(options: ChildOptions): Promise<ChildUsage> {
  const { command, environment, cwd, stdin = "/dev/null", directory, signal } = options;
  signal.throwIfAborted();
  const { code, stderr } = await new Deno.Command("bash", {
    args: ["-c", script, "bash", stdin, directory, ...command],
    cwd,
    env: environment,
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    signal,
  }).output();
  signal.throwIfAborted();
  const times = new TextDecoder().decode(stderr).trim();
  const [, seconds, user, system] = /^([\d.]+) ([\d.]+) ([\d.]+)$/.exec(times) ?? [];
  if (code !== 0 || seconds === undefined) {
    const said = await Deno.readTextFile(join(directory, "stderr")).catch(() => times);
    throw new Error(`${command.join(" ")}: exit status ${code}: ${said.trim().slice(-500)}`);
  }
  const kibibytes = Number(await Deno.readTextFile(join(directory, "peak")));
  return {
    seconds: Number(seconds),
    cpuSeconds: Number(user) + Number(system),
    peakBytes: kibibytes * 1024,
  };
}
