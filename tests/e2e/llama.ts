/** Runs the real program as a user does. */

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { runtimeCommand } from "../../lib/local/runtime_command.ts";
import { TemporaryDirectory, textOf } from "../helpers.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The directory of the compiled programs, `dist`; without it, tests run the sources. */
export const compiledPrograms: string | undefined = Deno.env.get("LLAMA_TEST_BIN") || undefined;

/** The command that runs llama. */
export const program: readonly string[] = compiledPrograms === undefined
  ? [Deno.execPath(), "run", "-A", "--quiet", "--no-prompt", `${root}cli.ts`]
  : [resolve(root, compiledPrograms, "llama")];

/** The command that runs the runtime. */
export const runtimeProgram: readonly string[] = compiledPrograms === undefined
  ? runtimeCommand()
  : [resolve(root, compiledPrograms, "bootstrap")];

/** The directory of Deno's cache, for runs from source. */
export const denoDirectory: string = JSON.parse(
  textOf(new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).outputSync().stdout),
).denoDir;

/** The end of a run. */
export interface Ended {
  status: number;
  stdout: string;
  stderr: string;
  bytes: Uint8Array;
}

/** Options for running the program. */
export interface RunOptions {
  stdin?: string | Uint8Array;
  environment?: Record<string, string>;
  /** Another program that takes the same arguments. */
  program?: readonly string[];
  /** Whether it runs in a session of its own, which has no terminal. */
  detached?: boolean;
  /** Its umask, in octal. @default {that of the tests} */
  umask?: string;
}

/** A temporary directory with functions, in which `llama` can be run. */
export class Workplace extends TemporaryDirectory {
  /** The directory of temporary files of the program, its emulator and its runtimes. */
  readonly temporary: string;

  constructor() {
    super();
    this.temporary = this.join("tmp");
    Deno.mkdirSync(this.temporary);
    Deno.mkdirSync(this.join("work"));
  }

  /** Returns a path in the working directory of the runs. */
  here(...parts: string[]): string {
    return this.join("work", ...parts);
  }

  /** Adds a function: `images/NAME/handler`, a script, with its function.json. */
  async addFunction(name: string, script: string, settings = {}): Promise<void> {
    await this.write(`work/images/${name}/handler`, script, 0o755);
    await this.write(
      `work/images/${name}/function.json`,
      JSON.stringify({ handler: "handler", ...settings }),
    );
  }

  /** Adds a function that runs any command: an image without a command of its own. */
  async addShell(): Promise<void> {
    await this.write("work/images/any/function.json", '{"command": [], "timeout": 60}');
  }

  /** Starts the program. */
  start(args: readonly string[], options: RunOptions = {}): Deno.ChildProcess {
    const command = options.program ?? program;
    const { umask } = options;
    const [executable = "", ...first] = umask === undefined
      ? command
      : ["sh", "-c", `umask ${umask}; exec "$@"`, "sh", ...command];
    return new Deno.Command(executable, {
      args: [...first, ...args],
      cwd: this.here(),
      clearEnv: true,
      env: { ...this.environment(), ...options.environment },
      detached: options.detached ?? false,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  /** Runs the program to its end. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const child = this.start(args, options);
    const stdin = child.stdin.getWriter();
    const input = options.stdin ?? "";
    const fed = stdin.write(typeof input === "string" ? new TextEncoder().encode(input) : input)
      .then(() => stdin.close())
      // A program may end without reading all of its input.
      .catch((error) => assert(error instanceof Deno.errors.BrokenPipe, String(error)));
    const { code, stdout, stderr } = await child.output();
    await fed;
    const decoder = new TextDecoder();
    return {
      status: code,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
      bytes: stdout,
    };
  }

  /** Runs it with `-local`, and checks afterwards that nothing was left behind. */
  async local(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const ended = await this.run(["-local", ...args], options);
    assert.deepEqual(await this.list("tmp"), [], "left behind");
    return ended;
  }

  /** The environment variables that the program needs, without any that change its behavior. */
  environment(): Record<string, string> {
    const kept = ["PATH", "HOME", "DENO_DIR", "XDG_CACHE_HOME", "DENO_TLS_CA_STORE"];
    const entries = kept.map((name): [string, string] => [name, Deno.env.get(name) ?? ""]);
    return {
      ...Object.fromEntries(entries.filter(([, value]) => value !== "")),
      TMPDIR: this.temporary,
      // Not the settings of the user who runs the tests.
      LLAMA_DIR: this.join("settings"),
      NO_COLOR: "1",
      // From source, Deno would check for updates.
      DENO_NO_UPDATE_CHECK: "1",
    };
  }
}

/** Reads the `export NAME=VALUE` lines of `llama local` until the message that follows them. */
export async function exportsOf(child: Deno.ChildProcess): Promise<Record<string, string>> {
  let text = "";
  const decoder = new TextDecoder();
  const reader = child.stdout.getReader();
  while (!text.includes("LLAMA_OBJECT_STORE") || !text.endsWith("\n")) {
    const { done, value } = await reader.read();
    assert(!done, `ended after ${text}`);
    text += decoder.decode(value, { stream: true });
  }
  reader.releaseLock();
  return Object.fromEntries(
    text.trim().split("\n").map((line) => {
      const [, name = "", value = ""] = /^export (\w+)=(.*)$/.exec(line) ?? [];
      assert(name, line);
      return [name, value.replace(/^'(.*)'$/, "$1")];
    }),
  );
}

/** Reads a stream until it contains a text, and the rest of it later. */
export function reader(stream: ReadableStream<Uint8Array>) {
  const pieces = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  return {
    async until(expected: string): Promise<void> {
      while (!text.includes(expected)) {
        const { value, done } = await pieces.read();
        assert(!done, `ended before ${JSON.stringify(expected)}: ${text}`);
        text += value;
      }
    },
    async rest(): Promise<string> {
      for (;;) {
        const { value, done } = await pieces.read();
        if (done) return text;
        text += value;
      }
    },
  };
}

/** Returns the processes with an entry in their environment (Linux). */
export function processesWith(entry: string): number[] {
  const found = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const environment = textOf(Deno.readFileSync(`/proc/${name}/environ`));
      if (environment.split("\0").includes(entry)) found.push(Number(name));
    } catch {
      // The process has ended.
    }
  }
  return found;
}

/** Reports whether a path exists. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
