import assert from "node:assert/strict";
import { xargsCommand, xargsFlags } from "../../../lib/commands/spec/xargs.ts";
import {
  parseDelimiter,
  parseHalt,
  parseLimit,
  parsePositive,
  parseSeparator,
  splitInput,
} from "../../../lib/commands/spec/run.ts";
import { parseSeconds } from "../../../lib/commands/spec/shared.ts";
import { FlagValueError, parseFlags } from "../../../lib/cli/flags.ts";

Deno.test("a delimiter is one byte, literal or escaped", () => {
  for (
    const [text, byte] of [
      [",", 44],
      [" ", 32],
      ["\\", 92],
      ["\\n", 10],
      ["\\t", 9],
      ["\\0", 0],
      ["\\a", 7],
      ["\\012", 10],
      ["\\54", 44],
      ["\\377", 255],
      ["\\\\", 92],
      ["\\x1f", 31],
      ["\\xA", 10],
      ["\n", 10],
    ] as const
  ) {
    assert.equal(parseDelimiter(text), byte, text);
  }
  for (const text of ["", "ab", "é", "\\q", "\\400", "\\0000", "\\8", "\\x", "\\x123", "\\x1g"]) {
    assert.throws(() => parseDelimiter(text), FlagValueError, text);
  }
});

Deno.test("-halt has a time and a count", () => {
  assert.deepEqual(parseHalt("now,fail=1"), { when: "now", count: 1, isPercent: false });
  assert.deepEqual(parseHalt("soon,fail=30%"), { when: "soon", count: 30, isPercent: true });
  assert.equal(parseHalt("never"), undefined);
  for (
    const text of ["", "now", "now,fail", "soon,fail=0", "soon,fail=101%", "later,fail=1", "2"]
  ) {
    assert.throws(() => parseHalt(text), FlagValueError, text);
  }
});

Deno.test("-timeout and -max-cost accept only positive numbers", () => {
  assert.deepEqual(["1", "0.5", ".25", "90."].map(parsePositive), [1, 0.5, 0.25, 90]);
  for (const text of ["", "0", "-1", "1e3", "x", "0.0", "Infinity", "."]) {
    assert.throws(() => parsePositive(text), FlagValueError, text);
  }
});

Deno.test("-max-cost takes none", () => {
  assert.deepEqual(["5", "none"].map(parseLimit), [5, Infinity]);
  assert.throws(() => parseLimit("None"), FlagValueError);
});

Deno.test("a time is a number of seconds, or a duration as in Go", () => {
  const times = ["90", "0.5", ".25s", "10s", "1m", "1m30s", "1h0.5m", "1500ms"];
  assert.deepEqual(times.map(parseSeconds), [90, 0.5, 0.25, 10, 60, 90, 3630, 1.5]);
  for (const text of ["", "0", "0s", "-1s", "1x", "s", "1m30", "1 m", "10sec", "1e3", "NaN"]) {
    assert.throws(() => parseSeconds(text), FlagValueError, text);
  }
});

Deno.test("lines may follow the arguments after :::", () => {
  const list = (...words: string[]) => ({ words, isLinked: false });
  assert.deepEqual(splitInput(["f", "a"]), { command: ["f", "a"], lists: undefined });
  assert.deepEqual(splitInput(["f", "a", ":::"]), { command: ["f", "a"], lists: [list()] });
  assert.deepEqual(splitInput(["f", ":::", "x", "y"]), { command: ["f"], lists: [list("x", "y")] });
  assert.deepEqual(splitInput(["f", ":::", "x", ":::", "y", ":::+", "z"]), {
    command: ["f"],
    lists: [list("x"), list("y"), { words: ["z"], isLinked: true }],
  });
});

Deno.test("columns are separated by one character, literal or as an escape", () => {
  assert.deepEqual([",", "\\t", "\\x2c", "→", "\\"].map(parseSeparator), [
    ",",
    "\t",
    ",",
    "→",
    "\\",
  ]);
  for (const text of ["", ", ", "\\s+", "\\xff"]) {
    assert.throws(() => parseSeparator(text), { message: "not a single character" }, text);
  }
});

Deno.test("an empty file name, such as from an unset variable, is refused", () => {
  for (const flag of ["-a", "-joblog", "-results", "-prices"]) {
    assert.throws(() => parseFlags(xargsFlags, [flag, "", "f"]), {
      message: `invalid value "" for flag ${flag}: empty name`,
    });
  }
});

Deno.test("flags that cannot be combined are refused before anything runs", () => {
  const complaint = (...argv: string[]) => {
    const { values, rest } = parseFlags(xargsFlags, argv);
    return xargsCommand.validate?.(values, rest)?.message;
  };
  assert.equal(complaint("f", "x", ":::", "a"), undefined);
  assert.equal(complaint(":::", "a"), "no function name");
  assert.equal(complaint("f", ":::", "a", ":::", "b", ":::+", "c"), undefined);
  assert.equal(complaint("f", ":::+", "a"), ":::+ has no list before it");
  for (const separator of ["::::", "::::+"]) {
    const words = `llama xargs does not support GNU parallel's ${separator}`;
    assert.equal(complaint("f", "x", separator, "a"), words);
    assert.equal(complaint("f", ":::", "a", separator, "b"), words);
    assert.equal(complaint("f", separator, "b", ":::", "a"), words);
  }
  assert.match(
    complaint("-a", "lines", "f", ":::", "a") ?? "",
    /^-a "lines" and ::: cannot be combined/,
  );
  assert.match(complaint("-0", "-d", ",", "f") ?? "", /^-0 and -d cannot be combined/);
  assert.match(complaint("-d", ",", "f", ":::", "a") ?? "", /^-d and ::: cannot be combined/);
  assert.match(complaint("-n", "0", "f") ?? "", /^-n must be at least 1/);
  assert.match(complaint("-retries", "-1", "f") ?? "", /^-retries must not be negative/);
  assert.equal(complaint("-resume", "f"), "no job log to resume");
  assert.equal(complaint("-resume-failed", "f"), "no job log to resume");
  assert.equal(complaint("-resume", "-joblog", "log", "f"), undefined);
  assert.match(complaint("-json", "-tag", "f") ?? "", /^-json and -tag cannot be combined/);
});
