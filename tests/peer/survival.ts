/** 200 jobs whose calls fail at will: what comes back is right, or is said not to have come. */

import assert from "node:assert/strict";
import { Workplace } from "../e2e/llama.ts";
import { noise } from "../helpers.ts";
import type { FakeAws } from "./servers.ts";

/** How many jobs there are. */
export const jobs = 200;

const names = Array.from({ length: jobs }, (_, index) => `f${index}`);

/** Makes the message so long that even small files do not fit into it: they go through the store. */
const filler = '{{printf "%1048576s" ""}}';

/** How a run is set up. */
export interface Survival {
  /** What share of calls fails, from 0 to 1. */
  rate: number;
  /** How, such as `s3-503,lambda-429`. */
  kinds: string;
  /** Whether the files go through the store. */
  stored: boolean;
  /** The seed of the faults. @default {1} */
  seed?: number;
  /** More flags of `xargs`. @default {[]} */
  flags?: readonly string[];
  /** Flags before the command. @default {[]} */
  globalFlags?: readonly string[];
  /** How often a call is made at most. @default {as in any run} */
  maxAttempts?: number;
}

/** What became of the jobs. */
export interface Survivors {
  status: number;
  stderr: string;
  /** How many outputs are there, each of them right. */
  right: number;
  /** How many jobs were reported as failed. */
  reported: number;
  /** How many requests there were, by kind. */
  requests: Record<string, number>;
}

/** The files of `out` are those of `in`. */
export async function areCopies(
  place: Workplace,
  files: readonly string[],
  circumstances = "",
): Promise<void> {
  for (const name of files) {
    const [got, sent] = await Promise.all([
      Deno.readFile(place.here("out", name)),
      Deno.readFile(place.here("in", name)),
    ]);
    assert.deepEqual(got, sent, name + circumstances);
  }
}

/** Runs jobs with 20 kB in and out each, at -j 50, and checks every output that is there. */
export async function survivors(aws: FakeAws, survival: Survival): Promise<Survivors> {
  const { rate, kinds, stored, seed = 1, flags = [], globalFlags = [], maxAttempts } = survival;
  await using place = new Workplace();
  await aws.reset();
  for (const [index, name] of names.entries()) {
    await place.write(`work/in/${name}`, noise(20_000, index + 1));
  }
  await aws.fail(rate, kinds, seed);
  const { status, stdout, stderr } = await place.run(
    [
      ...[...globalFlags, "xargs", "-j", "50", "-json", "-progress", "none", ...flags, "echo"],
      ...['{{.I (printf "in/%s" .Line)}}', '{{.O (printf "out/%s" .Line)}}'],
      ...stored ? [filler] : [],
    ],
    {
      stdin: names.join("\n"),
      environment: {
        ...aws.environment,
        ...stored ? { LLAMA_OBJECT_STORE: "s3://bucket/obj/" } : {},
        ...maxAttempts === undefined ? {} : { AWS_MAX_ATTEMPTS: String(maxAttempts) },
      },
    },
  );
  await aws.fail(0, kinds);
  const requests = await aws.requests();
  for (const kind of kinds.split(",")) {
    assert((requests[`fault ${kind}`] ?? 0) > 0, `no call failed with ${kind}`);
  }
  if (stored) assert((requests["s3.PUT"] ?? 0) >= jobs, "the files did not go through the store");
  const written = (await place.list("work/out")).map((path) => path.replace("work/out/", ""));
  await areCopies(place, written, ` with ${kinds} at ${rate}`);
  const records = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  const reported = records.filter(({ ok }) => ok === false).length;
  return { status, stderr, right: written.length, reported, requests };
}

/**
 * All of the jobs are right. Where 30 % of calls fail, one in 50,000 fails all nine times that it is
 * sent, and so one run of 200 jobs in 250 has a job that was reported for that: there chance has a
 * second run, and a defect would show in it too.
 */
export async function allSurvive(aws: FakeAws, survival: Survival): Promise<void> {
  let run = await survivors(aws, survival);
  const { reported, stderr } = run;
  if (reported === 1 && run.right === jobs - 1 && /\(tried (9|11) times\)$/m.test(stderr)) {
    run = await survivors(aws, survival);
  }
  assert.deepEqual([run.status, run.right], [0, jobs], run.stderr);
}

/** Each job is right, or reported, and the exit status tells. */
export async function noneIsLost(aws: FakeAws, survival: Survival): Promise<void> {
  const { status, stderr, right, reported } = await survivors(aws, survival);
  assert.equal(right + reported, jobs, stderr);
  assert.equal(status, reported === 0 ? 0 : 1, stderr);
}
