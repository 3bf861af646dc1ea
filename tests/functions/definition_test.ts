import assert from "node:assert/strict";
import { LlamaError } from "../../lib/errors.ts";
import { parseFunctionJson } from "../../lib/functions/definition.ts";

const path = "images/resize/function.json";

const layer = "arn:aws:lambda:us-west-2:123456789012:layer:tools:3";

function problem(json: string): string {
  try {
    parseFunctionJson(json, path, "resize");
  } catch (error) {
    assert(error instanceof LlamaError);
    assert.equal(error.code, "config");
    return error.hint === undefined ? error.message : `${error.message} (${error.hint})`;
  }
  throw new Error(`no error: ${json}`);
}

Deno.test("a function.json with a handler gets the defaults", () => {
  assert.deepEqual(parseFunctionJson('{"name": "hello", "handler": "hello.sh"}', path, "resize"), {
    name: "hello",
    handler: "hello.sh",
    memory: 512,
    timeout: 60,
    environment: {},
  });
});

Deno.test("a function without a name is called as its folder", () => {
  const definition = parseFunctionJson('{"command": ["/usr/bin/optipng"]}', path, "optipng");
  assert.equal(definition.name, "optipng");
  assert.deepEqual(definition.command, ["/usr/bin/optipng"]);
});

Deno.test("an empty command is an image without CMD", () => {
  assert.deepEqual(parseFunctionJson('{"command": []}', path, "resize").command, []);
});

Deno.test("all fields are read", () => {
  const all = {
    name: "all",
    description: "Everything",
    command: ["convert"],
    memory: 1792,
    timeout: 900,
    environment: { LEVEL: "7" },
    architecture: "arm64",
    ephemeralStorage: 1024,
    image: "registry/image:1",
    concurrency: 0,
    role: "arn:aws:iam::123456789012:role/path/mine",
    vpc: { subnets: ["subnet-0abc", "subnet-1"], securityGroups: ["sg-0abc"] },
  };
  const json = JSON.stringify({ $schema: "https://example.com/schema.json", ...all });
  assert.deepEqual({ ...parseFunctionJson(json, path, "resize") }, all);
});

Deno.test("a misspelt field is an error that names it and the nearest one", () => {
  assert.equal(
    problem('{"handler": "x", "timout": 5}'),
    `${path}: unknown field "timout" (did you mean "timeout"?)`,
  );
  assert.match(
    problem('{"handler": "x", "zzz": 5}'),
    /unknown field "zzz" \(the fields are name, /,
  );
});

Deno.test("a misspelt field of the VPC is an error that names it and the nearest one", () => {
  const vpc = { subnets: [], securityGroups: [], subnetz: [] };
  assert.equal(
    problem(JSON.stringify({ handler: "x", vpc })),
    `${path}: unknown field "vpc.subnetz" (did you mean "subnets"?)`,
  );
});

Deno.test("a zip's function may name layers, and no VPC", () => {
  const vpc = { subnets: [], securityGroups: [] };
  const json = JSON.stringify({ handler: "x", layers: [layer], vpc });
  const { layers, vpc: read } = parseFunctionJson(json, path, "resize");
  assert.deepEqual([layers, read], [[layer], vpc]);
});

Deno.test("a wrong field is an error that names file and field", () => {
  const cases: [string, string][] = [
    ['{"handler":"x","timeout":0}', "timeout: must be a whole number of seconds from 1 to 900"],
    ['{"handler":"x","timeout":"9"}', "timeout: must be a whole number of seconds from 1 to 900"],
    ['{"handler":"x","memory":64}', "memory: must be a whole number of MB from 128 to 10240"],
    ['{"handler":"x","memory":128.5}', "memory: must be a whole number of MB from 128 to 10240"],
    ['{"handler":"x","environment":{"AB":1}}', "environment.AB: must be a string"],
    [
      '{"handler":"x","environment":{"AWS_REGION":"x"}}',
      "environment.AWS_REGION: is set by Lambda itself",
    ],
    ['{"command":[1]}', "command.0: must be a list of strings"],
    ['{"command":[""]}', "command.0: must not be empty"],
    ['{"name":"a b","handler":"x"}', "name: must be 1 to 64 letters, digits, - and _"],
    ['{"handler":"x","architecture":"arm"}', 'architecture: must be "x86_64" or "arm64"'],
    ['{"handler":""}', "handler: must be a non-empty string"],
    ['{"handler":"../x"}', 'handler: "../x" is outside the function\'s folder'],
    ['{"handler":"/bin/ls"}', 'handler: "/bin/ls" is outside the function\'s folder'],
    ['{"handler":"x","command":[]}', 'command: "handler" and "command" do not go together'],
    ['{"handler":"x","role":"mine"}', "role: must be the ARN of a role, such as arn:aws:iam::"],
    ['{"handler":"x","layers":"a"}', "layers: must be a list of ARNs of layer versions"],
    [
      '{"handler":"x","layers":["a"]}',
      "layers.0: must be the ARN of a layer version, including its number",
    ],
    [
      `{"handler":"x","layers":${JSON.stringify(Array(6).fill(layer))}}`,
      "layers: must have at most 5",
    ],
    [
      `{"command":[],"layers":["${layer}"]}`,
      "layers: layers are only for a function with a handler",
    ],
    ['{"handler":"x","vpc":[]}', "vpc: must be an object with subnets and securityGroups"],
    ['{"handler":"x","vpc":{}}', 'vpc.subnets: must be a list of ids, such as ["subnet-0abc"]'],
    [
      '{"handler":"x","vpc":{"subnets":["a"],"securityGroups":[]}}',
      'vpc.subnets.0: must be a list of ids, such as ["subnet-0abc"]',
    ],
    [
      '{"handler":"x","vpc":{"subnets":["subnet-1"],"securityGroups":["subnet-1"]}}',
      'vpc.securityGroups.0: must be a list of ids, such as ["sg-0abc"]',
    ],
    [
      '{"handler":"x","vpc":{"subnets":["subnet-1"],"securityGroups":[]}}',
      "vpc: must have both subnets and securityGroups; leave both empty for no VPC",
    ],
    [
      '{"handler":"x","vpc":{"subnets":[],"securityGroup":[]}}',
      "vpc.securityGroups: must be a list",
    ],
    ["{}", 'handler: either "handler" or "command" is needed'],
    ["[]", "the document: must be an object"],
  ];
  for (const [json, expected] of cases) {
    const message = problem(json);
    assert(message.startsWith(`${path}: ${expected}`), `${json}: ${message}`);
  }
});

Deno.test("what is not JSON is an error that names the file", () => {
  assert.match(problem('{"handler": '), /^images\/resize\/function\.json is not JSON: /);
});

Deno.test("a folder whose name no function may have needs a name in its function.json", () => {
  assert.throws(
    () => parseFunctionJson('{"handler": "x"}', path, "a.b"),
    /name: the folder's name "a\.b" is not a function name/,
  );
});
