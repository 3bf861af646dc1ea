/**
 * Prompts on the terminal.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";
import { printable } from "../text/printable.ts";

/**
 * Asks for a line on `/dev/tty`, since standard input may be a file.
 *
 * @param question The prompt, including a space at its end.
 * @returns The answer, trimmed.
 * @throws {LlamaError} `usage` if there is no terminal or no answer.
 */
export async function ask(question: string): Promise<string> {
  const answer = await readAnswer(question);
  if (answer === "") throw new LlamaError("usage", `no answer to: ${question.trim()}`);
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
  // Ctrl-D does not end the line.
  if (!count) await tty.write(new TextEncoder().encode("\n"));
  return new TextDecoder().decode(buffer.subarray(0, count ?? 0)).trim();
}

/**
 * Reports whether a person can be asked: whether standard input and standard error are terminals.
 */
export function canAsk(): boolean {
  return Deno.stdin.isTerminal() && Deno.stderr.isTerminal();
}

/**
 * Asks a yes-or-no question.
 *
 * @param question The question, without the choices.
 * @returns True if the answer begins with y.
 * @throws {LlamaError} `usage` if there is no terminal.
 */
export async function confirm(question: string): Promise<boolean> {
  return /^y/i.test(await readAnswer(`${question} [y/N] `));
}
