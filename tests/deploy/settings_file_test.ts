import assert from "node:assert/strict";
import {
  inForce,
  readSettings,
  settingInForce,
  settingsPath,
  writeSettings,
} from "../../lib/deploy/settings_file.ts";
import { TemporaryDirectory } from "../helpers.ts";
import { failureOf } from "./failure_of.ts";

const settings = { region: "us-west-2", store: "s3://bucket/obj/", stack: "llama" };

Deno.test("settings are in LLAMA_DIR, or else in HOME", async () => {
  assert.equal(settingsPath({ LLAMA_DIR: "/a", HOME: "/b" }), "/a/config.json");
  assert.equal(settingsPath({ HOME: "/b" }), "/b/.llama/config.json");
  assert.throws(() => settingsPath({}), /HOME is not set/);
  assert.deepEqual(await readSettings({}), {});
});

Deno.test("written settings are read back", async () => {
  await using directory = new TemporaryDirectory();
  const environment = { LLAMA_DIR: directory.join("new") };
  assert.deepEqual(await readSettings(environment), {});
  await writeSettings(environment, settings);
  assert.deepEqual(await readSettings(environment), settings);
  assert.deepEqual(await directory.list(), ["new", "new/config.json"]);
});

Deno.test("the environment overrides the file", () => {
  const environment = { LLAMA_DIR: "/a", AWS_DEFAULT_REGION: "eu-west-1", LLAMA_ROLE: "" };
  assert.deepEqual(settingInForce("region", settings, environment), {
    value: "eu-west-1",
    from: "AWS_DEFAULT_REGION",
    isFile: false,
  });
  assert.deepEqual(settingInForce("stack", settings, environment), {
    value: "llama",
    from: "/a/config.json",
    isFile: true,
  });
  assert.equal(settingInForce("role", settings, environment), undefined);
  const { region, store } = inForce(settings, environment);
  assert.deepEqual([region, store], ["eu-west-1", "s3://bucket/obj/"]);
});

Deno.test("an invalid file is an error that names it and the problem", async () => {
  await using directory = new TemporaryDirectory();
  const environment = { LLAMA_DIR: directory.path };
  const path = directory.join("config.json");
  const cases: [string, string, string][] = [
    ["{", `${path} is not JSON`, "fix the file"],
    ["[]", `${path} must be an object of settings`, "fix the file"],
    ['{"stor": "s3://b/"}', `${path}: unknown setting "stor"`, "did you mean store?"],
    ['{"store": "bucket"}', `${path}: store: must be s3://BUCKET/PREFIX/ or`, ""],
    ['{"region": "us west"}', `${path}: region: must be an AWS region`, ""],
    ['{"role": "llama"}', `${path}: role: must be the ARN of a role`, ""],
    ['{"layer": "arn:aws:lambda:us-west-2:123456789012:layer:l"}', `${path}: layer: must be`, ""],
    ['{"repository": "llama"}', `${path}: repository: must be the URI of a repository`, ""],
  ];
  for (const [json, message, hint] of cases) {
    await Deno.writeTextFile(path, json);
    const [actual, actualHint] = await failureOf(readSettings(environment));
    assert(actual.startsWith(message) && actualHint.startsWith(hint), `${actual} ${actualHint}`);
  }
});

Deno.test("invalid settings are not written", async () => {
  await using directory = new TemporaryDirectory();
  const environment = { LLAMA_DIR: directory.path };
  await failureOf(writeSettings(environment, { store: "nowhere" }));
  assert.deepEqual(await directory.list(), []);
});

Deno.test("the settings of one stack are not used for another one named by the environment", () => {
  const file = {
    region: "us-west-2",
    stack: "llama",
    store: "s3://bucket/obj/",
    role: "arn:aws:iam::123456789012:role/llama",
  };
  const set = (environment: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(inForce(file, { HOME: "/home/me", ...environment })).filter(([, value]) =>
        value
      ),
    );
  assert.deepEqual(set({}), file);
  assert.deepEqual(set({ LLAMA_STACK: "llama" }), file);
  assert.deepEqual(set({ LLAMA_STACK: "second" }), { region: "us-west-2", stack: "second" });
  const own = { LLAMA_STACK: "second", LLAMA_OBJECT_STORE: "s3://second/obj/" };
  assert.deepEqual(set(own), {
    region: "us-west-2",
    stack: "second",
    store: "s3://second/obj/",
  });
});
