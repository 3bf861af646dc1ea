import assert from "node:assert/strict";
import { unzipSync } from "npm:fflate@0.8.3";
import { zipOf } from "../../lib/deploy/zip_writer.ts";
import { sha256 } from "../../lib/files/hash.ts";
import { bytesOf, textOf } from "../helpers.ts";

const entries = [
  { name: "bootstrap", bytes: bytesOf("#!/bin/sh\n".repeat(100)), mode: 0o755 },
  { name: "deep/ü.txt", bytes: bytesOf("text"), mode: 0o644 },
  { name: "10", bytes: new Uint8Array(), mode: 0o600 },
];

/** Reads the central directory: https://pkware.cachefly.net/webdocs/APPNOTE, 4.3.12. */
function directoryOf(zip: Uint8Array) {
  const view = new DataView(zip.buffer, zip.byteOffset, zip.length);
  const end = zip.length - 22;
  assert.equal(view.getUint32(end, true), 0x06054b50);
  const found = [];
  let at = view.getUint32(end + 16, true);
  for (let count = view.getUint16(end + 10, true); count > 0; count--) {
    assert.equal(view.getUint32(at, true), 0x02014b50);
    const nameLength = view.getUint16(at + 28, true);
    found.push({
      name: textOf(zip.subarray(at + 46, at + 46 + nameLength)),
      system: view.getUint8(at + 5),
      mode: view.getUint16(at + 40, true).toString(8),
      date: view.getUint32(at + 12, true),
    });
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return found;
}

Deno.test("a zip contains its files with their Unix modes", () => {
  const zip = zipOf(entries);
  const unpacked = unzipSync(zip);
  for (const { name, bytes } of entries) assert.deepEqual(unpacked[name], bytes, name);
  assert.deepEqual(
    directoryOf(zip).map(({ name, system, mode }) => `${system} ${mode} ${name}`).sort(),
    ["3 100600 10", "3 100644 deep/ü.txt", "3 100755 bootstrap"],
  );
});

Deno.test("the same files give the same zip, in any order, at any time, in any time zone", async () => {
  const id = sha256(zipOf(entries));
  assert.equal(sha256(zipOf(entries.toReversed())), id);
  assert(directoryOf(zipOf(entries)).every(({ date }) => date === 0x00210000));
  const script = `
    import { zipOf } from ${
    JSON.stringify(new URL("../../lib/deploy/zip_writer.ts", import.meta.url))
  };
    const encoder = new TextEncoder();
    console.log(zipOf([{ name: "a", bytes: encoder.encode("a"), mode: 0o644 }]).join());
  `;
  const outputs = await Promise.all(
    ["Pacific/Auckland", "America/Los_Angeles"].map((TZ) =>
      new Deno.Command(Deno.execPath(), { args: ["eval", script], env: { TZ } }).output()
    ),
  );
  const [east = "", west] = outputs.map(({ stdout }) => textOf(stdout));
  assert.match(east, /^80,75,3,4,/);
  assert.equal(east, west);
});
