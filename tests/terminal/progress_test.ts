import assert from "node:assert/strict";
import { newCounts } from "../../lib/jobs/counts.ts";
import { Output, type Writer } from "../../lib/terminal/output.ts";
import {
  Progress,
  ProgressBar,
  ProgressLog,
  progressView,
  UnsharedBar,
} from "../../lib/terminal/progress.ts";
import type { ProgressMode } from "../../lib/terminal/progress_mode.ts";
import { textOf, until } from "../helpers.ts";
import { Screen } from "./screen.ts";

/** A file or a pipe. */
class Log implements Writer {
  text = "";
  write(bytes: Uint8Array): Promise<number> {
    return Promise.resolve(this.writeSync(bytes));
  }
  writeSync(bytes: Uint8Array): number {
    this.text += textOf(bytes);
    return bytes.length;
  }
  isTerminal(): boolean {
    return false;
  }
}

/** A terminal, with the options of a progress display on it. */
function target(
  stderr: Writer,
  { term = "xterm", hasTyping = false, isShared = (): boolean => false } = {},
) {
  const size = { columns: 80, rows: 24 };
  const output = new Output(new Log(), stderr);
  return {
    output,
    term,
    hasTyping,
    style: { hasColor: false, hasCost: true },
    size: () => size,
    isInForeground: () => true,
    isShared,
  };
}

Deno.test("a bar needs a terminal whose cursor can be moved, and lines are printed otherwise", () => {
  const form = (mode: ProgressMode, stderr: Writer, options = {}) =>
    progressView(mode, target(stderr, options))?.constructor;
  assert.equal(form("auto", new Screen()), UnsharedBar);
  assert.equal(form("bar", new Screen()), UnsharedBar);
  assert.equal(form("lines", new Screen()), ProgressLog);
  assert.equal(form("none", new Screen()), undefined);
  for (const mode of ["auto", "bar", "lines"] as const) {
    assert.equal(form(mode, new Log()), ProgressLog);
    assert.equal(form(mode, new Screen(), { term: "dumb" }), ProgressLog);
    assert.equal(form(mode, new Screen(), { term: "" }), ProgressLog);
  }
  assert.equal(form("auto", new Screen(), { hasTyping: true }), ProgressLog);
  assert.equal(form("bar", new Screen(), { hasTyping: true }), UnsharedBar);
});

Deno.test("until no other program can write to the terminal, lines are printed instead of the bar", async () => {
  const screen = new Screen();
  let looks = 0;
  let isShared = true;
  const shown = target(screen, { isShared: () => (looks++, isShared) });
  const view = progressView("bar", shown);
  assert(view);
  const counts = { ...newCounts(), running: 1 };
  for (let tenths = 0; tenths < 70; tenths++) {
    view.show(counts, { elapsedSeconds: tenths / 10, lastEndSeconds: 0 });
  }
  await shown.output.flush();
  assert.equal(
    screen.text,
    "llama: 0 ended, 5s, 0 failed, 1 running, 0 waiting, 0 B sent, 0 B received, $0",
  );
  assert.equal(looks, 7, "ever less often");
  isShared = false;
  view.show(counts, { elapsedSeconds: 20, lastEndSeconds: 0 });
  view.show({ ...counts, done: 1 }, { elapsedSeconds: 20, lastEndSeconds: 0 });
  await shown.output.flush();
  assert.match(screen.text, /\$0\n\n0 ended .*\n0 failed/);
  assert.equal(looks, 8, "and not again once it is known");
  await view.end();
  assert.match(screen.text, /\$0$/);
});

Deno.test("a bar is redrawn only when something has changed", async () => {
  const screen = new Screen();
  const { output, ...rest } = target(screen);
  const bar = new ProgressBar({ output, ...rest });
  const counts = newCounts();
  const show = async (elapsedSeconds: number) => {
    bar.show(counts, { elapsedSeconds, lastEndSeconds: 1 });
    // Queued after the drawing.
    await output.talk("");
  };
  await show(1);
  assert.match(screen.text, /^\n0 ended {2}1s\n0 failed/);
  assert.equal(screen.writes, 1);
  await show(1.2);
  assert.equal(screen.writes, 1);
  counts.done++;
  await show(1.2);
  assert.match(screen.text, /^\n1 ended {2}1\.00\/s {2}1s\n/);
  await show(2);
  assert.match(screen.text, /^\n1 ended {2}1\.00\/s {2}2s\n/);
  assert.equal(screen.writes, 3);
  await bar.end();
  assert.equal(screen.text, "");
});

Deno.test("nothing is drawn while llama is in the background", async () => {
  const screen = new Screen();
  let inForeground = false;
  const bar = new ProgressBar({ ...target(screen), isInForeground: () => inForeground });
  bar.show(newCounts(), { elapsedSeconds: 1, lastEndSeconds: 0 });
  await Promise.resolve();
  assert.equal(screen.writes, 0);
  inForeground = true;
  bar.show(newCounts(), { elapsedSeconds: 1, lastEndSeconds: 0 });
  await until(() => screen.text.includes("0 ended"), "it is drawn");
  await bar.end();
});

Deno.test("a paused terminal is sent one drawing and no more", async () => {
  const held = Promise.withResolvers<void>();
  const screen = new Screen();
  let writes = 0;
  const stderr: Writer = {
    write: async (bytes) => {
      writes++;
      await held.promise;
      return screen.writeSync(bytes);
    },
    writeSync: (bytes) => screen.writeSync(bytes),
    isTerminal: () => true,
  };
  const bar = new ProgressBar(target(stderr));
  for (let second = 1; second <= 100; second++) {
    bar.show(newCounts(), { elapsedSeconds: second, lastEndSeconds: 0 });
    await Promise.resolve();
  }
  held.resolve();
  await bar.end();
  assert.equal(writes, 2);
  assert.equal(screen.text, "");
});

Deno.test("the interval between lines in a log grows with the run", async () => {
  const log = new Log();
  const { output, style } = target(log);
  const lines = new ProgressLog({ output, style }, 5);
  const said: number[] = [];
  for (let second = 1; second <= 3600; second++) {
    const before = log.text;
    lines.show(newCounts(), { elapsedSeconds: second, lastEndSeconds: 0 });
    await output.talk("");
    if (log.text !== before) said.push(second);
  }
  assert.deepEqual(said.slice(0, 4), [5, 10, 15, 20]);
  assert.deepEqual(said.slice(-2).map((second) => Math.round(second / 100)), [30, 33]);
  assert(said.length < 60, String(said.length));
  assert.match(log.text, /^llama: 0 ended, 5s, 0 failed, 0 running, .*\$0\n/);
  await lines.end();
});

Deno.test("the progress display polls the counts until it is closed", async () => {
  const screen = new Screen();
  const counts = newCounts();
  const progress = new Progress(new ProgressBar(target(screen)), counts);
  await until(() => screen.text.includes("0 ended"), "it is shown");
  counts.done = 7;
  await until(() => screen.text.includes("7 ended"), "the change is shown");
  await progress.close();
  assert.equal(screen.text, "");
  const { writes } = screen;
  progress.closeSync();
  assert.equal(screen.writes, writes);
});
