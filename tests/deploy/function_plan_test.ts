import assert from "node:assert/strict";
import type { DeployedFunction } from "../../lib/aws/api/lambda_types.ts";
import { planFunction, type PlanInput, settingChanges } from "../../lib/deploy/function_plan.ts";
import { LlamaError } from "../../lib/errors.ts";
import { parseFunctionJson } from "../../lib/functions/definition.ts";

const layerOf = (name: string, version: number) =>
  `arn:aws:lambda:us-west-2:123456789012:layer:${name}:${version}`;

const settings = {
  role: "arn:aws:iam::123456789012:role/llama",
  store: "s3://bucket/obj/",
  layer: layerOf("llama-runtime", 2),
  layerArm64: layerOf("llama-runtime-arm64", 1),
};

const current: DeployedFunction = {
  name: "hello",
  arn: "arn",
  kind: "zip",
  architecture: "x86_64",
  description: "By hand",
  role: "arn:aws:iam::123456789012:role/other",
  memory: 256,
  timeout: 7,
  ephemeralStorage: 1024,
  environment: { LLAMA_OBJECT_STORE: "s3://old/", LEVEL: "3" },
  runtime: "provided.al2",
  handler: "hello.sh",
  layers: [layerOf("tools", 4), layerOf("llama-runtime", 1)],
  command: [],
  codeSha256: "",
  lastModified: "",
  state: "Active",
  stateReason: undefined,
  update: "Successful",
  updateReason: undefined,
  tags: {},
  image: undefined,
  concurrency: undefined,
};

const described = (json: object) =>
  parseFunctionJson(JSON.stringify(json), "function.json", "hello");

function plan(input: Partial<PlanInput>) {
  return planFunction({
    name: "hello",
    kind: "zip",
    options: {},
    definition: undefined,
    settings,
    current: undefined,
    needsLayer: true,
    ...input,
  });
}

function problem(input: Partial<PlanInput>): [string, string | undefined] {
  try {
    plan(input);
  } catch (error) {
    assert(error instanceof LlamaError);
    assert.equal(error.code, "config");
    return [error.message, error.hint];
  }
  throw new Error("no error");
}

Deno.test("a new function is configured by its function.json, and has llama's role, store and layer", () => {
  const definition = described({
    handler: "hello.sh",
    memory: 1792,
    architecture: "arm64",
    environment: { LEVEL: "7" },
    ephemeralStorage: 2048,
    concurrency: 9,
  });
  assert.deepEqual(plan({ definition }), {
    architecture: "arm64",
    concurrency: 9,
    isPure: false,
    settings: {
      role: settings.role,
      description: "",
      memory: 1792,
      timeout: 60,
      ephemeralStorage: 2048,
      environment: { LLAMA_OBJECT_STORE: "s3://bucket/obj/", LEVEL: "7" },
      runtime: "provided.al2023",
      handler: "hello.sh",
      layers: [settings.layerArm64],
    },
  });
});

Deno.test("only a function.json says whether a function is pure", () => {
  const pure = described({ handler: "hello.sh", pure: true });
  assert.equal(plan({ definition: pure }).isPure, true);
  assert.equal(plan({ definition: undefined, options: { handler: "hello.sh" } }).isPure, undefined);
});

Deno.test("flags override the function.json", () => {
  const definition = described({ handler: "hello.sh", memory: 128, timeout: 5 });
  const options = {
    memory: 512,
    timeout: 6,
    storage: 600,
    handler: "bye.sh",
    architecture: "arm64",
    environment: { A_B: "1" },
  } as const;
  const { settings: wanted, architecture } = plan({ definition, options });
  const { memory, timeout, ephemeralStorage, handler, environment } = wanted;
  assert.deepEqual([memory, timeout, ephemeralStorage, handler], [512, 6, 600, "bye.sh"]);
  assert.equal(architecture, "arm64");
  assert.equal(environment["A_B"], "1");
});

Deno.test("without a function.json a function keeps its settings, with llama's role, store and layer", () => {
  const wanted = plan({ current, options: { memory: 512 } });
  assert.deepEqual(settingChanges(current, wanted), [
    "memory 256 -> 512 MB",
    `role ${current.role} -> ${settings.role}`,
    "runtime provided.al2 -> provided.al2023",
    `layers ${layerOf("tools", 4)} ${layerOf("llama-runtime", 1)} -> ` +
    `${layerOf("tools", 4)} ${layerOf("llama-runtime", 2)}`,
    "environment: LLAMA_OBJECT_STORE",
  ]);
  assert.deepEqual(wanted.settings.environment, {
    LLAMA_OBJECT_STORE: "s3://bucket/obj/",
    LEVEL: "3",
  });
});

