import assert from "node:assert/strict";
import { makePicture, pictureName } from "../../scripts/pictures.ts";
import {
  decodePng,
  encodePng,
  type Pixels,
  type PngImage,
  samePixels,
  unfiltered,
} from "../../scripts/png.ts";

/** A gray picture's samples in rows, for messages that can be read. */
function grayRows({ width, height, samples }: Pixels): number[][] {
  return Array.from(
    { length: height },
    (_, y) => Array.from({ length: width }, (_, x) => samples[(y * width + x) * 4] ?? -1),
  );
}

/** The pixels of an image without filters whose rows are bytes. */
async function pixelsOf(
  image: Omit<PngImage, "scanlines" | "height">,
  ...rows: readonly (readonly number[])[]
): Promise<number[][]> {
  const scanlines = new Uint8Array(rows.flatMap((row) => [0, ...row]));
  const { samples } = await decodePng(
    await encodePng({ ...image, height: rows.length, scanlines }),
  );
  return Array.from(
    { length: samples.length / 4 },
    (_, at) => [...samples.slice(at * 4, at * 4 + 4)],
  );
}

Deno.test("gray of each bit depth is scaled to the same range", async () => {
  const gray = async (bitDepth: number, width: number, ...bytes: number[]) =>
    (await pixelsOf({ width, bitDepth, colorType: 0 }, bytes)).map(([value]) => value);
  assert.deepEqual(await gray(1, 10, 0b10110000, 0b01000000), [
    ...[0xffff, 0, 0xffff, 0xffff, 0, 0, 0, 0],
    ...[0, 0xffff],
  ]);
  assert.deepEqual(await gray(2, 5, 0b00011011, 0b10000000), [0, 0x5555, 0xaaaa, 0xffff, 0xaaaa]);
  assert.deepEqual(await gray(4, 3, 0x0f, 0x10), [0, 0xffff, 0x1111]);
  assert.deepEqual(await gray(8, 2, 0x12, 0xff), [0x1212, 0xffff]);
  assert.deepEqual(await gray(16, 2, 0x12, 0x34, 0xff, 0xfe), [0x1234, 0xfffe]);
});

Deno.test("each color type gives red, green, blue and alpha", async () => {
  const one = { width: 1, bitDepth: 8 };
  assert.deepEqual(await pixelsOf({ ...one, colorType: 0 }, [0x40]), [[
    ...[0x4040, 0x4040, 0x4040, 0xffff],
  ]]);
  assert.deepEqual(await pixelsOf({ ...one, colorType: 2 }, [1, 2, 3]), [[
    ...[0x0101, 0x0202, 0x0303, 0xffff],
  ]]);
  assert.deepEqual(await pixelsOf({ ...one, colorType: 4 }, [5, 6]), [[
    ...[0x0505, 0x0505, 0x0505, 0x0606],
  ]]);
  assert.deepEqual(await pixelsOf({ ...one, colorType: 6 }, [1, 2, 3, 4]), [[
    ...[0x0101, 0x0202, 0x0303, 0x0404],
  ]]);
});

Deno.test("a palette may be transparent in its first colors", async () => {
  const palette = new Uint8Array([255, 0, 0, 0, 255, 0, 0, 0, 255]);
  const transparency = new Uint8Array([0, 128]);
  const image = { width: 3, bitDepth: 2, colorType: 3, palette, transparency };
  assert.deepEqual(await pixelsOf(image, [0b00011000]), [
    [0xffff, 0, 0, 0],
    [0, 0xffff, 0, 0x8080],
    [0, 0, 0xffff, 0xffff],
  ]);
});

Deno.test("one color may be transparent where there is no palette", async () => {
  const gray = { width: 2, bitDepth: 4, colorType: 0, transparency: new Uint8Array([0, 3]) };
  assert.deepEqual((await pixelsOf(gray, [0x34])).map((pixel) => pixel[3]), [0, 0xffff]);
  const transparency = new Uint8Array([0, 1, 0, 2, 0, 3]);
  const rgb = { width: 3, bitDepth: 8, colorType: 2, transparency };
  assert.deepEqual(
    (await pixelsOf(rgb, [1, 2, 3, 1, 2, 4, 0, 2, 3])).map((pixel) => pixel[3]),
    [0, 0xffff, 0xffff],
  );
});

