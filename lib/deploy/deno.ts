/**
 * The Deno that runs llama, at work for it: bundling and compiling.
 *
 * @module
 */

/**
 * How V8 uses memory in each program; its defaults are for programs that live in a browser's tab.
 * None of it is a limit: what is needed is taken.
 */
const v8Flags = {
  // A job's objects live as long as its call, get among the old ones, and die there: these are
  // collected each time they have grown by this much, and not when V8 thinks it worth its while.
  llama: "--max-semi-space-size=8,--heap-growing-percent=60",
  // It waits for commands. The optimizing compilers take 14 MB and make no invocation shorter. Lite
  // mode saves 2 MB and costs no time.
  bootstrap: "--max-semi-space-size=1,--heap-growing-percent=20,--no-opt,--no-maglev,--lite-mode",
} as const;

/**
 * How programs of llama's are compiled.
 *
 * @param program Which one.
 * @returns Deno's arguments; the target, the output and the main file follow.
 */
export function compileCommand(program: keyof typeof v8Flags): string[] {
  return [
    ...["compile", "--quiet", "--no-check", "--no-config", "--no-lock"],
    // What is compiled from JavaScript would be kept in a shared /tmp, under a name that anyone
    // knows.
    "--no-code-cache",
    "--no-prompt",
    // Less does not do: Deno opens /proc to those alone who may do all, and whoever may run any
    // program may do all anyway.
    "--allow-all",
    `--v8-flags=${v8Flags[program]}`,
  ];
}

/** How Deno is run. */
export interface DenoOptions {
  /** Its working directory. @default {this process's} */
  readonly directory?: string;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs Deno.
 *
 * @param args Its arguments.
 * @param options Where, and how long.
 * @throws {Error} With what it says, if it fails; the signal's reason.
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
