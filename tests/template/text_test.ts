import assert from "node:assert/strict";
import { decodeBytes, encodeString, Template } from "../../lib/template/mod.ts";
import {
  byteAt,
  byteLength,
  byteSlice,
  compareBytes,
  firstRunes,
  normalise,
  runeCount,
} from "../../lib/template/text.ts";

const bytes = (...values: number[]) => new Uint8Array(values);

Deno.test("bytes survive the way to a string and back", () => {
  const all = new Uint8Array(
    Array.from({ length: 65_536 }, (_, i) => i % 2 === 0 ? i >> 8 : i & 255),
  );
  assert.deepEqual(encodeString(decodeBytes(all)), all);
  assert.equal(decodeBytes(bytes(0xef, 0xbb, 0xbf, 0x61)), "\ufeffa");
});

Deno.test("only bytes that are no UTF-8 are escaped", () => {
  assert.equal(decodeBytes(bytes(0xc3, 0xa9, 0xc3)), "é\udcc3");
  assert.equal(decodeBytes(bytes(0xed, 0xa0, 0x80)), "\udced\udca0\udc80");
  assert.equal(decodeBytes(bytes(0xc0, 0x80)), "\udcc0\udc80");
  assert.equal(decodeBytes(bytes(0xf4, 0x90, 0x80, 0x80)), "\udcf4\udc90\udc80\udc80");
});

Deno.test("halves of a character become it again where they are joined", () => {
  assert.equal(normalise("\udcc3\udca9"), "é");
  assert.equal(Template.parse("t", '{{slice "é" 0 1}}{{slice "é" 1}}').execute(null), "é");
  assert.equal(
    Template.parse("t", '{{len (print (slice "é" 0 1) (slice "é" 1))}}').execute(null),
    "2",
  );
});

Deno.test("lone surrogates that are no bytes count as U+FFFD", () => {
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

Deno.test("execute replaces stray bytes one by one, executeBytes keeps them", () => {
  const template = Template.parse("t", '{{"\\xff\\xfe"}}');
  assert.equal(template.execute(null), "\ufffd\ufffd");
  assert.deepEqual(template.executeBytes(null), bytes(0xff, 0xfe));
});
