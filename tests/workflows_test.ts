/** What the workflows may do, and what they run. */

import assert from "node:assert/strict";
import { parse } from "npm:yaml@2.9.1";

interface Step {
  uses?: string;
  run?: string;
  with?: Record<string, unknown>;
}
interface Workflow {
  on: Record<string, unknown>;
  permissions: unknown;
  jobs: Record<
    string,
    { permissions?: Record<string, string>; "timeout-minutes"?: number; steps: Step[] }
  >;
}

const folder = new URL("../.github/workflows/", import.meta.url);
const names = Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
const texts = new Map(names.map((name) => [name, Deno.readTextFileSync(new URL(name, folder))]));

function workflow(name: string): Workflow {
  return parse(texts.get(name) ?? "");
}

const steps = names.flatMap((name) =>
  Object.values(workflow(name).jobs).flatMap((job) => job.steps.map((step) => ({ name, step })))
);

Deno.test("the workflows are those of tests and of releases", () => {
  assert.deepEqual(names, ["ci.yml", "release.yml"]);
});

Deno.test("actions are pinned by commit, and a comment names the version", () => {
  let count = 0;
  for (const [name, text] of texts) {
    for (const [line] of text.matchAll(/^.*\buses:.*$/gm)) {
      count++;
      assert.match(line, /uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, name);
    }
  }
  assert.equal(count, steps.filter(({ step }) => step.uses !== undefined).length);
});

Deno.test("workflows may read, and only the job that publishes may write", () => {
  for (const name of names) {
    const { permissions, jobs } = workflow(name);
    assert.deepEqual(permissions, { contents: "read" }, name);
    for (const [job, { permissions, "timeout-minutes": timeout }] of Object.entries(jobs)) {
      const expected = name === "release.yml" && job === "publish"
        ? { contents: "write", "id-token": "write", attestations: "write" }
        : undefined;
      assert.deepEqual(permissions, expected, `${name} ${job}`);
      assert((timeout ?? 360) <= 60, `${name} ${job} ends by itself`);
    }
  }
});

Deno.test("a checkout leaves no credentials behind for what runs after it", () => {
  for (const { name, step } of steps) {
    if (step.uses?.startsWith("actions/checkout@")) {
      assert.equal(step.with?.["persist-credentials"], false, name);
    }
  }
});

Deno.test("no text from outside is put into a script", () => {
  for (const { name, step } of steps) {
    const used = Array.from(
      step.run?.matchAll(/\$\{\{(.*?)\}\}/g) ?? [],
      ([, what]) => what?.trim(),
    );
    assert.deepEqual(used.filter((what) => what !== "matrix.target"), [], name);
  }
});

Deno.test("all run the version of Deno that the README names, and CI what a developer runs", async () => {
  const readme = await Deno.readTextFile(new URL("../README.md", import.meta.url));
  const version = /npx -y deno@(\d+\.\d+\.\d+)/.exec(readme)?.[1];
  for (const { name, step } of steps) {
    if (step.uses?.startsWith("denoland/setup-deno@")) {
      assert.equal(String(step.with?.["deno-version"]), version, name);
    }
  }
  const runs = steps.filter(({ name }) => name === "ci.yml").map(({ step }) => step.run);
  for (
    const command of [".ci/run", "deno task check", "deno task test", "deno publish --dry-run"]
  ) {
    assert(runs.includes(command), command);
  }
});

Deno.test("a release is checked against its checksums before it is attested and published", () => {
  const publish = workflow("release.yml").jobs["publish"]?.steps ?? [];
  const at = (find: (step: Step) => boolean | undefined) => publish.findIndex(find);
  const checked = at(({ run }) => run === "sha256sum --check SHA256SUMS");
  const attested = at(({ uses }) => uses?.startsWith("actions/attest-build-provenance@"));
  const published = at(({ run }) => run?.startsWith("gh release create"));
  assert(checked >= 0 && checked < attested && attested < published);
});
