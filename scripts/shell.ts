/**
 * Command lines as a person would type them, with this checkout's `llama` on `PATH`.
 *
 * @module
 */

import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Environment } from "../lib/environment.ts";
import { killGroup } from "../lib/signals.ts";

/** The checkout's root. */
export const root: string = fileURLToPath(new URL("..", import.meta.url));

/** What a {@linkcode Shell} works with. */
export interface ShellOptions {
  /** The environment variables; llama's and AWS's are left out of them. */
  readonly environment: Environment;
  /** Variables that are set for the commands. @default {{}} */
  readonly variables?: Readonly<Record<string, string>>;
  /** Ends the command that runs, and all that it has started. */
  readonly signal?: AbortSignal;
}

/** How {@linkcode Shell.run} runs a command line. */
export interface RunOptions {
  /** Where it runs. */
  readonly cwd: string;
  /** A file that gets standard output and standard error. */
  readonly log?: string;
}

/** What came of a command line. */
export interface ShellResult {
  /** Its exit status. */
  readonly status: number;
  /** Its standard output; empty if it went to a log. */
  readonly stdout: string;
  /** How long it took, in milliseconds. */
  readonly elapsedMilliseconds: number;
}

/** How long a command that is to end may take to clean up after itself. */
const cleanUpMilliseconds = 5000;

/** Runs command lines by `sh`. Close it when done. */
export class Shell implements AsyncDisposable {
  readonly #bin: string;
  readonly #variables: Readonly<Record<string, string>>;
  readonly #signal: AbortSignal | undefined;

  private constructor(
    bin: string,
    variables: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ) {
    this.#bin = bin;
    this.#variables = variables;
    this.#signal = signal;
  }

  /**
   * Prepares a shell.
   *
   * @param options Environment and signal.
   * @returns The shell.
   */
  static async open({ environment, variables = {}, signal }: ShellOptions): Promise<Shell> {
    const bin = await Deno.makeTempDir({ prefix: "llama-bin-" });
    const command = [Deno.execPath(), "run", "--allow-all", "--quiet", join(root, "cli.ts")];
    const script = `#!/bin/sh\nexec ${command.map(quote).join(" ")} "$@"\n`;
    await Deno.writeTextFile(join(bin, "llama"), script, { mode: 0o755 });
    const all: Record<string, string> = {};
    for (const [name, value] of Object.entries(environment)) {
      // What a user has set for real work must not send this work to a real account.
      if (value !== undefined && !/^(LLAMA|AWS)_/.test(name)) all[name] = value;
    }
    const path = [bin, ...environment["PATH"] ? [environment["PATH"]] : []].join(delimiter);
    return new Shell(bin, { ...all, PATH: path, ...variables }, signal);
  }

  /**
   * Runs a command line to its end.
   *
   * @param line The command line.
   * @param options Where, and where its output goes.
   * @returns Its status and output.
   * @throws The signal's reason, once no process of it is left.
   */
  async run(line: string, { cwd, log }: RunOptions): Promise<ShellResult> {
    this.#signal?.throwIfAborted();
    const start = performance.now();
    const child = new Deno.Command("sh", {
      args: ["-c", log === undefined ? line : `exec >${quote(log)} 2>&1\n${line}`],
      cwd,
      env: this.#variables,
      clearEnv: true,
      // A group of its own: a pipeline has more processes than the one that is known here.
      detached: true,
      stdin: "null",
      stdout: log === undefined ? "piped" : "inherit",
      stderr: "inherit",
    }).spawn();
    const end = () => signalGroup(child.pid, "SIGTERM");
    this.#signal?.addEventListener("abort", end, { once: true });
    try {
      const [{ code }, stdout] = await Promise.all([
        child.status,
        log === undefined ? new Response(child.stdout).text() : "",
      ]);
      const elapsedMilliseconds = performance.now() - start;
      this.#signal?.throwIfAborted();
      return { status: code, stdout, elapsedMilliseconds };
    } finally {
      this.#signal?.removeEventListener("abort", end);
      await endGroup(child.pid);
    }
  }

  /** Removes what was made for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#bin, { recursive: true });
  }
}

/**
 * Finds a program.
 *
 * @param name Its name.
 * @param path The value of `PATH`.
 * @returns Its path; undefined if there is none.
 */
export function findProgram(name: string, path: string | undefined): string | undefined {
  for (const folder of path?.split(delimiter) ?? []) {
    const file = join(folder, name);
    try {
      const { isFile, mode } = Deno.statSync(file);
      if (isFile && ((mode ?? 0) & 0o111) !== 0) return file;
    } catch {
      // Not in this one.
    }
  }
  return undefined;
}

/**
 * Quotes a word for any POSIX shell.
 *
 * @param word The word.
 * @returns The word in quotes.
 */
export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Waits until no process of a group is left, and ends those that stay. */
async function endGroup(pid: number): Promise<void> {
  const deadline = performance.now() + cleanUpMilliseconds;
  while (signalGroup(pid, 0)) {
    if (performance.now() > deadline) killGroup(pid);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Says whether there was a process to send it to. */
function signalGroup(pid: number, signal: "SIGTERM" | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}
