import assert from "node:assert/strict";
import {
  boolFlag,
  choiceFlag,
  FlagError,
  type FlagErrorCode,
  FlagValueError,
  intFlag,
  listFlag,
  namesOf,
  parseFlags,
  parseGoInt,
  stringFlag,
  valueFlag,
} from "../../lib/cli/flags.ts";

const table = {
  logs: boolFlag({ help: "show logs" }),
  j: intFlag({ help: "jobs at once", placeholder: "N", default: 100 }),
  limit: intFlag({ help: "limit", placeholder: "N" }),
  region: stringFlag({ help: "region", placeholder: "REGION" }),
  file: listFlag({ help: "files", placeholder: "FILE", alias: "f" }, (text) => text),
  color: valueFlag(
    { help: "color", placeholder: "COLOR", default: { name: "red" } },
    (name) => {
      if (name === "none") throw new FlagValueError("no color", "take any color");
      return { name };
    },
  ),
};

function failure(argv: readonly string[]): FlagError {
  try {
    parseFlags(table, argv);
  } catch (error) {
    assert.ok(error instanceof FlagError);
    return error;
  }
  assert.fail(`${argv.join(" ")} was read without an error`);
}

Deno.test("omitted flags have their defaults", () => {
  const { values, rest } = parseFlags(table, []);
  assert.deepEqual(values, {
    logs: false,
    j: 100,
    limit: undefined,
    region: "",
    file: [],
    color: { name: "red" },
  });
  assert.deepEqual(rest, []);
});

Deno.test("values have the types of their flags", () => {
  const { values } = parseFlags(table, ["-limit=3", "-f", "a", "-color", "blue"]);
  const limit: number | undefined = values.limit;
  const file: readonly string[] = values.file;
  const name: string = values.color.name;
  assert.deepEqual([limit, file, name], [3, ["a"], "blue"]);
});

Deno.test("one or two dashes, and a value after = or as the next argument, are equivalent", () => {
  for (const argv of [["-j", "5"], ["--j", "5"], ["-j=5"], ["--j=5"]]) {
    assert.equal(parseFlags(table, [...argv, "fn"]).values.j, 5);
    assert.deepEqual(parseFlags(table, [...argv, "fn"]).rest, ["fn"]);
  }
});

Deno.test("a value may be empty, start with a dash, or contain =", () => {
  assert.equal(parseFlags(table, ["-region="]).values.region, "");
  assert.equal(parseFlags(table, ["-region", ""]).values.region, "");
  assert.equal(parseFlags(table, ["-region", "-logs"]).values.region, "-logs");
  assert.equal(parseFlags(table, ["-region=a=b"]).values.region, "a=b");
});

Deno.test("flags end at the first non-flag argument, at -, and after --", () => {
  assert.deepEqual(parseFlags(table, ["fn", "-logs"]).rest, ["fn", "-logs"]);
  assert.deepEqual(parseFlags(table, ["-", "-logs"]).rest, ["-", "-logs"]);
  assert.deepEqual(parseFlags(table, ["--", "-logs"]).rest, ["-logs"]);
  assert.deepEqual(parseFlags(table, ["--", "--"]).rest, ["--"]);
  assert.deepEqual(parseFlags(table, ["", "-logs"]).rest, ["", "-logs"]);
});

Deno.test("a boolean flag takes a value only after =", () => {
  assert.deepEqual(parseFlags(table, ["-logs", "false"]).rest, ["false"]);
  for (const text of ["1", "t", "T", "true", "TRUE", "True"]) {
    assert.equal(parseFlags(table, [`-logs=${text}`]).values.logs, true, text);
  }
  for (const text of ["0", "f", "F", "false", "FALSE", "False"]) {
    assert.equal(parseFlags(table, ["-logs", `-logs=${text}`]).values.logs, false, text);
  }
  for (const text of ["", "yes", "tRUE", "2", " true"]) {
    assert.equal(
      failure([`-logs=${text}`]).message,
      `invalid boolean value "${text}" for -logs: parse error`,
    );
  }
});

Deno.test("the last occurrence of a flag counts, and a list flag collects all under any alias", () => {
  const { values } = parseFlags(table, ["-j", "1", "-f", "a", "-file=b", "-j", "2", "-f", "a"]);
  assert.equal(values.j, 2);
  assert.deepEqual(values.file, ["a", "b", "a"]);
  assert.deepEqual(parseFlags(table, []).values.file, [], "a list is not shared between runs");
});

