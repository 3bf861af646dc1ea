/**
 * Questions to the person at the terminal.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";

/**
 * Asks for a line on the terminal itself: standard input may be a file.
 *
 * @param question The question, with the space after it.
 * @returns The answer, without spaces around it.
 * @throws {LlamaError} `usage` if there is no terminal, or no answer.
 */
export async function ask(question: string): Promise<string> {
  let terminal;
  try {
    terminal = await Deno.open("/dev/tty", { read: true, write: true });
  } catch (cause) {
    throw new LlamaError("usage", `there is no terminal to ask: ${question.trim()}`, { cause });
  }
  using tty = terminal;
  await tty.write(new TextEncoder().encode(question));
  const buffer = new Uint8Array(1024);
  const count = await tty.read(buffer);
  const answer = new TextDecoder().decode(buffer.subarray(0, count ?? 0)).trim();
  if (answer === "") throw new LlamaError("usage", "no answer was given");
  return answer;
}
