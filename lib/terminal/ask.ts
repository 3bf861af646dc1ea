/**
 * Questions to the person at the terminal.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";
import { printable } from "../text/printable.ts";

/**
 * Asks for a line on the terminal itself: standard input may be a file.
 *
 * @param question The question, with the space after it.
 * @returns The answer, without spaces around it.
 * @throws {LlamaError} `usage` if there is no terminal, or no answer.
 */
export async function ask(question: string): Promise<string> {
  const answer = await readAnswer(question);
  if (answer === "") throw new LlamaError("usage", "no answer was given");
  return answer;
}

async function readAnswer(question: string): Promise<string> {
  let terminal;
  try {
    terminal = await Deno.open("/dev/tty", { read: true, write: true });
  } catch (cause) {
    throw new LlamaError("usage", `there is no terminal to ask: ${question.trim()}`, { cause });
  }
  using tty = terminal;
  await tty.write(new TextEncoder().encode(printable(question)));
  const buffer = new Uint8Array(1024);
  const count = await tty.read(buffer);
  // Ctrl-D leaves the line as it is.
  if (!count) await tty.write(new TextEncoder().encode("\n"));
  return new TextDecoder().decode(buffer.subarray(0, count ?? 0)).trim();
}

/**
 * Whether there is a person to ask: one who sees standard error and types into standard input.
 *
 * @returns True if both are a terminal.
 */
export function canAsk(): boolean {
  return Deno.stdin.isTerminal() && Deno.stderr.isTerminal();
}

/**
 * Asks a question whose answer is no, unless it begins with a y.
 *
 * @param question The question, without what may be answered.
 * @returns True for yes.
 * @throws {LlamaError} `usage` if there is no terminal.
 */
export async function confirm(question: string): Promise<boolean> {
  return /^y/i.test(await readAnswer(`${question} [y/N] `));
}
