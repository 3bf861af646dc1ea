/** A real terminal with a shell in it: the tmux that `LLAMA_TEST_TERMINAL` names. */

import assert from "node:assert/strict";
import { textOf, until } from "../helpers.ts";
import { program, type Workplace } from "./llama.ts";

/** The tmux to use; without it, tests of the terminal are ignored. */
export const tmux = Deno.env.get("LLAMA_TEST_TERMINAL");

/** Options for opening a terminal. */
export interface TerminalOptions {
  columns: number;
  rows: number;
  /** The shell that runs in it. */
  shell?: string;
  environment?: Record<string, string>;
}

/** The shell's prompt. */
const prompt = "ready> ";

/** A terminal, which is closed with everything that runs in it at the end of the test. */
export class Terminal implements AsyncDisposable {
  readonly #place: Workplace;
  readonly #environment: Record<string, string>;

  private constructor(place: Workplace, environment: Record<string, string>) {
    this.#place = place;
    this.#environment = environment;
  }

  /** Opens a terminal in the working directory of the place's runs. */
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

  /** Types text literally. */
  async type(text: string): Promise<void> {
    await this.#tmux("send-keys", "-l", text);
  }

  /** Types a command line on a cleared screen once the shell is ready. */
  async enter(line: string): Promise<void> {
    await this.untilPrompt();
    await this.type(`clear; ${line}`);
    await this.untilShown(/clear; /);
    await this.press("Enter");
    await until(async () => !(await this.text()).includes("clear; "), "the screen is clear");
  }

  /** Waits for the shell's prompt. */
  async untilPrompt(): Promise<void> {
    let text = "";
    const isThere = async () => (text = await this.text()).endsWith(prompt.trimEnd());
    await until(isThere, "there is a prompt").catch((error) => assert.fail(`${error}\n${text}`));
  }

  /** Waits until the screen matches, and returns it. */
  async untilShown(pattern: RegExp): Promise<string> {
    let text = "";
    await until(async () => pattern.test(text = await this.text()), `${pattern}`, 30_000)
      .catch((error) => assert.fail(`${error}\n${text}`));
    return text;
  }

  /** Returns the text on the screen, without empty lines at its end. */
  async text(): Promise<string> {
    return (await this.#tmux("capture-pane", "-p")).trimEnd();
  }

  /** Returns the text including what has scrolled off, with wrapped lines joined. */
  async history(): Promise<string> {
    return (await this.#tmux("capture-pane", "-p", "-J", "-S", "-")).trimEnd();
  }

  /** Returns the text on the screen, with the control sequences for its colors. */
  async colors(): Promise<string> {
    return (await this.#tmux("capture-pane", "-p", "-e")).trimEnd();
  }

  /** Changes the size. */
  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** Returns whether the cursor is visible and lines wrap. */
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
