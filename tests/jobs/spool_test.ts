import assert from "node:assert/strict";
import { dirname } from "node:path";
import { LlamaError } from "../../lib/errors.ts";
import { spool } from "../../lib/jobs/spool.ts";
import { maxInlineBytes } from "../../lib/protocol.ts";
import { TemporaryDirectory } from "../helpers.ts";

function pieces(...sizes: number[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(sizes.map((size, index) => new Uint8Array(size).fill(index)));
}

Deno.test("a little input stays in memory, much goes to a file in TMPDIR", async () => {
  await using place = new TemporaryDirectory();
  const environment = { TMPDIR: place.join() };
  assert.deepEqual(await spool(pieces(1, 2), environment), new Uint8Array([0, 1, 1]));
  const big = await spool(pieces(maxInlineBytes, 5), environment);
  assert(!(big instanceof Uint8Array));
  assert.equal(big.size, maxInlineBytes + 5);
  const bytes = await Deno.readFile(big.path);
  assert.deepEqual([bytes.length, bytes.at(-6), bytes.at(-5)], [big.size, 0, 1]);
  const [directory, ...others] = await place.list();
  assert.deepEqual(others.map((path) => place.join(path)), [big.path]);
  assert.equal(dirname(big.path), place.join(directory ?? ""));
});

Deno.test("input that cannot be read or held is named, and leaves no file", async () => {
  await using place = new TemporaryDirectory();
  const failing = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.error(new Deno.errors.IsADirectory("no")),
  });
  await assert.rejects(spool(failing, {}), {
    code: "input",
    message: "cannot read standard input: is a directory",
  });
  const nowhere = place.join("none");
  await assert.rejects(spool(pieces(maxInlineBytes, 5), { TMPDIR: nowhere }), (error) => {
    assert(error instanceof LlamaError);
    assert.equal(
      error.message,
      `cannot buffer standard input in ${nowhere}: no such file or directory`,
    );
    return error.hint?.includes("TMPDIR") === true;
  });
  assert.deepEqual(await place.list(), []);
});

Deno.test("an abort removes the buffered input", async () => {
  await using place = new TemporaryDirectory();
  const stop = new AbortController();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const spooled = spool(readable, { TMPDIR: place.join() }, stop.signal);
  const writer = writable.getWriter();
  await writer.write(new Uint8Array(maxInlineBytes + 1));
  stop.abort(new Error("enough"));
  await assert.rejects(spooled, /enough/);
  await writer.closed.catch(() => {});
  assert.deepEqual(await place.list(), []);
});
