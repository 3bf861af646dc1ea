import assert from "node:assert/strict";
import { bytesText, dollarsText, durationText, rateText } from "../../lib/text/amounts.ts";

Deno.test("bytes have three digits and a unit", () => {
  const cases: [number, string][] = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.00 kB"],
    [9_994, "9.99 kB"],
    [9_996, "10.0 kB"],
    [99_960, "100 kB"],
    [999_499, "999 kB"],
    [999_500, "1.00 MB"],
    [12_345_678, "12.3 MB"],
    [5e12, "5.00 TB"],
    [5e21, "5000000 PB"],
  ];
  for (const [bytes, text] of cases) assert.equal(bytesText(bytes), text);
});

Deno.test("rates have three digits, or more before the decimal point", () => {
  const cases: [number, string][] = [
    [0.001, "0.06/min"],
    [0.254, "15.2/min"],
    [0.994, "59.6/min"],
    [0.996, "1.00/s"],
    [9.996, "10.0/s"],
    [66.94, "66.9/s"],
    [1204.4, "1204/s"],
  ];
  for (const [rate, text] of cases) assert.equal(rateText(rate), text);
});

Deno.test("times have their two largest units", () => {
  const cases: [number, string][] = [
    [0, "0s"],
    [0.4, "0s"],
    [59.4, "59s"],
    [59.6, "1m00s"],
    [65, "1m05s"],
    [3599, "59m59s"],
    [3600, "1h00m"],
    [2 * 3600 + 7 * 60 + 59, "2h07m"],
    [76 * 3600, "3d04h"],
  ];
  for (const [seconds, text] of cases) assert.equal(durationText(seconds), text);
});

Deno.test("prices have their significant digits, and estimates are marked", () => {
  const cases: [number, string][] = [
    [0, "$0"],
    [0.0000004, "$0.00000040"],
    [0.00042, "$0.00042"],
    [0.0123, "$0.012"],
    [0.12, "$0.12"],
    [3.5, "$3.50"],
    [1234.567, "$1234.57"],
  ];
  for (const [dollars, text] of cases) assert.equal(dollarsText(dollars), text);
  assert.equal(dollarsText(3.5, true), "~$3.50");
});
