/** Jobs whose files go through a store that fails. */

import assert from "node:assert/strict";
import { sha256 } from "../../lib/hash.ts";
import { Workplace } from "../e2e/llama.ts";
import { noise } from "../helpers.ts";
import type { FakeAws } from "./servers.ts";

/** 200 jobs, each with a file in and out that goes through the store: what came back is right. */
export async function survives(aws: FakeAws, rate: number, kinds: string): Promise<void> {
  await using place = new Workplace();
  await aws.reset();
  const names = Array.from({ length: 200 }, (_, job) => `${job}`);
  const ids = new Map<string, string>();
  for (const name of names) {
    const bytes = noise(300_000, Number(name) + 1);
    ids.set(name, sha256(bytes));
    await Deno.mkdir(place.here("in"), { recursive: true });
    await Deno.writeFile(place.here("in", name), bytes);
  }
  await aws.fail(rate, kinds);
  const { status, stderr } = await place.run(
    [
      "xargs",
      "-j",
      "50",
      "echo",
      '{{.I (printf "in/%s" .Line)}}',
      '{{.O (printf "out/%s" .Line)}}',
    ],
    {
      stdin: names.map((name) => `${name}\n`).join(""),
      environment: { ...aws.environment, LLAMA_OBJECT_STORE: "s3://bucket/obj/" },
    },
  );
  await aws.fail(0, kinds);
  const about = `${kinds} at ${rate}: ${stderr}`;
  assert.equal(status, 0, about);
  for (const name of names) {
    const bytes = await Deno.readFile(place.here("out", name));
    assert.equal(sha256(bytes), ids.get(name), about);
  }
  const faults = Object.keys(await aws.requests()).filter((kind) => kind.startsWith("fault s3-"));
  assert.equal(faults.length, kinds.split(",").length, about);
}
