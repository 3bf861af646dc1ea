/** Usage errors of the setup commands. */

import assert from "node:assert/strict";
import { commandHelp } from "../../../lib/cli/help.ts";
import { parseCommandLine } from "../../../lib/cli/parse.ts";
import { commands } from "../../../lib/commands/list.ts";
import { program } from "../../../lib/commands/spec/global.ts";

const usage: readonly [string[], string, string | RegExp][] = [
  [["bootstrap", "now"], 'bootstrap takes no arguments: "now"', /^usage: llama bootstrap/],
  [["bootstrap", "-bucket", "My_Bucket"], '-bucket: "My_Bucket" is not a bucket name', /^use 3/],
  [["bootstrap", "-stack", "1"], '-stack: "1" is not a stack name', /^use 1 to 100/],
  [["teardown", "-stack", "a_b"], '-stack: "a_b" is not a stack name', /^use 1 to 100/],
  [
    ["bootstrap", "-arch", "arm"],
    'invalid value "arm" for flag -arch: "arm" is not an architecture that Lambda supports',
    "write x86_64 or arm64; see llama help bootstrap",
  ],
  [
    ["update-function"],
    "no function name",
    /^usage: llama update-function \[FLAGS\] FUNCTION\|-all;/,
  ],
  [
    ["update-function", "-create", "hello"],
    "no code for the function",
    /^add -program NAME, -zip PATH, -build DIR/,
  ],
  [
    ["update-function", "-arch", "arm64", "hello"],
    "no code for the function",
    /^add -program NAME, -zip/,
  ],
  [["update-function", "-all", "hello"], '-all and "hello" do not go together', /^give one/],
  [
    ["update-function", "-all", "-memory", "256"],
    "-all only updates the runtime",
    /^change one function at a time/,
  ],
  [
    ["update-function", "-create", "-memory", "256", "hello"],
    "no code for the function",
    /^add/,
  ],
  [
    ["update-function", "hello", "-zip", "x"],
    "-zip comes after the function name",
    /^write flags before/,
  ],
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
    'invalid value "AWS_REGION=x" for flag -env: Lambda itself sets AWS_REGION',
    /^choose another/,
  ],
  [
    ["update-function", "-env", "A=b", "hello"],
    'invalid value "A=b" for flag -env: Lambda does not accept a variable named "A"',
    /^use two or more letters/,
  ],
  [
    ["update-function", "-env", "NAME", "hello"],
    'invalid value "NAME" for flag -env: no value',
    /^write NAME=VALUE;/,
  ],
  [
    ["update-function", "-memory", "256", "a.b"],
    '"a.b" is not a function name',
    /^a function name has/,
  ],
  [
    ["update-function", "-image", "u", "-handler", "h", "f"],
    "-handler is only for -zip",
    /^an image runs/,
  ],
  [["delete-function"], "no function name", /^usage:/],
  [["functions", "x", "y"], 'more than one function name: "y"', /^usage:/],
  [["config", "stor"], 'there is no setting "stor"', "did you mean store? see llama help config"],
  [["config", "-unset"], "config -unset needs the name of a setting", /^usage:/],
  [["config", "-shell", "store"], "config -shell takes no arguments", /^usage:/],
];

for (const [args, message, hint] of usage) {
  Deno.test(`llama ${args.join(" ")} is a usage error`, async () => {
    const line = await parseCommandLine(args, commands, program);
    assert(line.kind === "usage", line.kind);
    assert.equal(line.message, message);
    if (typeof hint === "string") assert.equal(line.hint, hint);
    else assert.match(line.hint, hint);
  });
}

Deno.test("the help of each command is at most 80 columns wide", async () => {
  for (const { name } of commands) {
    const line = await parseCommandLine(["help", name], commands, program);
    assert(line.kind === "help" && line.topic !== undefined);
    for (const row of (await commandHelp(line.topic)).split("\n")) assert(row.length <= 80, row);
  }
});

Deno.test("config -shell is parsed as the original parses it", async () => {
  const line = await parseCommandLine(["config", "-shell"], commands, program);
  assert(line.kind === "command");
  assert.deepEqual([line.command.name, line.values["shell"], line.args], ["config", true, []]);
});
