// deno-lint-ignore-file no-control-regex -- control characters are what a terminal is about
/** The progress of a run on a real terminal: ignored unless LLAMA_TEST_TERMINAL names a tmux. */

import assert from "node:assert/strict";
import { isAlive, until } from "../helpers.ts";
import { exists, Workplace } from "./llama.ts";
import { Terminal, terminalTest } from "./terminal.ts";

/** The lines of a status area, at the start of a line of the screen. */
const statusLine = /^(\[[=> ]+\]|\d+% |\d+ (of \d+ )?done|\d+ failed {2})/m;

/** A workplace whose jobs, one per line of the file `lines`, wait until a file says what they do. */
class Jobs extends Workplace {
  /** Creates the jobs, and returns the flags and arguments that run them. */
  async prepare(count: number): Promise<string> {
    await this.addShell();
    await this.write("work/lines", Array.from({ length: count }, (_, i) => `${i + 1}\n`).join(""));
    await this.write(
      "work/job",
      `#!/bin/sh\n>"${
        this.here("started")
      }"\nuntil [ -e "${this.here()}/$1.sh" ]; do sleep 0.02; done\n. "${this.here()}/$1.sh"\n`,
      0o755,
    );
    return `-local xargs -j 4 any ${this.here("job")} '{{.Line}}'`;
  }

