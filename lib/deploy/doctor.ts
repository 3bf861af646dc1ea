/**
 * The checks of `llama doctor`.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import { describeStack } from "../aws/api/cloudformation.ts";
import { hasRepository } from "../aws/api/ecr.ts";
import { trustPolicy } from "../aws/api/iam.ts";
import { accountConcurrency, getLayerVersion } from "../aws/api/lambda_layers.ts";
import type { DeployedFunction } from "../aws/api/lambda_types.ts";
import { bucketState } from "../aws/api/s3_bucket.ts";
import { callerIdentity, type Identity } from "../aws/api/sts.ts";
import { LlamaError } from "../errors.ts";
import type { ImageState } from "../image/contents.ts";
import type { ObjectStore } from "../store/store.ts";
import { isOlder, version } from "../version.ts";
import { compatibleRuntime } from "./layer.ts";
import { parseS3Url } from "../store/s3_url.ts";
import { belongsTo, listOurs } from "./owned_functions.ts";
import { mayForgeResults, missingGrants } from "./role_policy.ts";
import { versionOfLayer } from "./runtime_layer.ts";
import { RuntimeLayers } from "./runtime_update.ts";
import type { Settings } from "../settings.ts";
import { countText } from "../text/amounts.ts";
import { shellQuote } from "../text/shell_quote.ts";
import { isBusy, isHalfMade } from "./stack.ts";
import { llamaTag, outputsOf, type StackOutputs, storeUrl } from "./stack_template.ts";

/** The result of a check. */
export interface Finding {
  /** The subject of the check. */
  readonly subject: string;
  /** Whether the check passed. */
  readonly isGood: boolean;
  /** The observation. */
  readonly words: string;
  /** A suggested fix. */
  readonly hint?: string | undefined;
}

/** Subjects that could not be checked, by the missing prerequisite: a region, credentials or settings. */
export type Unseen = Map<string, string[]>;

