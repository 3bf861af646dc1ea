/** A real terminal, with a shell in it that knows `llama`: tmux, which `LLAMA_TEST_TERMINAL` names. */

import assert from "node:assert/strict";
import { textOf, until } from "../helpers.ts";
import { program, type Workplace } from "./llama.ts";

/** The tmux to use; without it, tests of the terminal are ignored: they need a program to be there. */
export const tmux = Deno.env.get("LLAMA_TEST_TERMINAL");

/** How a terminal is opened. */
export interface TerminalOptions {
  columns: number;
  rows: number;
  /** The shell that runs in it. */
  shell?: string;
  environment?: Record<string, string>;
}

/** The shell's prompt. */
const prompt = "ready> ";

/** A terminal that is closed, with all that runs in it, at the end of the test. */
export class Terminal implements AsyncDisposable {
  readonly #place: Workplace;
  readonly #environment: Record<string, string>;

  private constructor(place: Workplace, environment: Record<string, string>) {
    this.#place = place;
    this.#environment = environment;
  }

  /** Opens one, in the current directory of the place's runs. */
  static async open(place: Workplace, options: TerminalOptions): Promise<Terminal> {
    const { columns, rows, shell = "sh", environment } = options;
    const quoted = program.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
    await place.write("bin/llama", `#!/bin/sh\nexec ${quoted} "$@"\n`, 0o755);
    const { NO_COLOR: _, ...inherited } = place.environment();
    const terminal = new Terminal(place, {
      ...inherited,
      PATH: `${place.join("bin")}:${inherited["PATH"]}`,
      LC_ALL: "C.UTF-8",
      PS1: prompt,
      SHELL: "/bin/sh",
      ...environment,
    });
    const size = ["-x", String(columns), "-y", String(rows)];
    await terminal.#tmux(
      "-f",
      "/dev/null",
      "new-session",
      "-d",
      ...size,
      "-c",
      place.here(),
      shell,
    );
    return terminal;
  }

  /** Types keys by tmux' names, such as `C-c`. */
  async press(...keys: string[]): Promise<void> {
    await this.#tmux("send-keys", ...keys);
  }

  /** Types text as it is. */
  async type(text: string): Promise<void> {
    await this.#tmux("send-keys", "-l", text);
  }

  /** Types a command line once the shell is ready for one, on a screen that has nothing else. */
  async enter(line: string): Promise<void> {
    await this.untilPrompt();
    await this.type(`clear; ${line}`);
    await this.untilShown(/clear; /);
    await this.press("Enter");
    await until(async () => !(await this.text()).includes("clear; "), "the screen is clear");
  }

  /** Waits until the shell asks for the next command. */
  async untilPrompt(): Promise<void> {
    let text = "";
    const isThere = async () => (text = await this.text()).endsWith(prompt.trimEnd());
    await until(isThere, "there is a prompt").catch((error) => assert.fail(`${error}\n${text}`));
  }

  /** Waits until the screen shows something; gives the screen. */
  async untilShown(pattern: RegExp): Promise<string> {
    let text = "";
    await until(async () => pattern.test(text = await this.text()), `${pattern}`, 30_000)
      .catch((error) => assert.fail(`${error}\n${text}`));
    return text;
  }

  /** What the screen shows, without what is empty at its end. */
  async text(): Promise<string> {
    return (await this.#tmux("capture-pane", "-p")).trimEnd();
  }

  /** The same with what has scrolled off; lines that were too wide are whole. */
  async history(): Promise<string> {
    return (await this.#tmux("capture-pane", "-p", "-J", "-S", "-")).trimEnd();
  }

  /** What the screen shows, with its colours as a terminal is told them. */
  async colours(): Promise<string> {
    return (await this.#tmux("capture-pane", "-p", "-e")).trimEnd();
  }

  /** Changes the size. */
  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** Whether the cursor is shown, and lines wrap. */
  async isSound(): Promise<boolean> {
    return (await this.#tmux("display-message", "-p", "#{cursor_flag}#{wrap_flag}")).trim() ===
      "11";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux("kill-server");
  }

  async #tmux(...args: string[]): Promise<string> {
    assert(tmux !== undefined);
    const { code, stdout, stderr } = await new Deno.Command(tmux, {
      args: ["-S", this.#place.join("tmux"), ...args],
      clearEnv: true,
      env: this.#environment,
    }).output();
    assert.equal(code, 0, `tmux ${args.join(" ")}: ${textOf(stderr)}`);
    return textOf(stdout);
  }
}

/** Defines a test that needs a terminal. */
export function terminalTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: tmux === undefined, fn });
}
