/**
 * Runs Deno to bundle and compile llama's programs.
 *
 * @module
 */

/**
 * V8's memory settings for each program; its defaults suit browser tabs. None of them is a hard
 * limit.
 */
const v8Flags = {
  // A young generation of 16 MB from the start: a hundred jobs in flight fill it, and what survives
  // in a smaller one is copied and collected at three times the cost. The last of the optimizing
  // compilers takes more than it saves in runs of up to 10,000 jobs.
  llama: "--min-semi-space-size=16,--max-semi-space-size=16,--no-opt",
  // The runtime mostly waits for commands: the optimizing compilers take 14 MB and make no
  // invocation shorter. Lite mode saves 2 MB and costs no time.
  bootstrap: "--max-semi-space-size=1,--heap-growing-percent=20,--no-opt,--no-maglev,--lite-mode",
} as const;

/**
 * Returns Deno's arguments for compiling one of llama's programs.
 *
 * @param program The program.
 * @returns The arguments; the caller appends the target, the output and the main file.
 */
export function compileCommand(program: keyof typeof v8Flags): string[] {
  return [
    ...["compile", "--quiet", "--no-check", "--no-config", "--no-lock"],
    // The code cache would be in a shared /tmp, under a predictable name.
    "--no-code-cache",
    "--no-prompt",
    // Deno requires it for reading /proc, and permission to run any program amounts to it anyway.
    "--allow-all",
    `--v8-flags=${v8Flags[program]}`,
  ];
}

/** Options for {@linkcode runDeno}. */
export interface DenoOptions {
  /** The working directory. @default {this process's} */
  readonly directory?: string;
  /** Aborts the work. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs Deno.
 *
 * @param args Its arguments.
 * @param options The working directory and the signal.
 * @throws {Error} With Deno's message if it fails; the signal's reason.
 */
export async function runDeno(args: readonly string[], options: DenoOptions = {}): Promise<void> {
  const { directory, signal } = options;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    ...(directory === undefined ? {} : { cwd: directory }),
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    ...(signal ? { signal } : {}),
  }).output();
  if (success) return;
  signal?.throwIfAborted();
  const words = new TextDecoder().decode(stderr)
    .replace(/\s*Stack backtrace:.*/s, "")
    .replace(/\s*Caused by:/, "")
    .replace(/\.?\n\s*(\d+: )?/g, ": ");
  throw new Error(`deno ${args[0]}: ${words.replace(/^error: /, "")}`);
}