Deno.test("all five filters are undone", async () => {
  // Each row is 10 20 40 after its filter is undone; the numbers are worked out by hand.
  const scanlines = new Uint8Array([
    ...[0, 10, 20, 40],
    ...[1, 10, 10, 20],
    ...[2, 0, 0, 0],
    ...[3, 5, 5, 10],
    ...[4, 0, 0, 0],
  ]);
  const image = { width: 3, height: 5, bitDepth: 8, colorType: 0, scanlines };
  const row = [10, 20, 40].map((value) => value * 257);
  assert.deepEqual(grayRows(await decodePng(await encodePng(image))), [row, row, row, row, row]);
});

Deno.test("a filter looks back by a whole pixel, and wraps around at 256", async () => {
  const scanlines = new Uint8Array([1, 250, 1, 2, 10, 10, 10]);
  const image = { width: 2, height: 1, bitDepth: 8, colorType: 2, scanlines };
  const { samples } = await decodePng(await encodePng(image));
  assert.deepEqual([...samples].map((value) => value / 257), [250, 1, 2, 255, 4, 11, 12, 255]);
});

Deno.test("interlaced pixels go where the specification's drawing has them", async () => {
  // https://www.w3.org/TR/png-3/#8Interlace, the pass of each pixel of an 8 by 8 tile
  const drawing = [
    [1, 6, 4, 6, 2, 6, 4, 6],
    [7, 7, 7, 7, 7, 7, 7, 7],
    [5, 6, 5, 6, 5, 6, 5, 6],
    [7, 7, 7, 7, 7, 7, 7, 7],
    [3, 6, 4, 6, 3, 6, 4, 6],
    [7, 7, 7, 7, 7, 7, 7, 7],
    [5, 6, 5, 6, 5, 6, 5, 6],
    [7, 7, 7, 7, 7, 7, 7, 7],
  ];
  const sizes = [[1, 1], [1, 1], [2, 1], [2, 2], [4, 2], [4, 4], [8, 4]] as const;
  const scanlines = sizes.flatMap(([columns, rows], index) =>
    Array.from({ length: rows }, () => [0, ...Array.from({ length: columns }, () => index + 1)])
  ).flat();
  const image = { width: 8, height: 8, bitDepth: 8, colorType: 0, interlaced: true };
  const file = await encodePng({ ...image, scanlines: new Uint8Array(scanlines) });
  assert.deepEqual(
    grayRows(await decodePng(file)),
    drawing.map((row) => row.map((value) => value * 257)),
  );
});

Deno.test("passes without pixels have no rows", async () => {
  const scanlines = new Uint8Array([0, 1, 0, 2, 0, 3]);
  const image = { width: 2, height: 2, bitDepth: 8, colorType: 0, interlaced: true };
  // Passes 1, 6 and 7; the last has two pixels.
  const file = await encodePng({ ...image, scanlines: new Uint8Array([...scanlines, 4]) });
  assert.deepEqual(grayRows(await decodePng(file)), [[257, 514], [771, 1028]]);
});

Deno.test("a damaged file is rejected", async () => {
  const image = { width: 2, height: 2, bitDepth: 8, colorType: 0 };
  const good = await encodePng({ ...image, scanlines: unfiltered(new Uint8Array(4), 2) });
  const changed = (at: number) => good.map((byte, index) => index === at ? byte ^ 1 : byte);
  const refused = async (file: Uint8Array, message: RegExp) =>
    await assert.rejects(decodePng(file), { name: "PngError", message });
  await refused(changed(0), /does not start with/);
  await refused(changed(19), /checksum of its chunk "IHDR"/);
  await refused(changed(good.length - 15), /checksum of its chunk "IDAT"/);
  await refused(good.subarray(0, -4), /ends too early/);
  await refused(new Uint8Array([...good, 0]), /after its end/);
  await refused(new Uint8Array(), /does not start with/);
});

