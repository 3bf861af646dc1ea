import assert from "node:assert/strict";
import { Output, OutputClosed } from "../../lib/terminal/output.ts";
import { textOf } from "../helpers.ts";

/** Takes a few bytes at a time, as a pipe may. */
class Slow {
  text = "";
  async write(bytes: Uint8Array): Promise<number> {
    await Promise.resolve();
    const taken = bytes.subarray(0, 3);
    this.text += textOf(taken);
    return taken.length;
  }
}

Deno.test("pieces are written whole and in order, however many write at once", async () => {
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

Deno.test("a reader that has gone is an error on standard output and none on standard error", async () => {
  const gone = { write: () => Promise.reject(new Deno.errors.BrokenPipe("gone")) };
  const output = new Output(gone, gone);
  await assert.rejects(output.data("x"), OutputClosed);
  await output.message("nobody hears this");
});

Deno.test("a full disk is one line, at once for standard output and in the end for standard error", async () => {
  const full = {
    write: () => Promise.reject(new Error("No space left on device (os error 28)")),
  };
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

Deno.test("flush waits for what nobody waited for", async () => {
  const stderr = new Slow();
  const output = new Output(new Slow(), stderr);
  void output.message("a message");
  await output.flush();
  assert.equal(stderr.text, "llama: a message\n");
});
