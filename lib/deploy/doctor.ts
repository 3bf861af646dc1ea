/**
 * What may be wrong with llama's setup, looked at one by one.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import { trustPolicy } from "../aws/iam.ts";
import { accountConcurrency, getLayerVersion } from "../aws/lambda_account.ts";
import type { DeployedFunction } from "../aws/lambda_function.ts";
import { callerIdentity, type Identity } from "../aws/sts.ts";
import { LlamaError } from "../errors.ts";
import type { ObjectStore } from "../store/store.ts";
import { isOlder, version } from "../version.ts";
import { compatibleRuntime } from "./layer.ts";
import { belongsTo, listOurs } from "./ours.ts";
import { versionOfLayer } from "./runtime_layer.ts";
import { RuntimeLayers } from "./runtime_update.ts";
import type { Settings } from "./settings.ts";

/** What was looked at, and what came of it. */
export interface Finding {
  /** What was looked at. */
  readonly subject: string;
  /** Whether it is as it should be. */
  readonly isGood: boolean;
  /** What was seen. */
  readonly words: string;
  /** What to do about it. */
  readonly hint?: string | undefined;
}

/** What the examination needs of the outside. */
export interface Patient {
  /** Signs and sends. */
  readonly client: AwsClient;
  /** The settings in force. */
  readonly settings: Settings;
  /** Opens the object store. */
  readonly openStore: (url: string) => ObjectStore;
  /** What time it is here. */
  readonly now: () => Date;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
}

const good = (subject: string, words: string): Finding => ({ subject, isGood: true, words });
const bad = (subject: string, words: string, hint?: string): Finding => ({
  subject,
  isGood: false,
  words,
  hint,
});

const bootstrapHint = "run `llama bootstrap`";
const debugHint = "`llama -debug-aws doctor` shows each call and its answer";

/**
 * Looks at everything. Without credentials or a region, nothing in AWS is looked at.
 *
 * @param patient What is looked at.
 * @returns A finding each, as soon as there is one.
 */
export async function* examine(patient: Patient): AsyncGenerator<Finding, void, undefined> {
  const { client, signal } = patient;
  yield good("llama", `version ${version}, Deno ${Deno.version.deno}`);

  const region = await attempt("region", async () => {
    const { region } = await client.location();
    return { finding: good("region", region), value: region };
  }, signal);
  yield region.finding;
  if (region.value === undefined) return;

  const identity = await attempt("credentials", async () => {
    const value = await callerIdentity(client, signal);
    return { finding: good("credentials", `account ${value.account}, ${value.arn}`), value };
  }, signal);
  yield identity.finding;
  if (identity.value === undefined) return;

  yield clock(identity.value, patient.now());
  yield (await attempt("store", () => store(patient), signal)).finding;
  yield (await attempt("role", () => role(patient, identity.value), signal)).finding;
  for (const name of ["layer", "layerArm64"] as const) {
    // The second processor's is there only for who asked for it.
    if (name === "layerArm64" && patient.settings.layerArm64 === undefined) continue;
    yield (await attempt(name, () => layer(patient, name), signal)).finding;
  }
  yield (await attempt("concurrency", () => concurrency(patient), signal)).finding;

  const functions = await attempt("functions", async () => {
    const value = (await listOurs(client, signal)).filter((each) =>
      belongsTo(each, patient.settings)
    );
    const count = value.length === 1 ? "1 function" : `${value.length} functions`;
    return { finding: good("functions", count), value };
  }, signal);
  yield functions.finding;
  const layers = new RuntimeLayers(client, patient.settings, signal);
  for (const each of functions.value ?? []) {
    const subject = `function ${each.name}`;
    yield (await attempt(subject, async () => ({
      finding: await examineFunction(each, patient.settings, layers),
    }), signal)).finding;
  }
}

interface Attempt<T> {
  readonly finding: Finding;
  readonly value?: T;
}

/** What cannot be looked at is a finding too. */
async function attempt<T>(
  subject: string,
  look: () => Promise<Attempt<T>>,
  signal: AbortSignal | undefined,
): Promise<Attempt<T>> {
  try {
    return await look();
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof LlamaError)) throw error;
    return { finding: bad(subject, error.message, error.hint ?? debugHint) };
  }
}

/**
 * AWS refuses what is signed 5 minutes early or late, S3 what is 15:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
 */
const toleratedSeconds = 60;

function clock({ time }: Identity, now: Date): Finding {
  if (time === undefined) return good("clock", "AWS did not say what time it is");
  const seconds = Math.round((now.getTime() - time.getTime()) / 1000);
  if (Math.abs(seconds) <= toleratedSeconds) return good("clock", "right");
  return bad(
    "clock",
    `${Math.abs(seconds)} seconds ${seconds > 0 ? "ahead of" : "behind"} AWS's`,
    "set the clock, best by NTP",
  );
}

async function store({ settings, openStore, signal }: Patient): Promise<Attempt<never>> {
  const { store: url } = settings;
  if (url === undefined) {
    return { finding: bad("store", "none: files over 6 MB cannot be sent", bootstrapHint) };
  }
  using opened = openStore(url);
  // The same small object each time, which expires as all others do.
  const id = await opened.put(new TextEncoder().encode("llama doctor was here\n"), signal);
  await opened.get(id, signal);
  return { finding: good("store", `${url} can be written and read`) };
}

