import assert from "node:assert/strict";
import { makePicture, pictureName } from "../../scripts/pictures.ts";
import { decodePng, samePixels } from "../../scripts/png.ts";
import { TemporaryDirectory } from "../helpers.ts";

const hasOptipng = await installed("optipng");

async function installed(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"] }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test("pictures are all different, and the same at each run", () => {
  const size = { minSize: 24, maxSize: 40 };
  const make = () => Array.from({ length: 151 }, (_, index) => makePicture(index, size));
  const [first, second] = [make(), make()];
  assert.deepEqual(first, second);
  assert.equal(new Set(first.map(({ bytes }) => bytes.join())).size, 151);
  assert.equal(new Set(first.map(({ name }) => name)).size, 151);
  assert.ok(first.every(({ name }) => pictureName.test(name)));
  assert.notDeepEqual(makePicture(0, { ...size, seed: 2 }).bytes, first[0]?.bytes);
});

Deno.test("pictures have the sizes that were asked for", () => {
  for (let index = 0; index < 12; index++) {
    const { width, height } = decodePng(makePicture(index, { minSize: 30, maxSize: 33 }).bytes);
    assert.ok([width, height].every((side) => side >= 30 && side <= 33));
  }
});

Deno.test("an uncompressed picture has the same pixels", () => {
  const size = { minSize: 30, maxSize: 40 };
  const small = makePicture(0, size);
  const big = makePicture(0, { ...size, uncompressed: true });
  assert.ok(big.bytes.length > 30 * 30 * 4);
  assert.ok(samePixels(decodePng(small.bytes), decodePng(big.bytes)));
});

Deno.test("one bit of one pixel makes pictures differ, and so does another shape", () => {
  const one = decodePng(makePicture(0, { minSize: 20, maxSize: 20 }).bytes);
  const data = one.data.slice();
  data[data.length - 2] = (data.at(-2) ?? 0) ^ 1;
  assert.ok(samePixels(one, { ...one, data: one.data.slice() }));
  assert.ok(!samePixels(one, { ...one, data }));
  assert.ok(!samePixels(one, { ...one, width: 40, height: 10 }));
});

Deno.test("a damaged picture is an error", () => {
  const { bytes } = makePicture(0, { minSize: 20, maxSize: 20 });
  const damaged = bytes.slice();
  damaged[60] = (damaged[60] ?? 0) ^ 1;
  assert.throws(() => decodePng(damaged));
  assert.throws(() => decodePng(bytes.subarray(0, bytes.length - 20)));
  assert.throws(() => decodePng(new TextEncoder().encode("not a picture")));
});

Deno.test({
  name: "what optipng makes of a picture has the same pixels",
  ignore: !hasOptipng,
  async fn() {
    await using directory = new TemporaryDirectory();
    // Of each motif one, in the color types and interlacing that optipng chooses or is told.
    for (let index = 0; index < 6; index++) {
      const { name, bytes } = makePicture(index, { minSize: 30, maxSize: 50 });
      for (const way of [["-o2"], ["-o2", "-i", "1"]]) {
        const path = await directory.write(name, bytes);
        const { success } = await new Deno.Command("optipng", { args: ["-quiet", ...way, path] })
          .output();
        assert.ok(success);
        const optimized = decodePng(await Deno.readFile(path));
        assert.ok(samePixels(decodePng(bytes), optimized), `${name} ${way.join(" ")}`);
      }
    }
  },
});
