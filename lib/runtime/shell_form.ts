/**
 * The shell form of an image's `CMD`, which Docker prefixes with the `SHELL`.
 *
 * @module
 */

import { basename } from "node:path";

/** Shells with POSIX's `-c` and `"$@"`, optionally followed by a version. */
const posixShell = /^(a|r?ba|da|o?k|lok|mk|ya|z)?sh[\d.-]*$/;

/** Programs that a `SHELL` may begin with: they run the words that follow their own. */
const runner =
  /^(env|busybox|nice|ionice|stdbuf|setpriv|gosu|su-exec|tini|dumb-init|(micro)?mamba|conda)$/;

/** Their options that take the next word as value, including `-o` and bash's `-O`. */
const valued = /^(--(rcfile|init-file|emulate)$|[-+][A-Za-z]*[oO])/;

/**
 * Appends a job's arguments to a `CMD` in shell form: `/bin/sh -c TEXT`, or TEXT after any other
 * `SHELL` such as `bash -o pipefail -c`. The arguments become positional parameters, `"$@"`.
 *
 * @param words The `CMD`.
 * @returns The words to put before the job's arguments; unchanged if this is not a shell form.
 */
export function passArguments(words: readonly string[]): readonly string[] {
  const isShell = (word: string) => posixShell.test(basename(word)) || basename(word) === "fish";
  // An option with `c` and the text follow the shell. A runner's own words may look like one before.
  const start = runner.test(basename(words[0] ?? ""))
    ? words.findLastIndex((word, index) => index < words.length - 2 && isShell(word))
    : 0;
  const shell = basename(words[start] ?? "");
  let isCommand = false;
  let index = start + 1;
  for (let word = words[index]; word !== undefined && /^[-+]./.test(word); word = words[index]) {
    index++;
    if (word === "--") break;
    if (/^-[A-Za-z]*c/.test(word)) isCommand = true;
    if (valued.test(word)) index++;
  }
  // A word after the text would be the shell's $0, so this would be an exec form with arguments.
  if (!isCommand || index !== words.length - 1) return words;
  // After a line break, the arguments would be a command of their own.
  const text = (words[index] ?? "").replace(/\s*\n\s*$/, "");
  const before = words.slice(0, index);
  // fish has no $0, and calls the arguments $argv.
  if (shell === "fish") return [...before, `${text} $argv`];
  if (!posixShell.test(shell)) return words;
  const [name = ""] = text.trim().split(/\s+/);
  return [...before, `${text} "$@"`, name];
}
