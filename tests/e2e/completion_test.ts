/**
 * Completion in real shells: ignored unless LLAMA_TEST_TERMINAL names a tmux, and for each shell
 * unless LLAMA_TEST_SHELLS names it.
 */

import assert from "node:assert/strict";
import { Workplace } from "./llama.ts";
import { Terminal, tmux } from "./terminal.ts";

const shells = (Deno.env.get("LLAMA_TEST_SHELLS") ?? "").split(" ");

/** The command that starts each shell without user settings, and the one that loads the script. */
const setups: readonly [shell: string, start: string, source: string][] = [
  ["bash", "bash --norc --noprofile", "source <(llama completion bash)"],
  ["zsh", "zsh -f", "autoload -U compinit; compinit -u -D; source <(llama completion zsh)"],
  [
    "fish",
    `fish --no-config -C 'function fish_prompt; printf "ready> "; end'`,
    "llama completion fish | source",
  ],
];

/** The text typed before the tab, and the line after it. */
const typed: readonly [before: string, after: string][] = [
  ["xar", "xargs "],
  ["help comp", "help completion "],
  ["-local -reg", "-local -region "],
  ["xargs -progr", "xargs -progress "],
  ["xargs --jobl", "xargs --joblog "],
  ["xargs -progress b", "xargs -progress bar "],
  ["xargs -progress=b", "xargs -progress=bar "],
  ["-functions ot", "-functions others/"],
  ["xargs sec", "xargs second "],
  ["-functions others invoke th", "-functions others invoke third "],
  ["-function 'upper=tr a-z A-Z' xargs up", "-function 'upper=tr a-z A-Z' xargs upper "],
  ["xargs -f a", "xargs -f a\\ file.txt "],
  ["xargs -f=a", "xargs -f=a\\ file.txt "],
  ["xargs second -progress others/thi", "xargs second -progress others/third/"],
];

for (const [shell, start, source] of setups) {
  Deno.test({
    name: `${shell} completes commands, flags, values, functions and files`,
    ignore: tmux === undefined || !shells.includes(shell),
    async fn() {
      await using place = new Workplace();
      await place.addFunction("first", "");
      await place.addFunction("x", "", { name: "second" });
      await place.write("work/others/third/function.json", '{"command": []}');
      await place.write("work/a file.txt", "");
      await using terminal = await Terminal.open(place, { columns: 100, rows: 12, shell: start });
      await terminal.enter(source);
      for (const [before, after] of typed) {
        await terminal.untilPrompt();
        await terminal.type(`llama ${before}`);
        await terminal.untilShown(new RegExp(`^ready> ${RegExp.escape(`llama ${before}`)}$`, "m"));
        await terminal.press("Tab");
        // A complete word is followed by a space.
        await terminal.type("@");
        const text = await terminal.untilShown(/^ready> llama .*@$/m);
        assert.equal(text.split("\n").at(-1), `ready> llama ${after}@`, before);
        // A key, since fish may miss the signal of ctrl-C while it is busy.
        await terminal.press("C-u");
        await terminal.enter("true");
      }
    },
  });
}
