import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { constants, zstdCompressSync } from "node:zlib";
import {
  compress,
  compressPieces,
  decompress,
  decompressPieces,
} from "../../lib/compression/zstd.ts";
import { looksRandom } from "../../lib/compression/random.ts";
import { LlamaError } from "../../lib/errors.ts";
import { accessLog, noise } from "../helpers.ts";

async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(pieces, (piece) => piece.slice()));
}

async function* cut(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  const piece = new Uint8Array(length);
  for (let i = 0; i < bytes.length; i += length) {
    const next = bytes.subarray(i, i + length);
    // In the same memory each time, as files are read.
    piece.set(next);
    await Promise.resolve();
    yield piece.subarray(0, next.length);
  }
}

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    assert(error instanceof LlamaError);
    assert.equal(error.code, "protocol");
    return error.message;
  }
  assert.fail("not refused");
}

/** Both ways to decompress. */
const ways = {
  whole: (frame: Uint8Array, length: number) => decompress(frame, length),
  pieces: (frame: Uint8Array, length: number) => joined(decompressPieces(cut(frame, 1000), length)),
};

const text = accessLog(2_000_000);

Deno.test("contents of any length around the bounds come back, or are not worth compressing", async () => {
  const KiB = 1024;
  for (const bound of [4 * KiB, 16 * KiB, 32 * KiB, 128 * KiB, 256 * KiB, 512 * KiB]) {
    for (const length of [bound - 1, bound, bound + 1].filter((length) => length >= 0)) {
      const bytes = text.subarray(0, length);
      const frame = await compress(bytes);
      assert.equal(frame === undefined, length === 0, `${length}`);
      assert.equal(await compress(noise(length)), undefined);
      if (frame === undefined) continue;
      assert(frame.length <= length * 0.75);
      for (const [way, run] of Object.entries(ways)) {
        assert.deepEqual(
          Buffer.from(await run(frame, length)),
          Buffer.from(bytes),
          `${way} ${length}`,
        );
      }
      const inPieces = await joined(compressPieces(cut(bytes, 5000)));
      for (const run of Object.values(ways)) {
        assert.deepEqual(Buffer.from(await run(inPieces, length)), Buffer.from(bytes));
      }
    }
  }
});

Deno.test("one frame is made of contents for which Deno makes two", async () => {
  const bytes = text.subarray(0, 1_864_288);
  const frame = await joined(compressPieces(cut(bytes, 256 * 1024)));
  for (const run of Object.values(ways)) {
    assert.deepEqual(Buffer.from(await run(frame, bytes.length)), Buffer.from(bytes));
  }
  const whole = await compress(bytes) ?? assert.fail();
  assert.deepEqual(Buffer.from(await decompress(whole, bytes.length)), Buffer.from(bytes));
});

Deno.test("random bytes are recognized, and nothing else is taken for them", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = noise(5000, seed);
    assert(looksRandom(random), `seed ${seed}`);
    assert(!looksRandom(random.subarray(0, 4095)));
    assert(!looksRandom(Buffer.from(Buffer.from(random).toString("base64"))));
    assert(!looksRandom(random.map((byte) => byte & 0x7f)));
  }
  const sources = import.meta.dirname ?? ".";
  for (const { name } of Deno.readDirSync(sources)) {
    assert(!looksRandom(Deno.readFileSync(`${sources}/${name}`)), name);
  }
  assert(!looksRandom(text) && !looksRandom(new Uint8Array(5000)));
});

Deno.test("contents of which only the beginning compresses are left as they are", async () => {
  assert.equal(
    await compress(Buffer.concat([text.subarray(0, 20_000), noise(400_000)])),
    undefined,
  );
});

Deno.test("frames of other programs are read: with and without size, checksum and repeated blocks", async () => {
  for (
    const bytes of [Buffer.alloc(0), Buffer.from("x"), Buffer.alloc(300_000), text, noise(300_000)]
  ) {
    for (const checksumFlag of [0, 1]) {
      for (const contentSizeFlag of [0, 1]) {
        const frame = zstdCompressSync(bytes, {
          params: {
            [constants.ZSTD_c_checksumFlag]: checksumFlag,
            [constants.ZSTD_c_contentSizeFlag]: contentSizeFlag,
          },
          // Deno adds an empty frame to what does not fit.
          chunkSize: 2 * 1024 * 1024,
        });
        for (const run of Object.values(ways)) {
          assert.deepEqual(Buffer.from(await run(frame, bytes.length)), Buffer.from(bytes));
        }
      }
    }
  }
});

for (const [way, run] of Object.entries(ways)) {
  for (const length of [50_000, 600_000]) {
    const name = `${length} bytes, ${way}`;
    const bytes = text.subarray(0, length);

    Deno.test(`a truncated frame is refused wherever it ends (${name})`, async () => {
      const frame = await compress(bytes) ?? assert.fail();
      for (let end = 0; end < frame.length; end += 1 + Math.floor(frame.length / 50)) {
        assert.match(await refusal(run(frame.subarray(0, end), length)), /truncated/);
      }
      assert.match(await refusal(run(frame.subarray(0, -1), length)), /truncated/);
    });

    Deno.test(`a frame with a flipped bit is refused wherever it is (${name})`, async () => {
      const frame = await compress(bytes) ?? assert.fail();
      for (let at = 0; at < frame.length; at += 1 + Math.floor(frame.length / 100)) {
        const flipped = Buffer.from(frame);
        flipped[at] = (flipped[at] ?? 0) ^ 1 << at % 8;
        assert.match(await refusal(run(flipped, length)), /^the zstd frame is damaged: /);
      }
    });

    Deno.test(`a second frame is refused (${name})`, async () => {
      const frame = await compress(bytes) ?? assert.fail();
      const two = Buffer.concat([frame, frame]);
      for (const claimed of [length, 2 * length]) {
        assert.match(await refusal(run(two, claimed)), /more bytes follow it/);
      }
    });

    Deno.test(`contents of another length are refused (${name})`, async () => {
      const frame = await compress(bytes) ?? assert.fail();
      assert.match(await refusal(run(frame, length - 1)), /more than \d+ bytes/);
      assert.match(await refusal(run(frame, length + 1)), /have \d+ bytes instead of \d+/);
    });
  }

  Deno.test(`a bomb is refused before it has taken memory (${way})`, async () => {
    const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024));
    for (const length of [50_000, 600_000]) {
      assert.match(await refusal(run(bomb, length)), /more than \d+ bytes/);
    }
  });
}
