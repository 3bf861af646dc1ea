import assert from "node:assert/strict";
import { formatFloat } from "../../lib/template/float.ts";
import { printf } from "../../lib/template/printf.ts";
import { Byte, Complex, fromElement } from "../../lib/template/value.ts";

Deno.test("integers are formatted as Go does", () => {
  const cases: [string, bigint, string][] = [
    ["%d", -(2n ** 63n), "-9223372036854775808"],
    ["%+05d|% d", 42n, "+0042|%!d(MISSING)"],
    ["%x", -255n, "-ff"],
    ["%#o", 8n, "010"],
    ["%O", 8n, "0o10"],
    ["%08b", 5n, "00000101"],
    ["%.3d", 7n, "007"],
    ["%6.3d|", 7n, "   007|"],
    ["%-6d|", 7n, "7     |"],
    ["%.0d|", 0n, "|"],
    ["%c", 0x1f600n, "😀"],
    ["%q", 0x27n, "'\\''"],
    ["%U", -1n, "U+FFFFFFFFFFFFFFFF"],
    ["%#U", 0x1f600n, "U+1F600 '😀'"],
  ];
  for (const [format, value, expected] of cases) {
    assert.equal(printf(format, [value]), expected, format);
  }
});

Deno.test("floats are exact on the binary value, half to even", () => {
  assert.equal(formatFloat(2.5, "f", 0), "2");
  assert.equal(formatFloat(0.1, "f", 20), "0.10000000000000000555");
  assert.equal(formatFloat(5e-324, "e", -1), "5e-324");
  assert.equal(formatFloat(1e23, "g", -1), "1e+23");
  assert.equal(formatFloat(123456789, "g", 3), "1.23e+08");
  assert.equal(formatFloat(1, "b", -1), "4503599627370496p-52");
  assert.equal(formatFloat(-0.25, "x", -1), "-0x1p-02");
  assert.equal(formatFloat(1.999, "X", 1), "0X1.0P+01");
  assert.equal(formatFloat(-0, "f", -1), "-0");
  assert.equal(formatFloat(Infinity, "g", -1), "+Inf");
});

Deno.test("flags apply to floats, infinities and complex numbers", () => {
  assert.equal(
    printf("%08.2f|%+08.2f|%-8.2f|% .1f", [-1.5, 1.5, 1.5, 1.5]),
    "-0001.50|+0001.50|1.50    | 1.5",
  );
  assert.equal(printf("%#g|%#.3x|%#.0f", [1, 1, 3]), "1.00000|0x1.000p+00|3.");
  assert.equal(printf("%05f|%+f|%f", [Infinity, NaN, -Infinity]), " +Inf|+NaN|-Inf");
  assert.equal(printf("%.1f %v", [new Complex(1, -2), new Complex(0, 1)]), "(1.0-2.0i) (0+1i)");
});

Deno.test("strings are truncated and padded by runes, hexadecimal by bytes", () => {
  assert.equal(printf("%5s|%-5s|%.2s|%05s", ["é", "é", "日本語", "x"]), "    é|é    |日本|0000x");
  assert.equal(printf("%x|% X|%#x|%.1x", ["é", "é", "é", "é"]), "c3a9|C3 A9|0xc3a9|c3");
  assert.equal(
    printf("%q|%+q|%#q", ["a\n\udcff", "é😀", "a\\b"]),
    '"a\\n\\xff"|"\\u00e9\\U0001f600"|`a\\b`',
  );
});

Deno.test("indexes, stars and errors follow Go", () => {
  assert.equal(printf("%[2]d %d %[1]d", [1n, 2n]), "2 %!d(MISSING) 1");
  assert.equal(printf("%*d|%-*d|%.*f", [5n, 1n, 5n, 1n, 1n, 2.25]), "    1|1    |2.2");
  assert.equal(printf("%*d", [-5n, 1n]) + "|", "1    |");
  assert.equal(printf("%*d", [10_000_000n, 1n]), "%!(BADWIDTH)1");
  assert.equal(printf("%10000000000d", [1n]), "%!(NOVERB)%!(EXTRA int=1)");
  assert.equal(printf("%.*f", [-1n, 1.5]), "%!(BADPREC)1.500000");
  assert.equal(printf("%!|%z|%", [1n, 2n]), "%!!(int=1)|%!z(int=2)|%!(NOVERB)");
  assert.equal(printf("%d %d", [1n]), "1 %!d(MISSING)");
  assert.equal(printf("x", [1n, "s", undefined]), "x%!(EXTRA int=1, string=s, <nil>)");
});

Deno.test("lists, maps, bytes and nil print as in Go", () => {
  const list = [1n, "a", null, 2.5, [true]];
  assert.equal(
    printf("%v|%d|%#v", [list, [1n, null], list]),
    '[1 a <nil> 2.5 [true]]|[1 <nil>]|[]interface {}{1, "a", interface {}(nil), 2.5, []interface {}{true}}',
  );
  assert.equal(
    printf("%v %#v", [{ b: 1n, a: null }, { a: 1n }]),
    'map[a:<nil> b:1] map[string]interface {}{"a":1}',
  );
  assert.equal(
    printf("%v %s %x %#v", [1, 2, 3, 4].map(() => new Uint8Array([104, 105]))),
    "[104 105] hi 6869 []byte{0x68, 0x69}",
  );
  assert.equal(printf("%v %#v %T %c", [1, 2, 3, 4].map(() => new Byte(65))), "65 0x41 uint8 A");
  assert.equal(
    printf("%v %s %T %d", [1, 2, 3, 4].map(() => fromElement(null))),
    "<nil> %!s(<nil>) <nil> %!d(<nil>)",
  );
});
