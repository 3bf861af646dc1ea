import assert from "node:assert/strict";
import { LlamaError } from "../../lib/errors.ts";
import { encodeFrame, FrameDecoder } from "../../lib/stream/frames.ts";
import { joinBytes } from "../../lib/files/bytes.ts";
import { bytesOf, textOf } from "../helpers.ts";

/** Decodes pieces, and joins output of the same kind. */
function decode(pieces: readonly Uint8Array[], maxTextBytes = 1000): [string, string][] {
  const decoder = new FrameDecoder(maxTextBytes);
  const found: [string, string][] = [];
  for (const piece of pieces) {
    for (const frame of decoder.decode(piece)) {
      const text = "bytes" in frame ? textOf(frame.bytes) : frame.text;
      const last = found.at(-1);
      if (last?.[0] === frame.kind) last[1] += text;
      else found.push([frame.kind, text]);
    }
  }
  const plain = decoder.plainText();
  return plain === undefined ? found : [["plain", plain]];
}

const response = '{"status":0,"runtime":"é"}';
const stream = joinBytes([
  encodeFrame("o", bytesOf("one")),
  encodeFrame("k", new Uint8Array()),
  encodeFrame("e", bytesOf("two")),
  encodeFrame("o", new Uint8Array()),
  encodeFrame("o", bytesOf("three")),
  encodeFrame("r", bytesOf(response)),
]);

Deno.test("frames are decoded however they are divided", () => {
  const expected = [["o", "one"], ["e", "two"], ["o", "three"], ["r", response]];
  assert.deepEqual(decode([stream]), expected);
  assert.deepEqual(decode([...stream].map((byte) => Uint8Array.of(byte))), expected);
  for (let at = 0; at <= stream.length; at++) {
    assert.deepEqual(decode([stream.subarray(0, at), stream.subarray(at)]), expected);
  }
});

Deno.test("output is passed on before its frame is complete", () => {
  const frame = encodeFrame("o", bytesOf("0123456789"));
  assert.deepEqual(decode([frame.subarray(0, 8)]), [["o", "012"]]);
});

Deno.test("a frame is one byte, four bytes of length, and the payload", () => {
  assert.deepEqual([...encodeFrame("o", bytesOf("ab"))], [111, 0, 0, 0, 2, 97, 98]);
});

Deno.test("the plain answer of an older runtime is not taken for frames", () => {
  for (const plain of ['{"status":0}', '"text"', "null", " {}", ""]) {
    assert.deepEqual(decode([...bytesOf(plain)].map((byte) => Uint8Array.of(byte))), [
      ["plain", plain],
    ]);
  }
});

Deno.test("anything else is refused by name, and so is more than fits", () => {
  const refuses = (bytes: Uint8Array, message: RegExp) =>
    assert.throws(() => decode([bytes], 20), (error) => {
      assert(error instanceof LlamaError);
      assert.equal(error.code, "protocol");
      assert.match(error.message, message);
      return true;
    });
  const done = encodeFrame("r", bytesOf("{}"));
  refuses(joinBytes([done, Uint8Array.of(111)]), /malformed: bytes after its end/);
  refuses(joinBytes([encodeFrame("o", bytesOf("a")), bytesOf("abcde")]), /a frame of kind 97/);
  // Before memory is allocated for it.
  refuses(Uint8Array.of(114, 255, 255, 255, 255), /more than 20 bytes/);
  refuses(Uint8Array.of(107, 0, 0, 0, 1), /more than 0 bytes/);
  refuses(bytesOf("only text"), /more than 16777216 bytes/);
  refuses(bytesOf(`{"status":0${" ".repeat(20)}`), /more than 20 bytes/);
});