/** The dependencies of {@linkcode examine}. */
export interface Patient {
  /** The AWS client. */
  readonly client: AwsClient;
  /** The settings in effect. */
  readonly settings: Settings;
  /** Whether the settings cannot be read, so that only the environment is known. @default {false} */
  readonly isFileBroken?: boolean;
  /** Opens the object store. */
  readonly openStore: (url: string) => ObjectStore;
  /** Asks the registry about a function's image. */
  readonly imageState?:
    | ((found: DeployedFunction) => Promise<ImageState | undefined>)
    | undefined;
  /** Returns the local time. */
  readonly now: () => Date;
  /** Aborts the work. */
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
/** CloudFormation neither notices nor recreates resources that were deleted outside of the stack. */
const teardownHint = "run `llama teardown` first, then `llama bootstrap`";
const debugHint = "`llama -debug-aws doctor` shows each call and its response";

/**
 * Runs all checks, even after a failure. Only those that need a missing region, missing credentials
 * or unreadable settings are skipped.
 *
 * @param patient The dependencies.
 * @returns The findings, in the order of their subjects; the generator's return value is the skipped
 * subjects.
 */
export async function* examine(patient: Patient): AsyncGenerator<Finding, Unseen, undefined> {
  const { client, settings, isFileBroken = false, signal } = patient;
  const unseen: Unseen = new Map();
  const skip = (subject: string, need: string) => {
    unseen.set(need, [...unseen.get(need) ?? [], subject]);
    return Promise.resolve(undefined);
  };
  yield good("llama", `version ${version}, Deno ${Deno.version.deno}`);

  const region = await attempt("region", async () => {
    const { region } = await client.location();
    return { finding: good("region", region), value: region };
  }, signal);
  yield region.finding;

  let lacking = region.value === undefined ? "a region" : undefined;
  let identity: Identity | undefined;
  if (lacking !== undefined) skip("credentials", lacking);
  else {
    const found = await attempt("credentials", async () => {
      const value = await callerIdentity(client, signal);
      return { finding: good("credentials", `account ${value.account}, ${value.arn}`), value };
    }, signal);
    yield found.finding;
    identity = found.value;
    // Other services may be reachable even if STS is not.
    if (found.error?.code === "credentials") lacking = "credentials";
  }
  if (identity) yield clock(identity, patient.now());

  let whole: StackOutputs | undefined;
  const { stack: name } = settings;
  if (name !== undefined && lacking !== undefined) skip("stack", lacking);
  else if (name !== undefined) {
    const found = await attempt("stack", () => stack(patient, name), signal);
    yield found.finding;
    whole = found.value;
  }

  const look = async (
    subject: string,
    see: () => Promise<Attempt<unknown>>,
    isSet = true,
    needsAws = true,
  ): Promise<Finding | undefined> => {
    if (!isSet && isFileBroken) return await skip(subject, "the settings");
    if (isSet && needsAws && lacking !== undefined) return await skip(subject, lacking);
    return (await attempt(subject, see, signal)).finding;
  };
  const { store: url, role: arn, repository: uri, layer: zipLayer, layerArm64 } = settings;
  // Concurrent because without a network, each of them takes half a minute.
  const findings = [
    look("store", () => store(patient, whole), url !== undefined, url?.startsWith("s3:")),
    look("role", () => role(patient, identity, whole), arn !== undefined),
    ...(hasGrants(whole) ? [look("grants", () => grants(patient, whole))] : []),
    // A manual setup may have none.
    ...(uri === undefined ? [] : [look("repository", () => repository(patient, whole))]),
    look("layer", () => layer(patient, "layer"), zipLayer !== undefined),
    // The arm64 layer is optional.
    ...(layerArm64 === undefined ? [] : [look("layerArm64", () => layer(patient, "layerArm64"))]),
    look("concurrency", () => concurrency(patient)),
  ];
  // The settings determine which functions belong to the stack, and their expected state.
  const need = lacking ?? (isFileBroken ? "the settings" : undefined);
  const functions = need === undefined ? lookAtFunctions(patient) : skip("functions", need);
  // A failure surfaces where the result is awaited; this only avoids an unhandled rejection.
  for (const each of [...findings, functions]) each.catch(() => {});
  for (const each of findings) {
    const finding = await each;
    if (finding) yield finding;
  }
  yield* await functions ?? [];
  return unseen;
}

async function lookAtFunctions(patient: Patient): Promise<Finding[]> {
  const { client, settings, signal } = patient;
  const { finding, value = [] } = await attempt("functions", async () => {
    const value = (await listOurs(client, signal)).filter((each) => belongsTo(each, settings));
    return { finding: good("functions", countText(value.length, "function")), value };
  }, signal);
  const layers = new RuntimeLayers(client, settings, signal);
  const findings = [finding];
  for (const each of value) findings.push(...await examineFunction(each, patient, layers));
  return findings;
}

interface Attempt<T> {
  readonly finding: Finding;
  readonly value?: T;
  /** Why the check could not be made. */
  readonly error?: LlamaError;
}

/** Runs a check; an error is reported as a finding. */
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
    return { finding: bad(subject, error.message, error.hint ?? debugHint), error };
  }
}

/** Checks the stack; the value is the outputs of a stack that is llama's and complete. */
async function stack(
  { client, signal }: Patient,
  name: string,
): Promise<Attempt<StackOutputs>> {
  const found = await describeStack(client, name, signal);
  if (!found) return { finding: bad("stack", `${name} does not exist`, bootstrapHint) };
  if (found.tags[llamaTag] !== name) {
    const words = `${name} is not llama's: it has no tag ${llamaTag}`;
    return {
      finding: bad("stack", words, "set the name of llama's stack: llama config stack NAME"),
    };
  }
  const words = `${name} is ${found.status}`;
  if (isBusy(found)) {
    return { finding: bad("stack", words, "wait until CloudFormation has finished") };
  }
  if (found.status === "UPDATE_ROLLBACK_FAILED") {
    const hint = `run \`aws cloudformation continue-update-rollback --stack-name ${name}\``;
    return { finding: bad("stack", words, hint) };
  }
  const value = outputsOf(found.outputs);
  if (isHalfMade(found) || !value) {
    const why = value ? words : `${words}, without its outputs`;
    return { finding: bad("stack", why, teardownHint) };
  }
  return { finding: good("stack", words), value };
}