Deno.test("each error has Go's message, a code and the flag's name as written", () => {
  const cases: [string[], FlagErrorCode, string, string][] = [
    [["---j"], "bad-syntax", "---j", "bad flag syntax: ---j"],
    [["-=3"], "bad-syntax", "-=3", "bad flag syntax: -=3"],
    [["--nope=3"], "not-defined", "nope", "flag provided but not defined: -nope"],
    [["-toString"], "not-defined", "toString", "flag provided but not defined: -toString"],
    [["-j5"], "not-defined", "j5", "flag provided but not defined: -j5"],
    [["-f"], "needs-argument", "f", "flag needs an argument: -f"],
    [["-j", ""], "invalid-value", "j", 'invalid value "" for flag -j: parse error'],
    [
      ["-color=none"],
      "invalid-value",
      "color",
      'invalid value "none" for flag -color: no color',
    ],
    [["-h"], "help", "h", "flag: help requested"],
    [["--help=1"], "help", "help", "flag: help requested"],
    [["-logs", "-nope", "-h"], "not-defined", "nope", "flag provided but not defined: -nope"],
  ];
  for (const [argv, code, flag, message] of cases) {
    const error = failure(argv);
    assert.deepEqual([error.code, error.flag, error.message], [code, flag, message]);
  }
});

Deno.test("the error of an invalid value has the FlagValueError as its cause", () => {
  const { cause } = failure(["-color", "none"]);
  assert.ok(cause instanceof FlagValueError);
  assert.equal(cause.hint, "take any color");
});

Deno.test("an error other than a FlagValueError is rethrown", () => {
  const broken = {
    x: listFlag({ help: "x", placeholder: "X" }, () => {
      throw new RangeError("broken");
    }),
  };
  assert.throws(() => parseFlags(broken, ["-x", "1"]), new RangeError("broken"));
});

Deno.test("a flag can be named h or help", () => {
  const { values } = parseFlags({ h: boolFlag({ help: "human-readable sizes" }) }, ["-h"]);
  assert.equal(values.h, true);
});

Deno.test("namesOf returns names and aliases", () => {
  assert.deepEqual([...namesOf(table)], [
    ["logs", "logs"],
    ["j", "j"],
    ["limit", "limit"],
    ["region", "region"],
    ["file", "file"],
    ["f", "file"],
    ["color", "color"],
  ]);
});

// The results of strconv.ParseInt(text, 0, 64) in Go 1.26.
Deno.test("parseGoInt accepts what Go accepts", () => {
  const cases: [string, number][] = [
    ["0", 0],
    ["-0", 0],
    ["+7", 7],
    ["-12", -12],
    ["0x1F", 31],
    ["0XfF", 255],
    ["0b101", 5],
    ["0B1", 1],
    ["0o17", 15],
    ["0O17", 15],
    ["017", 15],
    ["00", 0],
    ["-0x10", -16],
    ["1_000", 1000],
    ["0_7", 7],
    ["0x_1", 1],
    ["0b1_0", 2],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
    ["-9007199254740991", Number.MIN_SAFE_INTEGER],
    ["9223372036854775807", 2 ** 63],
    ["-9223372036854775808", -(2 ** 63)],
  ];
  for (const [text, value] of cases) assert.equal(parseGoInt(text), value, text);
});

Deno.test("parseGoInt rejects what Go rejects", () => {
  const texts = ["", "+", "-", "+-1", "--1", " 1", "1 ", "1.5", "1e3", "abc", "0x", "0b", "0o"];
  texts.push("08", "0b2", "0xg", "_1", "1_", "1__0", "0_", "0x1_", "0x__1", "_", "1,000", "１");
  for (const text of texts) {
    assert.throws(() => parseGoInt(text), { name: "FlagValueError", message: "parse error" }, text);
  }
});

Deno.test("parseGoInt rejects integers that do not fit in 64 bits", () => {
  const texts = ["9223372036854775808", "-9223372036854775809"];
  // Go stops at the digit that overflows.
  texts.push("9999999999999999999", "0xfffffffffffffffff", "99999999999999999999x");
  for (const text of texts) {
    assert.throws(() => parseGoInt(text), { message: "value out of range" }, text);
  }
});

Deno.test("choiceFlag accepts its words, and lists them in the error for any other", () => {
  const how = choiceFlag({ help: "how", default: "auto" }, ["auto", "bar", "none"]);
  assert.equal(how.placeholder, "auto|bar|none");
  assert.equal(how.help, "how (default auto)");
  assert.equal(parseFlags({ how }, []).values.how, "auto");
  assert.equal(parseFlags({ how }, ["-how", "bar"]).values.how, "bar");
  const message = "not one of auto, bar, none";
  assert.throws(() => how.read("non", "auto"), { message, hint: "did you mean none?" });
  assert.throws(() => how.read("quickly", "auto"), { message, hint: undefined });
});
