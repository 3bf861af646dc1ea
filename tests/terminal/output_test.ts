import assert from "node:assert/strict";
import { Output, OutputClosed } from "../../lib/terminal/output.ts";
import { textOf } from "../helpers.ts";
import { Screen } from "./screen.ts";

/** A writer that takes a few bytes at a time, as a pipe may. */
class Slow {
  text = "";
  async write(bytes: Uint8Array): Promise<number> {
    await Promise.resolve();
    return this.writeSync(bytes.subarray(0, 3));
  }
  writeSync(bytes: Uint8Array): number {
    this.text += textOf(bytes);
    return bytes.length;
  }
  isTerminal(): boolean {
    return false;
  }
}

/** A writer that takes everything at once. */
class Whole extends Slow {
  override write(bytes: Uint8Array): Promise<number> {
    return Promise.resolve(this.writeSync(bytes));
  }
}

/** A writer whose reader has gone. */
function gone(error: Error, isTerminal: boolean) {
  return {
    write: () => Promise.reject(error),
    writeSync: () => {
      throw error;
    },
    isTerminal: () => isTerminal,
  };
}

Deno.test("concurrent writes are written whole and in order", async () => {
  const stdout = new Slow();
  const stderr = new Slow();
  const output = new Output(stdout, stderr);
  await Promise.all([
    output.data("first piece\n"),
    output.data("second piece\n"),
    output.message("a message"),
    output.data("third\n"),
  ]);
  assert.equal(stdout.text, "first piece\nsecond piece\nthird\n");
  assert.equal(stderr.text, "llama: a message\n");
});

Deno.test("a closed reader is an error on standard output but not on standard error", async () => {
  const brokenPipe = gone(new Deno.errors.BrokenPipe("gone"), false);
  const output = new Output(brokenPipe, brokenPipe);
  await assert.rejects(output.data("x"), OutputClosed);
  await output.message("nobody hears this");
});

Deno.test("a full disk is reported at once for standard output, and at the end for standard error", async () => {
  const full = gone(new Error("No space left on device (os error 28)"), false);
  const output = new Output(full, full);
  await assert.rejects(output.data("x"), {
    code: "output",
    message: "cannot write to standard output: no space left on device",
  });
  await output.message("this is lost");
  await assert.rejects(output.flush(), {
    code: "output",
    message: "cannot write to standard error: no space left on device",
  });
});

Deno.test("flush waits for writes that were not awaited", async () => {
  const stderr = new Slow();
  const output = new Output(new Slow(), stderr);
  void output.message("a message");
  await output.flush();
  assert.equal(stderr.text, "llama: a message\n");
});

Deno.test("a terminal that has gone is not an error of its own", async () => {
  const error = Object.assign(new Error("Input/output error (os error 5)"), { code: "EIO" });
  const terminal = gone(error, true);
  const output = new Output(terminal, terminal);
  await assert.rejects(output.data("x"), OutputClosed);
  await output.message("nobody hears this");
  await output.status(["nobody sees this"]);
  output.endStatusSync();
  const file = new Output(gone(error, false), gone(error, false));
  await assert.rejects(file.data("x"), { code: "output" });
  await file.message("x");
  await assert.rejects(file.flush(), { code: "output" });
});

Deno.test("text of both streams scrolls above the status area, which is then removed", async () => {
  const screen = new Screen(40, 6);
  const output = new Output(screen, screen);
  await output.data("one\n");
  await output.status(["status 1", "second"]);
  assert.equal(screen.text, "one\n\nstatus 1\nsecond");
  assert.deepEqual(screen.cursor, [1, 0]);
  await output.data("two\nthree\n");
  await output.message("four");
  await output.talk("five is wider than a line of this terminal is\n");
  assert.equal(
    screen.text,
    "one\ntwo\nthree\nllama: four\nfive is wider than a line of this termin\nal is\n\nstatus 1\nsecond",
  );
  await output.status(["2"]);
  assert.match(screen.text, /\nal is\n\n2$/);
  await output.status([]);
  assert.match(screen.text, /\nal is$/);
  await output.data("last\n");
  assert.match(screen.text, /\nal is\nlast$/);
});

Deno.test("the status area adds a line feed to text that ends within a line", async () => {
  const screen = new Screen();
  const output = new Output(screen, screen);
  await output.data("not ");
  await output.data("yet");
  await output.status(["status"]);
  await output.data("once");
  await output.data("");
  await output.talk("more\n");
  assert.equal(screen.text, "not yet\nonce\nmore\n\nstatus");
  await output.status([]);
  await output.data("a");
  await output.data("b");
  assert.equal(screen.text, "not yet\nonce\nmore\nab");
});

Deno.test("a line as wide as the terminal is not broken", async () => {
  const screen = new Screen(10, 6);
  const output = new Output(screen, screen);
  await output.status(["status"]);
  await output.data("0123456789");
  await output.data("next\n");
  assert.equal(screen.text, "0123456789\nnext\n\nstatus");
});

Deno.test("a status area wider than a shrunk terminal is cut and does not wrap", async () => {
  const screen = new Screen(10, 6);
  const output = new Output(screen, screen);
  await output.status(["0123456789abc", "second"]);
  await output.status(["0123456789abc", "third"]);
  assert.equal(screen.text, "\n012345678c\nthird");
  await output.data("long enough to wrap\n");
  assert.equal(screen.text, "long enoug\nh to wrap\n\n012345678c\nthird");
});

Deno.test("output to a pipe is unchanged, and the status area stays on the terminal", async () => {
  const stdout = new Slow();
  const screen = new Screen();
  const output = new Output(stdout, screen);
  await output.status(["status"]);
  await output.data("no end");
  await output.message("a message");
  assert.equal(stdout.text, "no end");
  assert.equal(screen.text, "llama: a message\n\nstatus");
});

Deno.test("a status area is removed synchronously, and not drawn again", async () => {
  const screen = new Screen();
  const output = new Output(screen, screen);
  output.endStatusSync();
  assert.equal(screen.writes, 0);
  await output.status(["status"]);
  output.endStatusSync();
  assert.equal(screen.text, "");
  await output.data("after\n");
  assert.equal(screen.text, "after");
});

const controls =
  // deno-lint-ignore no-control-regex
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

Deno.test("control characters are escaped in messages, lines and text, but not in data", async () => {
  const stdout = new Whole();
  const stderr = new Whole();
  const output = new Output(stdout, stderr);
  // All characters of the Basic Multilingual Plane, which has all controls.
  const all = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code)).join("");
  await output.message(`message ${all}`);
  await output.lines(`lines ${all}`);
  await output.text(`text ${all}\n`);
  for (const { text } of [stdout, stderr]) {
    assert.doesNotMatch(text, controls);
  }
  assert.match(stderr.text, /^llama: message \\x00.*\\x08\t\\n\\x0b.*\nlines .*\n.*\n$/);
  stdout.text = "";
  await output.data("\x1b[31mred\u009b");
  assert.equal(stdout.text, "\x1b[31mred\u009b");
});

Deno.test("lines that end in CR LF or nothing are printed with a line feed", async () => {
  const stderr = new Whole();
  const output = new Output(new Whole(), stderr);
  await output.lines("one\r\ntwo");
  await output.lines("");
  await output.lines("three\r\n");
  assert.equal(stderr.text, "one\ntwo\nthree\n");
});