/**
 * AWS rejects signatures that are off by more than 5 minutes, and S3 by more than 15:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
 */
const toleratedSeconds = 60;

function clock({ time }: Identity, now: Date): Finding {
  if (time === undefined) return good("clock", "AWS did not send its time");
  const seconds = Math.round((now.getTime() - time.getTime()) / 1000);
  if (Math.abs(seconds) <= toleratedSeconds) return good("clock", "correct");
  return bad(
    "clock",
    `${Math.abs(seconds)} seconds ${seconds > 0 ? "ahead of" : "behind"} AWS's`,
    "set the clock, preferably by NTP",
  );
}

async function store(
  { client, settings, openStore, signal }: Patient,
  stack: StackOutputs | undefined,
): Promise<Attempt<never>> {
  const { store: url } = settings;
  if (url === undefined) {
    return { finding: bad("store", "none is set: files over 6 MB cannot be sent", bootstrapHint) };
  }
  try {
    // Not disposed of: it shares the client's connections with other calls in flight.
    const opened = openStore(url);
    // Always the same small object, which expires like all others.
    const id = await opened.put(new TextEncoder().encode("llama doctor was here\n"), signal);
    await opened.get(id, signal);
  } catch (error) {
    const bucket = stack && storeUrl(stack.bucket) === url ? stack.bucket : undefined;
    if (!(error instanceof LlamaError) || bucket === undefined) throw error;
    if ((await bucketState(client, bucket, { signal })).kind !== "missing") throw error;
    return { finding: bad("store", `the stack's bucket ${bucket} does not exist`, teardownHint) };
  }
  return { finding: good("store", `${url} can be written and read`) };
}

async function role(
  { client, settings, signal }: Patient,
  identity: Identity | undefined,
  stack: StackOutputs | undefined,
): Promise<Attempt<never>> {
  const { role: arn } = settings;
  if (arn === undefined) return { finding: bad("role", "none is set", bootstrapHint) };
  const [, account] = /:iam::(\d+):/.exec(arn) ?? [];
  if (identity && account !== identity.account) {
    return {
      finding: bad(
        "role",
        `${arn} belongs to account ${account}, and the credentials to ${identity.account}`,
        "use that account's credentials, or run `llama bootstrap` in this one",
      ),
    };
  }
  const policy = await trustPolicy(client, arn, signal);
  if (policy === undefined) {
    const hint = stack?.role === arn ? teardownHint : bootstrapHint;
    return { finding: bad("role", `${arn} does not exist`, hint) };
  }
  if (!policy.includes("lambda.amazonaws.com")) {
    return {
      finding: bad(
        "role",
        `Lambda may not assume ${arn}`,
        "its trust policy must name lambda.amazonaws.com",
      ),
    };
  }
  if (stack?.role === arn && await mayForgeResults(arn, client, signal)) {
    const words = `functions with ${arn} may write kept results and code in the store`;
    return { finding: bad("role", words, "run `llama bootstrap`, which updates the stack") };
  }
  return { finding: good("role", arn) };
}

function hasGrants(stack: StackOutputs | undefined): stack is StackOutputs {
  return stack !== undefined && stack.grants.read.length + stack.grants.write.length > 0;
}