async function role(
  { client, settings, signal }: Patient,
  identity: Identity | undefined,
): Promise<Attempt<never>> {
  const { role: arn } = settings;
  if (arn === undefined) return { finding: bad("role", "none is set", bootstrapHint) };
  const [, account] = /:iam::(\d+):/.exec(arn) ?? [];
  if (identity && account !== identity.account) {
    return {
      finding: bad(
        "role",
        `${arn} is of account ${account}, and the credentials of ${identity.account}`,
        "take that account's credentials, or run `llama bootstrap` in this one",
      ),
    };
  }
  const policy = await trustPolicy(client, arn, signal);
  if (policy === undefined) {
    return { finding: bad("role", `${arn} is not there`, bootstrapHint) };
  }
  if (!policy.includes("lambda.amazonaws.com")) {
    return {
      finding: bad(
        "role",
        `${arn} may not be taken by Lambda`,
        "its trust policy must name lambda.amazonaws.com",
      ),
    };
  }
  return { finding: good("role", arn) };
}

async function layer(
  { client, settings, signal }: Patient,
  name: "layer" | "layerArm64",
): Promise<Attempt<never>> {
  const hint = name === "layer" ? bootstrapHint : "run `llama bootstrap -arch arm64`";
  const arn = settings[name];
  if (arn === undefined) {
    return { finding: bad(name, "none is set: functions of zip files have no runtime", hint) };
  }
  const found = await getLayerVersion(client, arn, signal);
  if (!found) return { finding: bad(name, `${arn} is not there`, hint) };
  const runtime = versionOfLayer(found.description);
  if (runtime !== version) {
    const words = `${arn} is of ${runtime ?? "an unknown version"}, and llama is ${version}`;
    const isNewer = runtime !== undefined && isOlder(version, runtime);
    return {
      finding: bad(
        name,
        words,
        isNewer ? "update llama" : `${hint}, then \`llama update-function -all\``,
      ),
    };
  }
  return { finding: good(name, arn) };
}

/** Below this, the default of `llama xargs -j` is more than the account lets run. */
const wantedConcurrency = 100;

async function concurrency({ client, signal }: Patient): Promise<Attempt<never>> {
  const { limit, unreserved } = await accountConcurrency(client, signal);
  const words = unreserved === limit
    ? `${limit} invocations at once`
    : `${limit} invocations at once, of which ${limit - unreserved} are reserved`;
  return {
    finding: unreserved >= wantedConcurrency ? good("concurrency", words) : bad(
      "concurrency",
      words,
      "ask for more: Service Quotas, AWS Lambda, Concurrent executions",
    ),
  };
}

/**
 * Looks at a function.
 *
 * @param found The function as it is.
 * @param settings The settings in force.
 * @param layers The versions of llama's layers.
 * @returns What was seen; the first thing that is wrong counts.
 * @throws {LlamaError} As `callRest`.
 */
export async function examineFunction(
  found: DeployedFunction,
  settings: Settings,
  layers: RuntimeLayers,
): Promise<Finding> {
  const { name, kind, memory, timeout, architecture } = found;
  const subject = `function ${name}`;
  const source = kind === "zip" ? "-zip PATH" : "-build DIR";
  const update = `run \`llama update-function ${source} ${name}\``;
  if (found.state === "Failed") {
    return bad(subject, `it failed when it was made: ${found.stateReason}`, update);
  }
  if (found.update === "Failed") {
    return bad(subject, `its last update failed: ${found.updateReason}`, update);
  }
  if (kind === "zip") {
    if (found.runtime !== compatibleRuntime) {
      return bad(subject, `its runtime is ${found.runtime}, not ${compatibleRuntime}`, update);
    }
    const ours = architecture === "arm64" ? settings.layerArm64 : settings.layer;
    const isOf = (arn: string) => arn.replace(/\d+$/, "") === ours?.replace(/\d+$/, "");
    const old = found.layers?.find((arn) => isOf(arn) && arn !== ours);
    if (old !== undefined) {
      const runtime = await layers.versionOf(old);
      const isNewer = runtime !== undefined && isOlder(version, runtime);
      return bad(
        subject,
        `its runtime is of ${runtime ?? "an unknown version"} (${old}), and llama is ${version}` +
          (runtime === version ? `, in ${ours}` : ""),
        isNewer ? "update llama" : `run \`llama update-function ${name}\``,
      );
    }
  }
  const theirs = found.environment["LLAMA_OBJECT_STORE"];
  if (theirs !== settings.store) {
    const words = `its LLAMA_OBJECT_STORE is ${theirs ?? "not set"}, and ours ${
      settings.store ?? "not set"
    }`;
    return bad(subject, words, `big files do not get through: ${update}`);
  }
  const words = found.runtime === undefined ? kind : `${kind} on ${found.runtime}`;
  return good(subject, `${words}, ${memory} MB, ${timeout} s, ${architecture}, ${found.state}`);
}
