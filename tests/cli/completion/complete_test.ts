import assert from "node:assert/strict";
import { type Command, loaded } from "../../../lib/cli/command.ts";
import { withHelp } from "../../../lib/cli/synopsis.ts";
import { completionCommand } from "../../../lib/commands/spec/completion.ts";
import { globalFlags } from "../../../lib/commands/spec/global.ts";
import { invokeCommand } from "../../../lib/commands/spec/invoke.ts";
import { localCommand } from "../../../lib/commands/spec/local.ts";
import { xargsCommand } from "../../../lib/commands/spec/xargs.ts";
import { complete } from "../../../lib/cli/completion/complete.ts";
import { shellWords } from "../../../lib/cli/completion/shell_words.ts";

const commands = withHelp(
  [invokeCommand, xargsCommand, localCommand, completionCommand].map((command) =>
    loaded<Command>(command)
  ),
);

/** Returns the completions at the end of a line: words, or the kind of name. */
async function completed(line: string): Promise<string[] | string> {
  const { candidates, others } = await complete(shellWords(line), { globalFlags, commands });
  if (others !== "nothing") {
    assert.deepEqual(candidates, []);
    return others;
  }
  return candidates.map(({ word }) => word);
}

Deno.test("commands are completed where one is expected", async () => {
  assert.deepEqual(await completed(""), commands.map(({ name }) => name));
  assert.deepEqual(await completed("x"), ["xargs"]);
  assert.deepEqual(await completed("-local -region r x"), ["xargs"]);
  assert.deepEqual(await completed("help in"), ["invoke"]);
  assert.deepEqual(await completed("help invoke "), []);
  assert.deepEqual(await completed("nope "), []);
  assert.deepEqual(await completed("completion "), ["bash", "zsh", "fish"]);
});

Deno.test("flags are completed where they are allowed, with as many dashes as typed", async () => {
  assert.deepEqual(await completed("-func"), ["-functions", "-function"]);
  assert.deepEqual(await completed("xargs --prog"), ["--progress"]);
  assert.deepEqual(await completed("xargs -regi"), []);
  assert.deepEqual(await completed("-prog"), []);
  assert.deepEqual(await completed("invoke -f"), ["-file", "-f", "-f-links"]);
  assert.deepEqual(await completed("local "), ["-listen", "-concurrency"]);
  // After the function's name they are the function's own.
  assert.equal(await completed("xargs optipng -prog"), "files");
  assert.equal(await completed("xargs -- -prog"), "functions");
});

Deno.test("every flag of every command is offered, with its help", async () => {
  for (const listed of commands) {
    const { name, flags } = await listed.load();
    const { candidates } = await complete([name, "-"], { globalFlags, commands });
    for (const [flag, { help, aliases }] of Object.entries(flags)) {
      for (const word of [flag, ...aliases]) {
        assert.equal(candidates.find((each) => each.word === `-${word}`)?.help, help);
      }
    }
  }
});

Deno.test("a flag's value is completed by its placeholder, after a space or an equals sign", async () => {
  assert.deepEqual(await completed("xargs -progress "), ["auto", "bar", "lines", "none"]);
  assert.deepEqual(await completed("xargs -progress b"), ["bar"]);
  assert.deepEqual(await completed("xargs --progress=l"), ["--progress=lines"]);
  assert.equal(await completed("xargs -f "), "files");
  assert.equal(await completed("xargs -f=pa"), "files");
  assert.equal(await completed("invoke -f a -o "), "files");
  assert.equal(await completed("xargs -a "), "files");
  assert.equal(await completed("xargs -results "), "directories");
  assert.equal(await completed("-functions "), "directories");
  assert.deepEqual(await completed("xargs -j "), []);
  assert.deepEqual(await completed("xargs -j=5 -progress n"), ["none"]);
  assert.deepEqual(await completed("xargs -logs -progress n"), ["none"]);
  assert.deepEqual(await completed("xargs -nope=x -progress n"), ["none"]);
});

Deno.test("the first argument is completed as a function, the others as files", async () => {
  assert.equal(await completed("xargs "), "functions");
  assert.equal(await completed("-local xargs -j 5 -logs opt"), "functions");
  assert.equal(await completed("invoke -f=a hello "), "files");
  assert.equal(await completed("invoke hello a b c"), "files");
});

Deno.test("a line is split into words as a shell does it", () => {
  const cases: [string, string[]][] = [
    ["", [""]],
    ["a", ["a"]],
    ["a ", ["a", ""]],
    ["  a\t b", ["a", "b"]],
    [`'a b'c "d e"`, ["a bc", "d e"]],
    [`a\\ b\\`, ["a b"]],
    [`"a\\"b\\c" 'd\\'`, [`a"b\\c`, "d\\"]],
    [`'' ""`, ["", ""]],
    [`'a `, ["a "]],
    [`-f "a `, ["-f", "a "]],
    ["größe 日本", ["größe", "日本"]],
  ];
  for (const [line, words] of cases) assert.deepEqual(shellWords(line), words, line);
});