/** Checks the grants, and the buckets, of the user's data that functions may read and write. */
async function grants(
  { client, signal }: Patient,
  { role, grants: { read, write } }: StackOutputs,
): Promise<Attempt<never>> {
  const { region } = await client.location();
  const buckets = new Set([...read, ...write].map((url) => parseS3Url(url).bucket));
  const notes: string[] = [];
  for (const bucket of buckets) {
    const state = await bucketState(client, bucket, { signal });
    if (state.kind === "missing") {
      const revoke = [...new Set([...read, ...write])]
        .filter((url) => parseS3Url(url).bucket === bucket)
        .map((url) => ` -revoke ${url}`).join("");
      return {
        finding: bad("grants", `the bucket ${bucket} does not exist`, `llama bootstrap${revoke}`),
      };
    }
    const there = state.kind === "there" ? state.region : undefined;
    if (there !== undefined && there !== region) {
      notes.push(`${bucket} is in ${there}, and AWS bills data that leaves a region`);
    }
  }
  const missing = await missingGrants(role, { read, write }, client, signal);
  const flags = [
    ...missing.read.map((url) => ["-read", url]),
    ...missing.write.map((url) => ["-write", url]),
  ];
  if (flags.length > 0) {
    const lacking = flags.map(([flag, url]) => `${flag} ${url}`).join(", ");
    // CloudFormation does not notice a change by hand: only another template makes it write the policy.
    const revoke = [...new Set([...missing.read, ...missing.write])]
      .flatMap((url) => ["-revoke", url]);
    const [before, after] = [revoke, flags.flat()].map((words) =>
      shellQuote(["llama", "bootstrap", ...words])
    );
    return {
      finding: bad(
        "grants",
        `the policy of ${role} lacks what the stack has granted: ${lacking}`,
        `${before} && ${after}`,
      ),
    };
  }
  const words = [
    ...read.map((url) => `functions may read ${url}`),
    ...write.map((url) => `may write ${url}`),
    ...notes,
  ];
  return { finding: good("grants", words.join("; ")) };
}

async function repository(
  { client, settings: { repository: uri = "" }, signal }: Patient,
  stack: StackOutputs | undefined,
): Promise<Attempt<never>> {
  const exists = await hasRepository(client, uri, signal);
  if (exists === undefined) {
    const words = `${uri} is not in ECR, the only registry that Lambda supports`;
    return { finding: bad("repository", words, "set one: llama config repository URI") };
  }
  if (exists) return { finding: good("repository", uri) };
  const hint = stack?.repository === uri ? teardownHint : bootstrapHint;
  return { finding: bad("repository", `${uri} does not exist`, hint) };
}