Deno.test("an inconsistent file is rejected", async () => {
  const refused = async (image: Partial<PngImage>, message: RegExp) => {
    const scanlines = new Uint8Array([0, 9]);
    const file = await encodePng({
      ...{ width: 1, height: 1, bitDepth: 8, colorType: 0, scanlines },
      ...image,
    });
    await assert.rejects(decodePng(file), { name: "PngError", message });
  };
  const palette = new Uint8Array(3);
  await refused({ width: 0 }, /no pixels/);
  await refused({ bitDepth: 4, colorType: 2 }, /unknown color type 2 with 4 bits/);
  await refused({ height: 2 }, /2 bytes of rows instead of 4/);
  await refused({ scanlines: new Uint8Array([5, 0]) }, /unknown filter 5/);
  await refused({ colorType: 3 }, /no palette/);
  await refused({ colorType: 3, palette }, /no color 9/);
  await refused({ colorType: 3, palette, transparency: new Uint8Array(2) }, /more alphas/);
});

const optipng = await new Deno.Command("optipng", { args: ["-v"], stdout: "null", stderr: "null" })
  .output().then(({ success }) => success, () => false);

Deno.test({
  name: "what optipng makes of a picture, interlaced or not, has the same pixels",
  ignore: !optipng,
  async fn() {
    const directory = await Deno.makeTempDir();
    try {
      for (let index = 0; index < 6; index++) {
        const { name, bytes } = await makePicture(index, { minSize: 30, maxSize: 50 });
        await assertOptimized(directory, name, bytes, ["-i0"], ["-i1", "-o1"]);
      }
      for (const [colorType, channels] of [[0, 1], [2, 3], [4, 2], [6, 4]] as const) {
        const rows = new Uint8Array(23 * 11 * channels * 2).map((_, index) => index * index >> 3);
        const scanlines = unfiltered(rows, 23 * channels * 2);
        const image = { width: 23, height: 11, bitDepth: 16, colorType, scanlines };
        const bytes = await encodePng(image);
        await assertOptimized(directory, `type-${colorType}.png`, bytes, ["-i0"], ["-i1"]);
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

async function assertOptimized(
  directory: string,
  name: string,
  bytes: Uint8Array,
  ...ways: string[][]
): Promise<void> {
  const pixels = await decodePng(bytes);
  for (const way of ways) {
    await Deno.writeFile(`${directory}/${name}`, bytes);
    const args = ["-quiet", ...way, `${directory}/${name}`];
    assert.ok((await new Deno.Command("optipng", { args }).output()).success);
    const optimized = await decodePng(await Deno.readFile(`${directory}/${name}`));
    assert.ok(samePixels(pixels, optimized), `${name} ${way.join(" ")}`);
  }
}

Deno.test("one bit of one pixel makes pictures differ", async () => {
  const one = await decodePng((await makePicture(0, { minSize: 20, maxSize: 20 })).bytes);
  const samples = one.samples.slice();
  samples[samples.length - 2] = (samples.at(-2) ?? 0) ^ 1;
  assert.ok(samePixels(one, { ...one, samples: one.samples.slice() }));
  assert.ok(!samePixels(one, { ...one, samples }));
  assert.ok(!samePixels(one, { ...one, width: 40, height: 10 }));
});

Deno.test("pictures are all different, and the same at each run", async () => {
  const size = { minSize: 24, maxSize: 40 };
  const make = () =>
    Promise.all(Array.from({ length: 151 }, (_, index) => makePicture(index, size)));
  const [first, second] = [await make(), await make()];
  assert.deepEqual(first, second);
  assert.equal(new Set(first.map(({ bytes }) => bytes.join())).size, 151);
  assert.equal(new Set(first.map(({ name }) => name)).size, 151);
  assert.ok(first.every(({ name }) => pictureName.test(name)));
  const other = await makePicture(0, { ...size, seed: 2 });
  assert.notDeepEqual(other.bytes, first[0]?.bytes);
});

Deno.test("pictures have the sizes that were asked for", async () => {
  for (let index = 0; index < 12; index++) {
    const { bytes } = await makePicture(index, { minSize: 30, maxSize: 33 });
    const { width, height } = await decodePng(bytes);
    assert.ok([width, height].every((side) => side >= 30 && side <= 33));
  }
});

Deno.test("an uncompressed picture has the same pixels", async () => {
  const size = { minSize: 30, maxSize: 40 };
  const [small, big] = [
    await makePicture(0, size),
    await makePicture(0, { ...size, uncompressed: true }),
  ];
  assert.ok(big.bytes.length > 30 * 30 * 4);
  assert.ok(samePixels(await decodePng(small.bytes), await decodePng(big.bytes)));
});
