/**
 * What a program takes: time, processor and memory, of that program alone.
 *
 * @module
 */

import { join } from "node:path";

/** How a program is run. */
export interface ChildOptions {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Its environment, whole. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where it runs. */
  readonly cwd: string;
  /** A file that is its standard input. @default {an empty one} */
  readonly stdin?: string | undefined;
  /** A directory that gets what it writes and what is measured. */
  readonly directory: string;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

/** What a program took. */
export interface ChildUsage {
  /** From its start to its end, in seconds. */
  readonly seconds: number;
  /** Processor time, of the program and of the kernel on its behalf, in seconds. */
  readonly cpuSeconds: number;
  /** The most memory that was resident at once, in bytes. */
  readonly peakBytes: number;
}

// The shell's clock has milliseconds where that of time(1) has hundredths of a second. Memory is
// asked of time(1), which is small itself: a child counts as big as the process it is forked off.
const script = `
TIMEFORMAT='%3R %3U %3S'
input=$1 logs=$2
shift 2
time /usr/bin/time -q -f %M -o "$logs/peak" "$@" <"$input" >"$logs/stdout" 2>"$logs/stderr"`;

/**
 * Runs a program to its end.
 *
 * @param options The program, its input and its environment.
 * @returns What it took.
 * @throws {Error} If its exit status is not 0, with what it wrote to standard error last.
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
