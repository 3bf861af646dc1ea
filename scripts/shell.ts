/**
 * Runs shell command lines with this checkout's `llama` on `PATH`.
 *
 * @module
 */

import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Environment } from "../lib/environment.ts";
import { killGroup } from "../lib/system/signals.ts";

/** The root of the checkout. */
export const root: string = fileURLToPath(new URL("..", import.meta.url));

/** Options for {@linkcode Shell}. */
export interface ShellOptions {
  /** The environment variables; those of llama and AWS are dropped. */
  readonly environment: Environment;
  /** Additional environment variables for the commands. @default {{}} */
  readonly variables?: Readonly<Record<string, string>>;
  /** Terminates the running command and all processes that it started. */
  readonly signal?: AbortSignal;
}

/** Options for {@linkcode Shell.run}. */
export interface RunOptions {
  /** The working directory. */
  readonly cwd: string;
  /** A file for standard output and standard error. */
  readonly log?: string;
}

/** The result of a command line. */
export interface ShellResult {
  /** Its exit status. */
  readonly status: number;
  /** Its standard output; empty if it was written to a log. */
  readonly stdout: string;
  /** Its duration in milliseconds. */
  readonly elapsedMilliseconds: number;
}

/** The time that a terminated command has to clean up before it is killed. */
const cleanUpMilliseconds = 5000;

/** Runs command lines with `sh`. Dispose of it when done. */
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
   * @param options Options for the shell.
   * @returns The shell.
   */
  static async open({ environment, variables = {}, signal }: ShellOptions): Promise<Shell> {
    const bin = await Deno.makeTempDir({ prefix: "llama-bin-" });
    const command = [Deno.execPath(), "run", "--allow-all", "--quiet", join(root, "cli.ts")];
    const script = `#!/bin/sh\nexec ${command.map(quote).join(" ")} "$@"\n`;
    await Deno.writeTextFile(join(bin, "llama"), script, { mode: 0o755 });
    const all: Record<string, string> = {};
    for (const [name, value] of Object.entries(environment)) {
      // The user's settings must not send this work to a real account.
      if (value !== undefined && !/^(LLAMA|AWS)_/.test(name)) all[name] = value;
    }
    const path = [bin, ...environment["PATH"] ? [environment["PATH"]] : []].join(delimiter);
    // Nor are these runs the user's.
    const state = { XDG_STATE_HOME: join(bin, "state") };
    return new Shell(bin, { ...all, ...state, PATH: path, ...variables }, signal);
  }

  /**
   * Runs a command line to its end.
   *
   * @param line The command line.
   * @param options The working directory and the log.
   * @returns Its status and output.
   * @throws The signal's reason, once all of its processes have ended.
   */
  async run(line: string, { cwd, log }: RunOptions): Promise<ShellResult> {
    this.#signal?.throwIfAborted();
    const start = performance.now();
    const child = new Deno.Command("sh", {
      args: ["-c", log === undefined ? line : `exec >${quote(log)} 2>&1\n${line}`],
      cwd,
      env: this.#variables,
      clearEnv: true,
      // A process group of its own, since a pipeline has more processes than this child.
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

  /** Removes the shell's temporary files. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#bin, { recursive: true });
  }
}

/**
 * Finds a program on `PATH`.
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
      // Not in this folder.
    }
  }
  return undefined;
}

/**
 * Quotes a word for POSIX shells.
 *
 * @param word The word.
 * @returns The quoted word.
 */
export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Waits until all processes of a group have ended, and kills those that remain. */
async function endGroup(pid: number): Promise<void> {
  const deadline = performance.now() + cleanUpMilliseconds;
  while (signalGroup(pid, 0)) {
    if (performance.now() > deadline) killGroup(pid);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Sends a signal; reports whether the group had any process. */
function signalGroup(pid: number, signal: "SIGTERM" | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}