async function layer(
  { client, settings, signal }: Patient,
  name: "layer" | "layerArm64",
): Promise<Attempt<never>> {
  const hint = name === "layer" ? bootstrapHint : "run `llama bootstrap -arch arm64`";
  const arn = settings[name];
  if (arn === undefined) {
    return { finding: bad(name, "none is set: zip functions have no runtime", hint) };
  }
  const found = await getLayerVersion(client, arn, signal);
  if (!found) return { finding: bad(name, `${arn} does not exist`, hint) };
  const runtime = versionOfLayer(found.description);
  if (runtime !== version) {
    const words = `${arn} has runtime ${runtime ?? "(unknown version)"}, and llama is ${version}`;
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

/** The default of `llama xargs -j`. */
const wantedConcurrency = 100;

async function concurrency({ client, signal }: Patient): Promise<Attempt<never>> {
  const { limit, unreserved } = await accountConcurrency(client, signal);
  const words = unreserved === limit
    ? `${limit} concurrent invocations`
    : `${limit} concurrent invocations, of which ${limit - unreserved} are reserved`;
  return {
    finding: unreserved >= wantedConcurrency ? good("concurrency", words) : bad(
      "concurrency",
      words,
      "request an increase: Service Quotas, AWS Lambda, Concurrent executions",
    ),
  };
}

/**
 * Checks a function.
 *
 * @param found The function.
 * @param patient The settings in effect, and a signal.
 * @param layers The versions of llama's layers.
 * @returns One finding per problem, or a single good one.
 */
export async function examineFunction(
  found: DeployedFunction,
  { settings, signal, imageState }: Pick<Patient, "settings" | "signal" | "imageState">,
  layers: RuntimeLayers,
): Promise<Finding[]> {
  const { name, kind, memory, timeout, architecture } = found;
  const subject = `function ${name}`;
  const source = kind === "zip" ? "-zip PATH" : "-build DIR";
  const update = `run \`llama update-function ${source} ${name}\``;
  const findings: Finding[] = [];
  if (found.state === "Failed") {
    findings.push(bad(subject, `its creation failed: ${found.stateReason}`, update));
  }
  if (found.update === "Failed") {
    findings.push(bad(subject, `its last update failed: ${found.updateReason}`, update));
  }
  if (kind === "zip") {
    if (found.runtime !== compatibleRuntime) {
      const words = `its runtime is ${found.runtime}, not ${compatibleRuntime}`;
      findings.push(bad(subject, words, update));
    }
    const ours = architecture === "arm64" ? settings.layerArm64 : settings.layer;
    const isOf = (arn: string) => arn.replace(/\d+$/, "") === ours?.replace(/\d+$/, "");
    const old = found.layers?.find((arn) => isOf(arn) && arn !== ours);
    if (old !== undefined) {
      findings.push(
        (await attempt(subject, async () => {
          const runtime = await layers.versionOf(old);
          const isNewer = runtime !== undefined && isOlder(version, runtime);
          const words = `its runtime is ${runtime ?? "of unknown version"}, from ${old}, ` +
            `and llama is ${version}${runtime === version ? `, in ${ours}` : ""}`;
          const hint = isNewer ? "update llama" : `run \`llama update-function ${name}\``;
          return { finding: bad(subject, words, hint) };
        }, signal)).finding,
      );
    }
  }
  if (kind === "image" && imageState) {
    const look = async () => await imageState(found);
    findings.push(...await imageFindings(found, look, signal));
  }
  const theirs = found.environment["LLAMA_OBJECT_STORE"];
  if (theirs !== settings.store) {
    const words = `its LLAMA_OBJECT_STORE is ${theirs ?? "not set"}, and the store setting is ${
      settings.store ?? "not set"
    }`;
    findings.push(bad(subject, words, `large files cannot be sent: ${update}`));
  }
  if (findings.length > 0) return findings;
  const words = found.runtime === undefined ? kind : `${kind} on ${found.runtime}`;
  return [good(subject, `${words}, ${memory} MB, ${timeout} s, ${architecture}, ${found.state}`)];
}

/** What is wrong with a function's image, as its registry has it. */
async function imageFindings(
  { name, architecture }: DeployedFunction,
  look: () => Promise<ImageState | undefined>,
  signal: AbortSignal | undefined,
): Promise<Finding[]> {
  const subject = `function ${name}`;
  let state: ImageState | undefined;
  try {
    state = await look();
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof LlamaError)) throw error;
    return [bad(subject, `its image: ${error.message}`, error.hint ?? debugHint)];
  }
  if (state === undefined) return [];
  const { repository, digest, tagged, isThere, contents } = state;
  const again = contents === undefined
    ? `run \`llama update-function -build DIR ${name}\` again`
    : `run \`llama update-function ${
      contents.programs.map(({ path }) => `-program ${path} `).join("")
    }${name}\` again`;
  const findings: Finding[] = [];
  if (!isThere) {
    const words = `its image ${digest ?? ""} is no longer in ${repository}`;
    findings.push(bad(subject, words.replace("  ", " "), again));
  } else if (digest !== undefined && tagged !== undefined && tagged !== digest) {
    findings.push(
      bad(subject, `its image is ${digest}, and ${repository}:${name} ${tagged}`, again),
    );
  }
  if (state.architecture !== undefined && state.architecture !== architecture) {
    const words = `its image is for ${state.architecture}, and the function for ${architecture}`;
    findings.push(bad(subject, words, again));
  }
  if (contents !== undefined && contents.runtime !== version) {
    const words = `the runtime in its image is of ${contents.runtime}, and llama is ${version}`;
    findings.push(bad(subject, words, isOlder(version, contents.runtime) ? "update llama" : again));
  }
  return findings;
}
