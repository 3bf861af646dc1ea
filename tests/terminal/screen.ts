// deno-lint-ignore-file no-control-regex -- control characters are what a terminal is about
/** A terminal emulator in memory; tests with a real terminal are in tests/e2e. */

import type { Writer } from "../../lib/terminal/output.ts";
import { textOf } from "../helpers.ts";

/** Interprets text and the control sequences that llama writes as a VT100 does. */
export class Screen implements Writer {
  readonly columns: number;
  readonly rows: number;
  /** All lines that were not overwritten: those scrolled off, and those of the screen. */
  readonly #lines: string[][] = [[]];
  #row = 0;
  #column = 0;
  #wraps = true;
  /** The number of writes. */
  writes = 0;

  constructor(columns = 80, rows = 24) {
    this.columns = columns;
    this.rows = rows;
  }

  write(bytes: Uint8Array): Promise<number> {
    return Promise.resolve(this.writeSync(bytes));
  }

  writeSync(bytes: Uint8Array): number {
    this.writes++;
    for (const [token] of textOf(bytes).matchAll(/\x1b\[\??\d*[A-Za-z]|[^]/gu)) this.#take(token);
    return bytes.length;
  }

  isTerminal(): boolean {
    return true;
  }

  /** The text on and above the screen, without the empty lines at its end. */
  get text(): string {
    return this.#lines.map((line) => line.join("").trimEnd()).join("\n").trimEnd();
  }

  /** The line and the column of the cursor, from 0. */
  get cursor(): [number, number] {
    return [this.#row, this.#column];
  }

  #take(token: string): void {
    switch (token) {
      case "\r":
        this.#column = 0;
        return;
      case "\n":
        // The terminal driver turns a line feed into a carriage return and a line feed.
        this.#down();
        this.#column = 0;
        return;
      case "\x1b[K":
        this.#line().splice(this.#column);
        return;
      case "\x1b[J":
        this.#line().splice(this.#column);
        this.#lines.splice(this.#row + 1);
        return;
      case "\x1b[?7l":
      case "\x1b[?7h":
        this.#wraps = token.endsWith("h");
        return;
    }
    const up = /^\x1b\[(\d+)A$/.exec(token);
    if (up) {
      const top = Math.max(0, this.#lines.length - this.rows);
      this.#row = Math.max(top, this.#row - Number(up[1]));
    } else if (/^\x1b\[(\?25h|\d*m)$/.test(token)) {
      return;
    } else if (token < " ") {
      throw new Error(`the screen does not know ${JSON.stringify(token)}`);
    } else {
      this.#print(token);
    }
  }

  #print(character: string): void {
    if (this.#column === this.columns) {
      if (this.#wraps) {
        this.#down();
        this.#column = 0;
      } else {
        this.#column--;
      }
    }
    const line = this.#line();
    while (line.length < this.#column) line.push(" ");
    line[this.#column++] = character;
  }

  #down(): void {
    this.#row++;
    if (this.#row === this.#lines.length) this.#lines.push([]);
  }

  #line(): string[] {
    return this.#lines[this.#row] ??= [];
  }
}
