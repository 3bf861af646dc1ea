import assert from "node:assert/strict";
import { decodeBytes, encodeString, Template } from "../../lib/template/mod.ts";
import {
  byteAt,
  byteLength,
  byteSlice,
  compareBytes,
  firstRunes,
  normalize,
  runeCount,
} from "../../lib/template/text.ts";

const bytes = (...values: number[]) => new Uint8Array(values);

Deno.test("bytes survive a round trip through a string", () => {
  const all = new Uint8Array(
    Array.from({ length: 65_536 }, (_, i) => i % 2 === 0 ? i >> 8 : i & 255),
  );
  assert.deepEqual(encodeString(decodeBytes(all)), all);
  assert.equal(decodeBytes(bytes(0xef, 0xbb, 0xbf, 0x61)), "\ufeffa");
});

Deno.test("only bytes that are not valid UTF-8 are escaped", () => {
  assert.equal(decodeBytes(bytes(0xc3, 0xa9, 0xc3)), "é\udcc3");
  assert.equal(decodeBytes(bytes(0xed, 0xa0, 0x80)), "\udced\udca0\udc80");
  assert.equal(decodeBytes(bytes(0xc0, 0x80)), "\udcc0\udc80");
  assert.equal(decodeBytes(bytes(0xf4, 0x90, 0x80, 0x80)), "\udcf4\udc90\udc80\udc80");
});

Deno.test("joining the halves of a character restores it", () => {
  assert.equal(normalize("\udcc3\udca9"), "é");
  assert.equal(Template.parse("t", '{{slice "é" 0 1}}{{slice "é" 1}}').execute(null), "é");
  assert.equal(
    Template.parse("t", '{{len (print (slice "é" 0 1) (slice "é" 1))}}').execute(null),
    "2",
  );
});

Deno.test("lone surrogates that are not escaped bytes are U+FFFD", () => {
  assert.deepEqual(encodeString("\ud800a"), bytes(0xef, 0xbf, 0xbd, 0x61));
  assert.equal(byteLength("\ud800a"), 4);
});

Deno.test("lengths, indexes and slices count bytes, widths count runes", () => {
  assert.equal(byteLength("aé日😀\udcff"), 11);
  assert.equal(byteAt("é", 1), 0xa9);
  assert.equal(byteSlice("日本", 0, 4), "日\udce6");
  assert.equal(runeCount("aé日😀\udcff"), 5);
  assert.equal(firstRunes("😀é\udcffx", 3), "😀é\udcff");
});

Deno.test("strings are ordered by their bytes", () => {
  assert.equal(compareBytes("\uffff", "😀"), -1);
  assert.equal(compareBytes("a\udc80", "aé"), -1);
  assert.equal(compareBytes("a", "a"), 0);
});

Deno.test("execute replaces each stray byte, executeBytes keeps it", () => {
  const template = Template.parse("t", '{{"\\xff\\xfe"}}');
  assert.equal(template.execute(null), "\ufffd\ufffd");
  assert.deepEqual(template.executeBytes(null), bytes(0xff, 0xfe));
});
