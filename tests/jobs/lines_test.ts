import assert from "node:assert/strict";
import { readLines } from "../../lib/jobs/lines.ts";
import { bytesOf } from "../helpers.ts";

function stream(...pieces: (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(
    pieces.map((piece) => typeof piece === "string" ? bytesOf(piece) : piece),
  );
}

Deno.test("lines are cut at newlines only, wherever the pieces end", async () => {
  const lines = await Array.fromAsync(
    readLines(stream("a\nb", "b\n", "\n", "c\r\n", "é", "\nlast")),
  );
  assert.deepEqual(lines, ["a", "bb", "", "c\r", "é", "last"]);
});

Deno.test("the last line counts with and without its end", async () => {
  assert.deepEqual(await Array.fromAsync(readLines(stream("a\nb\n"))), ["a", "b"]);
  assert.deepEqual(await Array.fromAsync(readLines(stream("a\nb"))), ["a", "b"]);
  assert.deepEqual(await Array.fromAsync(readLines(stream("\n\n"))), ["", ""]);
  assert.deepEqual(await Array.fromAsync(readLines(stream(""))), []);
});

Deno.test("with -0 lines end in NUL", async () => {
  const lines = await Array.fromAsync(readLines(stream("a\nb\0c\0"), { delimiter: 0 }));
  assert.deepEqual(lines, ["a\nb", "c"]);
});

Deno.test("a character cut by two pieces is whole, and bytes that are not UTF-8 are kept", async () => {
  const lines = await Array.fromAsync(readLines(stream(
    new Uint8Array([0xc3]),
    new Uint8Array([0xa9, 10, 0xff, 0x61, 10]),
  )));
  assert.deepEqual(lines, ["é", "\udcffa"]);
});

Deno.test("a line that is too long is an error that names it", async () => {
  const lines = readLines(stream("a\n", "x".repeat(20)), { maxLineBytes: 10 });
  assert.equal((await lines.next()).value, "a");
  await assert.rejects(lines.next(), /line 2 is longer than 10 bytes/);
});

Deno.test("a line is there before the next one is", async () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const lines = readLines(readable);
  const wrote = writer.write(bytesOf("first\n"));
  assert.equal((await lines.next()).value, "first");
  await wrote;
  await lines.return();
});

Deno.test("an abort ends a read that waits", async () => {
  const controller = new AbortController();
  const silent = new ReadableStream<Uint8Array>();
  const next = readLines(silent, { signal: controller.signal }).next();
  controller.abort(new Error("enough"));
  await assert.rejects(next, /enough/);
});
