/** Mistakes in the command lines that set llama up. */

import assert from "node:assert/strict";
import { parseCommandLine } from "../../lib/commands/command_line.ts";
import {
  deleteFunctionCommand,
  functionsCommand,
  updateFunctionCommand,
} from "../../lib/commands/function_tables.ts";
import {
  bootstrapCommand,
  configCommand,
  doctorCommand,
  teardownCommand,
} from "../../lib/commands/setup_tables.ts";

const commands = [
  bootstrapCommand,
  configCommand,
  doctorCommand,
  teardownCommand,
  updateFunctionCommand,
  functionsCommand,
  deleteFunctionCommand,
];

const usage: readonly [string[], string, string | RegExp][] = [
  [["bootstrap", "now"], 'bootstrap takes no arguments: "now"', /^usage: llama bootstrap/],
  [["bootstrap", "-bucket", "My_Bucket"], '-bucket: "My_Bucket" is no bucket\'s name', /^write 3/],
  [["bootstrap", "-stack", "1"], '-stack: "1" is no stack\'s name', /^write 1 to 100/],
  [["teardown", "-stack", "a_b"], '-stack: "a_b" is no stack\'s name', /^write 1 to 100/],
  [
    ["bootstrap", "-arch", "arm"],
    'invalid value "arm" for flag -arch: "arm" is no processor of ' +
    "Lambda's",
    "write x86_64 or arm64; see llama help bootstrap",
  ],
  [
    ["update-function"],
    "no function name",
    /^usage: llama update-function \[FLAGS\] FUNCTION\|-all;/,
  ],
  [
    ["update-function", "-create", "hello"],
    "nothing to make the function of",
    /^add -program NAME, -zip PATH, -build DIR/,
  ],
  [
    ["update-function", "-arch", "arm64", "hello"],
    "nothing to make the function of",
    /^add -program NAME, -zip/,
  ],
  [["update-function", "-all", "hello"], '-all and "hello" do not go together', /^give one/],
  [
    ["update-function", "-all", "-memory", "256"],
    "-all changes the runtime alone",
    /^change one function at a time/,
  ],
  [
    ["update-function", "-create", "-memory", "256", "hello"],
    "nothing to make the function of",
    /^add/,
  ],
  [["update-function", "hello", "-zip", "x"], "-zip comes after the name", /^flags go before/],
  [
    ["update-function", "-zip", "a", "-image", "b", "hello"],
    "-zip and -image do not go together",
    /^give one/,
  ],
  [
    ["update-function", "-memory", "64", "hello"],
    'invalid value "64" for flag -memory: value out of range',
    /^write 128 to 10240 MB;/,
  ],
  [
    ["update-function", "-timeout", "901", "hello"],
    'invalid value "901" for flag -timeout: value out of range',
    /^write 1 to 900 seconds;/,
  ],
  [
    ["update-function", "-env", "AWS_REGION=x", "hello"],
    'invalid value "AWS_REGION=x" for flag -env: AWS_REGION is set by Lambda itself',
    /^take another/,
  ],
  [
    ["update-function", "-env", "A=b", "hello"],
    'invalid value "A=b" for flag -env: Lambda takes no variable called "A"',
    /^a name has two or more letters/,
  ],
  [
    ["update-function", "-env", "NAME", "hello"],
    'invalid value "NAME" for flag -env: no value',
    /^write NAME=VALUE;/,
  ],
  [
    ["update-function", "-memory", "256", "a.b"],
    '"a.b" is no function name',
    /^a function's name is/,
  ],
  [
    ["update-function", "-image", "u", "-handler", "h", "f"],
    "-handler is for -zip",
    /^an image has/,
  ],
  [["delete-function"], "no function name", /^usage:/],
  [["functions", "x", "y"], 'more than one function name: "y"', /^usage:/],
  [["config", "stor"], 'no setting is called "stor"', "did you mean store? see llama help config"],
  [["config", "-unset"], "config -unset needs a setting's name", /^usage:/],
  [["config", "-shell", "store"], "config -shell takes no arguments", /^usage:/],
];

for (const [args, message, hint] of usage) {
  Deno.test(`llama ${args.join(" ")} is a usage error`, () => {
    const line = parseCommandLine(args, commands);
    assert(line.kind === "usage", line.kind);
    assert.equal(line.message, message);
    if (typeof hint === "string") assert.equal(line.hint, hint);
    else assert.match(line.hint, hint);
  });
}

Deno.test("the help of each command is at most 80 columns wide", () => {
  for (const { name } of commands) {
    const line = parseCommandLine(["help", name], commands);
    assert(line.kind === "help");
    for (const row of line.text.split("\n")) assert(row.length <= 80, row);
  }
});

Deno.test("config -shell is read as the original reads it", () => {
  const line = parseCommandLine(["config", "-shell"], commands);
  assert(line.kind === "command");
  assert.deepEqual([line.command.name, line.values["shell"], line.args], ["config", true, []]);
});
