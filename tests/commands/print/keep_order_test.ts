import assert from "node:assert/strict";
import { KeepOrder } from "../../../lib/commands/print/keep_order.ts";
import { message, type Piece } from "../../../lib/commands/print/piece.ts";
import { Spill } from "../../../lib/commands/print/spill.ts";
import { bytesOf, noise, TemporaryDirectory, textOf } from "../../helpers.ts";

const piece = (text: string): Piece => ({ to: "data", bytes: bytesOf(text) });

/** A `KeepOrder` whose output is collected as text. */
function order(directory: string, memoryBytes?: number) {
  const printed: string[] = [];
  const print = (pieces: readonly Piece[]) => {
    printed.push(
      pieces.map((each) => `${each.to} ${"bytes" in each ? textOf(each.bytes) : "stream"}`).join(
        ", ",
      ),
    );
    return Promise.resolve();
  };
  return { printed, keep: new KeepOrder({ print, directory, memoryBytes }) };
}

/** Returns the unlinked files of a directory that this process has open. */
function unnamedFiles(directory: string): number {
  return [...Deno.readDirSync("/proc/self/fd")].filter(({ name }) => {
    try {
      const target = Deno.readLinkSync(`/proc/self/fd/${name}`);
      return target.startsWith(directory) && target.endsWith(" (deleted)");
    } catch {
      // This was the descriptor that read the directory.
      return false;
    }
  }).length;
}

Deno.test("output that arrives in any order is printed in input order, once", async () => {
  const { printed, keep } = order("/nowhere");
  using _keep = keep;
  for (const index of [3, 1, 0, 5, 2, 4]) await keep.add(index, [piece(String(index))]);
  assert.deepEqual(printed, ["data 0", "data 1", "data 2", "data 3", "data 4", "data 5"]);
  await keep.end();
  assert.equal(printed.length, 6);
});

Deno.test("a job's pieces stay together, and a job without output takes its turn", async () => {
  const { printed, keep } = order("/nowhere");
  using _keep = keep;
  await keep.add(1, [piece("out"), message("failed")]);
  await keep.add(2, [piece("next")]);
  await keep.add(0, []);
  assert.deepEqual(printed, ["data out, message failed", "data next"]);
});

Deno.test("skipped jobs are not waited for, and at the end no job is", async () => {
  const { printed, keep } = order("/nowhere");
  using _keep = keep;
  keep.skip(0);
  await keep.add(2, [piece("2")]);
  keep.skip(1);
  await keep.add(5, [piece("5")]);
  await keep.add(4, [piece("4")]);
  assert.deepEqual(printed, ["data 2"]);
  await keep.end();
  assert.deepEqual(printed, ["data 2", "data 4", "data 5"]);
});

Deno.test({
  name: "output that exceeds the memory limit waits in an unlinked file",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using directory = new TemporaryDirectory();
    const { printed, keep } = order(directory.path, 100);
    const text = (index: number) => `${index} `.repeat(20);
    {
      using _keep = keep;
      for (let index = 20; index > 0; index--) {
        await keep.add(index, [piece(text(index)), message(`m${index}`)]);
      }
      assert.deepEqual(await directory.list(), []);
      assert.equal(unnamedFiles(directory.path), 1);
      await keep.add(0, [piece("first")]);
    }
    assert.equal(unnamedFiles(directory.path), 0);
    assert.deepEqual(printed, [
      "data first",
      ...Array.from({ length: 20 }, (_, i) => `data ${text(i + 1)}, message m${i + 1}`),
    ]);
  },
});

Deno.test("output in files stays there, and end is called once a job is printed", async () => {
  await using directory = new TemporaryDirectory();
  const { printed, keep } = order(directory.path, 10);
  using _keep = keep;
  const ended: number[] = [];
  const stream: Piece = { to: "data", stream: async function* () {} };
  for (const index of [2, 1, 3]) {
    await keep.add(index, [stream, piece("x".repeat(20))], () => ended.push(index));
  }
  assert.deepEqual([printed, ended], [[], []]);
  keep.skip(0);
  await keep.add(4, [], () => ended.push(4));
  assert.deepEqual(ended, [1, 2, 3, 4]);
  assert.deepEqual(printed, Array(3).fill(`data stream, data ${"x".repeat(20)}`));
});

Deno.test("small output waits without a file", async () => {
  const { printed, keep } = order("/nowhere", 100);
  using _keep = keep;
  for (let round = 0; round < 50; round++) {
    await keep.add(round * 2 + 1, [piece("x".repeat(90))]);
    await keep.add(round * 2, [piece("y".repeat(900))]);
  }
  assert.equal(printed.length, 100);
});

Deno.test("a spill returns what was added, and is truncated once it is empty", async () => {
  await using directory = new TemporaryDirectory();
  using spill = await Spill.open(directory.path);
  for (let round = 0; round < 3; round++) {
    const pieces = [noise(70_000, round), new Uint8Array(), noise(10)];
    const places = await spill.put(pieces);
    const more = await spill.put([noise(5)]);
    assert.equal(places[0]?.at, 0);
    for (const [index, place] of places.entries()) {
      assert.deepEqual(await spill.take(place), pieces[index]);
    }
    for (const place of more) assert.deepEqual(await spill.take(place), noise(5));
  }
});