Deno.test("a function.json may name a role, a VPC and layers besides llama's", () => {
  const role = "arn:aws:iam::123456789012:role/mine";
  const vpc = { subnets: ["subnet-2", "subnet-1"], securityGroups: ["sg-1"] };
  const extra = layerOf("extra", 1);
  const definition = described({ handler: "hello.sh", role, vpc, layers: [extra] });
  const wanted = plan({ current, definition });
  assert.equal(wanted.settings.role, role);
  assert.deepEqual(wanted.settings.vpc, vpc);
  assert.deepEqual(wanted.settings.layers, [extra, settings.layer]);
  const changes = settingChanges(current, wanted);
  assert(changes.includes("vpc none -> subnet-1 subnet-2 sg-1"), changes.join("; "));
  assert(changes.includes(`role ${current.role} -> ${role}`));

  const made = {
    ...current,
    ...wanted.settings,
    vpc: { ...vpc, subnets: ["subnet-1", "subnet-2"] },
  };
  assert.deepEqual(settingChanges(made, plan({ current: made, definition })), []);
  // Fields removed from the function.json keep their values, and empty lists remove them.
  const bare = described({ handler: "hello.sh", role });
  assert.equal(plan({ current: made, definition: bare }).settings.vpc, undefined);
  assert.deepEqual(plan({ current: made, definition: bare }).settings.layers, made.layers);
  const nothing = { subnets: [], securityGroups: [] };
  const none = described({ handler: "hello.sh", role, layers: [], vpc: nothing });
  assert.deepEqual(settingChanges(made, plan({ current: made, definition: none })), [
    `layers ${extra} ${settings.layer} -> ${settings.layer}`,
    "vpc subnet-1 subnet-2 sg-1 -> none",
  ]);
});

Deno.test("a role from a function.json is kept if only settings change", () => {
  const own = { ...current, role: "arn:aws:iam::123456789012:role/mine" };
  const options = { memory: 512 };
  assert.equal(plan({ current: own, options, keepsCode: true }).settings.role, own.role);
  assert.equal(plan({ current: own, options }).settings.role, settings.role);
});

Deno.test("more layers than Lambda allows are rejected", () => {
  const layers = [1, 2, 3, 4, 5].map((version) => layerOf("extra", version));
  assert.deepEqual(problem({ definition: described({ handler: "x", layers }) }), [
    "hello would have 6 layers with llama's, and Lambda allows 5",
    'list fewer "layers" in its function.json, or put their files into the zip',
  ]);
});

Deno.test("a TMPDIR with which the runtime does not start is refused, whoever sets it", () => {
  for (const TMPDIR of ["", "tmp", ".", "./x", "/tmp/../x"]) {
    for (
      const input of [
        { current, options: { environment: { TMPDIR } } },
        { current: { ...current, environment: { TMPDIR } } },
      ]
    ) {
      assert.throws(
        () => plan(input),
        /^LlamaError: TMPDIR of the function is ".*", with which its/,
      );
    }
  }
  const { settings } = plan({ current, options: { environment: { TMPDIR: "/tmp/x" } } });
  assert.equal(settings.environment["TMPDIR"], "/tmp/x");
});

Deno.test("changes list variables without their values", () => {
  const wanted = plan({ current, options: { environment: { LEVEL: "secret", NEW_ONE: "x" } } });
  const environment = settingChanges(current, wanted).find((each) => each.startsWith("env"));
  assert.equal(environment, "environment: LEVEL, LLAMA_OBJECT_STORE, NEW_ONE");
});

Deno.test("a zip with its own bootstrap needs no layer", () => {
  const definition = described({ handler: "hello.sh" });
  const without = { ...settings, layer: undefined };
  const { settings: wanted } = plan({ definition, settings: without, needsLayer: false });
  assert.deepEqual(wanted.layers, []);
});

Deno.test("an image function has a command, and neither handler nor layers", () => {
  const definition = described({ command: ["/usr/bin/optipng", "-o2"] });
  const { settings: wanted } = plan({ kind: "image", definition });
  assert.deepEqual(wanted.command, ["/usr/bin/optipng", "-o2"]);
  assert.deepEqual([wanted.handler, wanted.layers, wanted.runtime], Array(3).fill(undefined));
  assert.deepEqual(plan({ kind: "image" }).settings.command, []);
});

Deno.test("a store that Lambda cannot reach is not passed to the function", () => {
  const { settings: wanted } = plan({
    definition: described({ handler: "hello.sh" }),
    settings: { ...settings, store: "file:///tmp/store" },
  });
  assert.deepEqual(wanted.environment, {});
});

Deno.test("missing and conflicting settings are errors with a hint", () => {
  const handler = described({ handler: "hello.sh" });
  const command = described({ command: [] });
  assert.deepEqual(problem({ definition: handler, settings: { ...settings, role: undefined } }), [
    "no execution role for the function",
    "run `llama bootstrap`, or set one: llama config role ARN",
  ]);
  const noLayer = { ...settings, layerArm64: undefined };
  const options = { architecture: "arm64" } as const;
  assert.deepEqual(problem({ definition: handler, options, settings: noLayer }), [
    "no layer with llama's runtime for arm64",
    "run `llama bootstrap -arch arm64` to publish it",
  ]);
  assert.match(problem({})[0], /^no handler for hello$/);
  assert.match(problem({ definition: command })[0], /has a "command" and no "handler"$/);
  assert.match(
    problem({ kind: "image", definition: handler })[0],
    /has a "handler", which is only for a zip$/,
  );
});
