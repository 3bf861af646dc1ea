import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { decodeBase64 } from "../../lib/text/base64.ts";
import { noise } from "../helpers.ts";

Deno.test("what is encoded is decoded, at every length", () => {
  for (let length = 0; length < 200; length++) {
    const bytes = noise(length, length + 1);
    assert.deepEqual(decodeBase64(Buffer.from(bytes).toString("base64")), bytes);
    assert.deepEqual(decodeBase64(bytes.toBase64()), bytes);
  }
});

Deno.test("what is not base64 of the standard alphabet with padding is refused", () => {
  const damaged = ["A", "AQ", "AQ=", "AQI", "A===", "=", "====", "AQID=", "A*==", "AQ==AQ=="];
  const others = ["-_-_", " AQI", "AQ==\n", "A Q I D", "AQ= =", "AQI\u00e9", "\ud800AQI"];
  for (const text of [...damaged, ...others]) {
    assert.equal(decodeBase64(text), undefined, JSON.stringify(text));
  }
  // As Go does: the bits that stand for no byte do not matter.
  assert.deepEqual(decodeBase64("AR=="), Uint8Array.of(1));
});
