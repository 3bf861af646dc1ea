import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { sourceOfBytes, sourceOfFile } from "../../lib/store/source.ts";
import { noise, TemporaryDirectory } from "../helpers.ts";

const bytes = noise(1_000_000);
const whole = () => 0;

Deno.test("a source yields any range of its bytes, any number of times", async () => {
  await using directory = new TemporaryDirectory();
  const path = await directory.write("file", bytes);
  for (const source of [sourceOfBytes(bytes, whole), await sourceOfFile(path, whole)]) {
    const watcher = {
      onPiece: () => {},
      onFailure: (error: unknown) => assert.fail(String(error)),
    };
    for (let i = 0; i < 2; i++) {
      const body = source.body(300_000, 400_000, watcher);
      assert.equal(body.size, 400_000);
      const read: Uint8Array[] = [];
      // A piece is good until the next is asked for.
      for await (const piece of body.stream()) read.push(piece.slice());
      assert.deepEqual(new Uint8Array(Buffer.concat(read)), bytes.slice(300_000, 700_000));
    }
  }
});

Deno.test("cancelling a body during a read is not a failure", async () => {
  await using directory = new TemporaryDirectory();
  const path = await directory.write("file", bytes);
  for (const source of [sourceOfBytes(bytes, whole), await sourceOfFile(path, whole)]) {
    const failures: unknown[] = [];
    const body = source.body(0, bytes.length, {
      // As `fetch` does that is aborted.
      onPiece: () => void reader.cancel(),
      onFailure: (error) => failures.push(error),
    });
    const reader = body.stream().getReader();
    assert.equal((await reader.read()).done, true);
    await reader.closed;
    assert.deepEqual(failures, []);
  }
});

Deno.test("a file that cannot be read is reported to the watcher", async () => {
  await using directory = new TemporaryDirectory();
  const path = await directory.write("file", bytes);
  const source = await sourceOfFile(path, whole);
  await Deno.remove(path);
  const failures: unknown[] = [];
  const body = source.body(0, bytes.length, {
    onPiece: () => {},
    onFailure: (error) => failures.push(error),
  });
  await assert.rejects(new Response(body.stream()).bytes());
  assert(failures[0] instanceof Deno.errors.NotFound);
});