  /** Tells the next jobs what to do, which ends them. */
  async end(numbers: readonly number[], script = (n: number) => `echo out ${n}`): Promise<void> {
    for (const n of numbers) {
      await this.write(`work/${n}.part`, script(n));
      await Deno.rename(this.here(`${n}.part`), this.here(`${n}.sh`));
    }
  }
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function outputs(text: string): number[] {
  return [...text.matchAll(/^out (\d+)$/gm)].map(([, n]) => Number(n)).sort((a, b) => a - b);
}

for (const [columns, rows] of [[80, 24], [40, 10]] as const) {
  terminalTest(
    `at ${columns}x${rows} output scrolls above the bar, and nothing of it is left`,
    async () => {
      await using place = new Jobs();
      const run = await place.prepare(30);
      await using terminal = await Terminal.open(place, { columns, rows });
      await terminal.enter(`llama ${run} <lines`);
      await terminal.untilShown(/^ *(\[> +\] {2})?0% {2}0 of 30 ended .*\n0 failed {2}4 running/m);
      await place.end(range(1, 12));
      const half = await terminal.untilShown(/40% {2}12 of 30 ended .*\n0 failed {2}4 running/);
      assert.match(half, /^out \d+\n\n.*40% {2}12 of 30 ended .*\n0 failed {2}4 running.*$/m);
      assert(half.endsWith(half.split("\n").at(-1) ?? ""), half);
      for (const line of half.split("\n")) assert(line.length < columns, line);

      await place.end([13], () => "echo no >&2; exit 3");
      await terminal.untilShown(/43% {2}13 of 30 ended .*\n1 failed {2}4 running/);
      await place.end(range(14, 30));
      await terminal.untilPrompt();
      const history = await terminal.history();
      assert.doesNotMatch(history, statusLine);
      assert.deepEqual(outputs(history), [...range(1, 12), ...range(14, 30)]);
      assert.match(history, /^no\nllama: job 13: any .*: exit status 3$/m);
      assert(await terminal.isSound());
    },
  );
}

terminalTest(
  "the bar follows the size of the terminal",
  async () => {
    await using place = new Jobs();
    const run = await place.prepare(24);
    await using terminal = await Terminal.open(place, { columns: 80, rows: 24 });
    await terminal.enter(`llama ${run} <lines`);
    await terminal.untilShown(/\[> +\] {2}0%/);
    let ended = 0;
    for (const [columns, rows] of [[40, 10], [100, 30], [30, 8], [90, 5], [80, 24]] as const) {
      await place.end(range(ended + 1, ended + 4));
      ended += 4;
      const percent = Math.floor(100 * ended / 24);
      await terminal.untilShown(new RegExp(`${percent}%  ${ended} of`));
      await terminal.resize(columns, rows);
      const isWide = columns >= 60;
      const shown = new RegExp(
        `\\n\\n(\\[.*\\] {2})${isWide ? "" : "?"}${percent}%  ${ended} of 24`,
      );
      const text = await terminal.untilShown(shown);
      for (const line of text.split("\n")) assert(line.length < columns, line);
    }
    await place.end(range(21, 24));
    await terminal.untilPrompt();
    const history = await terminal.history();
    assert.doesNotMatch(history, statusLine);
    assert.deepEqual(outputs(history), range(1, 24));
  },
);

terminalTest("output of any kind is on the terminal as it is", async () => {
  await using place = new Jobs();
  const run = await place.prepare(8);
  await using terminal = await Terminal.open(place, { columns: 40, rows: 12 });
  await terminal.enter(`llama ${run} <lines`);
  const texts: [string, RegExp][] = [
    ["printf partial", /^partial$/m],
    ["printf partial >&2", /^partial\npartial$/m],
    ["printf %0100d 7", /^0{99}7$/m],
    // As wide as the terminal, to the last column.
    ["printf %040d 8", /^0{39}8$/m],
    [
      "echo 日本語のとても長いファイル名、端末の幅より広い.png",
      /^日本語のとても長いファイル名、端末の幅より広い\.png$/m,
    ],
    ["echo 👩‍🚀é", /^👩‍🚀é$/m],
    [String.raw`printf '\033[31mred without an end'`, /^red without an end$/m],
    [String.raw`printf 'overwritten\rback\n'`, /^backwritten$/m],
  ];
  for (const [index, [script, shown]] of texts.entries()) {
    await terminal.untilShown(new RegExp(`${index} of 8 ended`));
    await place.end([index + 1], () => script);
    await until(async () => shown.test(await terminal.history()), script)
      .catch(async (error) => assert.fail(`${error}\n${await terminal.history()}`));
  }
  await terminal.untilPrompt();
  const history = await terminal.history();
  for (const [, shown] of texts) assert.match(history, shown);
  assert.doesNotMatch(history, statusLine);
  // The job's red color ends with its output.
  assert.doesNotMatch(await terminal.colors(), /\x1b\[31m[^\n]*llama:/);
});

for (
  const [signal, status] of [
    ["SIGTERM", 143],
    ["SIGHUP", 129],
    ["SIGINT", 130],
    ["SIGKILL", 137],
  ] as const
) {
  terminalTest(`after ${signal} the terminal is as it was`, async () => {
    await using place = new Jobs();
    const run = await place.prepare(30);
    await place.write("work/run", `echo $$ >pid\nexec llama ${run} <lines\n`);
    await using terminal = await Terminal.open(place, { columns: 80, rows: 24 });
    await terminal.enter("sh run; echo status $?");
    await place.end([1]);
    await terminal.untilShown(/^out 1\n\n.*3% {2}1 of 30 ended/m);
    const pid = Number(await Deno.readTextFile(place.here("pid")));
    Deno.kill(pid, signal);
    if (signal === "SIGINT") {
      const text = await terminal.untilShown(
        /waiting for 4 jobs in flight[^]*\n\nending {2}1 ended/,
      );
      assert.match(text, /^out 1\nllama: interrupted: no new jobs/m);
      // The second counts only some time after the first, so it is sent repeatedly.
      await until(async () => {
        if (/4 jobs were in flight|^status/m.test(await terminal.text())) return true;
        if (isAlive(pid)) Deno.kill(pid, signal);
        return false;
      }, "the second is heard");
    }
    const text = await terminal.untilShown(new RegExp(`^status ${status}\\b`, "m"));
    // Nothing can be removed after SIGKILL, but the cursor is visible and lines wrap.
    if (signal !== "SIGKILL") assert.doesNotMatch(text, statusLine);
    assert(await terminal.isSound());
  });
}

terminalTest("ctrl-C leaves the bar until the jobs in flight have ended", async () => {
  await using place = new Jobs();
  const run = await place.prepare(30);
  await using terminal = await Terminal.open(place, { columns: 80, rows: 24 });
  await terminal.enter(`llama ${run} <lines; echo status $?`);
  await terminal.untilShown(/0 of 30 ended/);
  await terminal.press("C-c");
  await terminal.untilShown(
    /: interrupted: .* 4 jobs in flight[^]*\n\nending {2}0 ended .*\n0 failed {2}4 running {2}26 not started/,
  );
  await place.end(range(1, 4));
  const text = await terminal.untilShown(/^status 130$/m);
  assert.deepEqual(outputs(text), range(1, 4));
  assert.doesNotMatch(text, statusLine);
});

terminalTest("ctrl-Z gives the shell a clean terminal, and fg brings the bar back", async () => {
  await using place = new Jobs();
  const run = await place.prepare(5);
  await using terminal = await Terminal.open(place, { columns: 80, rows: 24 });
  await terminal.enter(`llama ${run} <lines`);
  await terminal.untilShown(/0 of 5 ended/);
  await terminal.press("C-z");
  await terminal.untilPrompt();
  assert.doesNotMatch(await terminal.text(), statusLine);
  await terminal.enter("fg");
  await place.end(range(1, 2));
  await terminal.untilShown(/^out \d\n\n.*40% {2}2 of 5 ended/m);
  await place.end(range(3, 5));
  await terminal.untilPrompt();
});

terminalTest(
  "output to a pipe or a file is unchanged, and the bar is on the terminal",
  async () => {
    await using place = new Jobs();
    const run = await place.prepare(6);
    await using terminal = await Terminal.open(place, { columns: 80, rows: 24 });
    await terminal.enter(`llama ${run} <lines | cat >piped`);
    await terminal.untilShown(/0 of 6 ended/);
    await place.end([1], () => "printf partial; echo err >&2");
    await terminal.untilShown(/^err\n\n.*1 of 6 ended/m);
    await place.end(range(2, 6), (n) => `echo ${n}`);
    await terminal.untilPrompt();
    const piped = await Deno.readTextFile(place.here("piped"));
    assert.equal(piped.slice(0, 7), "partial");
    assert.deepEqual(piped.slice(7).trimEnd().split("\n").sort(), ["2", "3", "4", "5", "6"]);
    assert.doesNotMatch(await terminal.history(), statusLine);
  },
);

/** Writes each line with a delay, when the bar may have been drawn again. */
const slowly = `while read -r line; do sleep 0.06; printf '%s\\n' "$line"; done`;

for (const mode of ["auto", "bar"]) {
  terminalTest(
    `-progress ${mode} does not tear the lines of another program of the pipeline`,
    async () => {
      await using place = new Jobs();
      const run = (await place.prepare(30)).replace("xargs", `xargs -progress ${mode}`);
      await place.write("work/show", slowly);
      await using terminal = await Terminal.open(place, { columns: 80, rows: 40 });
      await terminal.enter(`llama ${run} <lines | cat | sh show`);
      for (const n of range(1, 30)) {
        await place.end([n]);
        if (n % 10 === 0) await terminal.untilShown(new RegExp(`^out ${n}$`, "m"));
      }
      await terminal.untilPrompt();
      const history = await terminal.history();
      assert.doesNotMatch(history, statusLine);
      assert.deepEqual(outputs(history), range(1, 30), history);
      assert(await terminal.isSound());
    },
  );
}

terminalTest("there is a bar where the pipeline ends in a file, however long it is", async () => {
  await using place = new Jobs();
  const run = await place.prepare(6);
  await using terminal = await Terminal.open(place, { columns: 80, rows: 24 });
  await terminal.enter(`llama ${run} <lines | cat | tr o O | cat >piped`);
  await terminal.untilShown(/0 of 6 ended/);
  await place.end([1]);
  await terminal.untilShown(/1 of 6 ended/);
  await place.end(range(2, 6));
  await terminal.untilPrompt();
  assert.equal((await Deno.readTextFile(place.here("piped"))).match(/^Out \d$/gm)?.length, 6);
  assert.doesNotMatch(await terminal.history(), statusLine);
});

terminalTest("a failure is red, unless NO_COLOR is set", async () => {
  for (const [environment, color] of [[{}, true], [{ NO_COLOR: "1" }, false]] as const) {
    await using place = new Jobs();
    const run = await place.prepare(3);
    await using terminal = await Terminal.open(place, { columns: 80, rows: 24, environment });
    await terminal.enter(`llama ${run} <lines`);
    await place.end([1], () => "exit 1");
    await terminal.untilShown(/1 failed/);
    assert.equal((await terminal.colors()).includes("\x1b[31m1 failed"), color);
    await place.end([2, 3]);
    await terminal.untilPrompt();
    assert.doesNotMatch(await terminal.colors(), /\x1b\[31m/);
  }
});

terminalTest(
  "there is no bar on a dumb terminal, with -progress none, or with typed input",
  async () => {
    await using place = new Jobs();
    const run = await place.prepare(1);
    await using terminal = await Terminal.open(place, { columns: 80, rows: 24 });
    const dumb = `TERM=dumb llama ${run} <lines`;
    const none = `llama ${run.replace("xargs", "xargs -progress none")} <lines`;
    for (const line of [dumb, none, `llama ${run}`]) {
      await terminal.enter(line);
      const isTyped = !line.endsWith("<lines");
      if (isTyped) {
        await terminal.untilShown(/^llama: reading lines from standard input; .*$/m);
        await terminal.type("1");
        await terminal.press("Enter", "C-d");
      }
      await until(() => exists(place.here("started")), "the job runs");
      await place.end([1]);
      await terminal.untilPrompt();
      const text = await terminal.text();
      const shown = /^(.*)out 1\nllama: 1 job, /s.exec(text)?.[1];
      const typing = "llama: reading lines from standard input; end them with ctrl-D\n1\n";
      assert.equal(shown, isTyped ? typing : "");
    }
  },
);

terminalTest("an error that ends the run leaves the terminal as it was", async () => {
  await using place = new Jobs();
  await place.prepare(1);
  await using terminal = await Terminal.open(place, { columns: 80, rows: 24 });
  await terminal.enter("(sleep 0.5; echo x) | llama -local xargs nope; echo status $?");
  const text = await terminal.untilShown(/^status \d+$/m);
  assert.match(text, /^llama: no function "nope"\nllama: hint: .*\n/);
  assert.doesNotMatch(text, statusLine);
  assert(await terminal.isSound());
});
