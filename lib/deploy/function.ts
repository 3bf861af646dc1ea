/**
 * Makes a function, or changes it, and waits until it can be invoked.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import { AwsError } from "../aws/control.ts";
import {
  createFunction,
  deleteFunction,
  type FunctionCode,
  getFunction,
  reserveConcurrency,
  tagFunction,
  updateFunctionCode,
  updateFunctionConfiguration,
} from "../aws/lambda_control.ts";
import type { DeployedFunction } from "../aws/lambda_function.ts";
import { LlamaError } from "../errors.ts";
import { type FunctionPlan, settingChanges } from "./function_plan.ts";
import { otherCode } from "./layer.ts";
import type { Pause } from "./pause.ts";
import { llamaTag } from "./template.ts";

/** What work on a function needs of the outside. */
export interface FunctionWork {
  /** Signs and sends. */
  readonly client: AwsClient;
  /** Waits between two tries or looks. */
  readonly pause: Pause;
  /** Gets a few words when there is something to wait for. */
  readonly onWait: (what: string) => void;
  /** Ends the work; what was begun goes on in AWS. */
  readonly signal?: AbortSignal | undefined;
}

/** A function to deploy. */
export interface Deployment {
  /** Its name. */
  readonly name: string;
  /** What it shall be. */
  readonly plan: FunctionPlan;
  /** Its code; undefined leaves it as it is. */
  readonly code: FunctionCode | undefined;
  /** The SHA-256 of its zip in base64, where that is known: the same code is not sent again. */
  readonly codeSha256?: string | undefined;
  /** The name of llama's stack, for the function's tag. */
  readonly stack: string;
}

/** What came of it. */
export interface Deployed {
  /** Whether it is new. */
  readonly isNew: boolean;
  /** A few words for each thing that changed. */
  readonly changes: readonly string[];
  /** The function as it is now. */
  readonly function: DeployedFunction;
}

/**
 * Lambda refuses what depends on a role or a policy that was made a moment ago, until the change
 * has reached all of IAM:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html#troubleshoot_general_eventual-consistency
 */
const notYet =
  /role defined for the function cannot be assumed|execution role does not have permissions|does not have permission to access the ECR image/;
const propagationMilliseconds = 5000;
const maxPropagationTries = 24;

/** Functions of container images take up to a few minutes. */
const readyMilliseconds = 1000;
const maxReadyLooks = 600;

/**
 * Makes a function, or changes what is different of it.
 *
 * @param work What is needed of the outside.
 * @param deployment What the function shall be.
 * @param current The function as it is; undefined for a new one.
 * @returns What came of it, once the function can be invoked.
 * @throws {LlamaError} `service` and others. A new function that does not become ready is removed
 * again; of one that was there, the hint says what has been changed already.
 */
export async function deployFunction(
  work: FunctionWork,
  deployment: Deployment,
  current: DeployedFunction | undefined,
): Promise<Deployed> {
  const settled = current && await untilReady(work, current);
  if (!settled) return await create(work, deployment);
  if (settled.state !== "Failed") return await change(work, deployment, settled);
  // One whose creation failed can only be deleted.
  work.onWait(`${settled.name} failed when it was made, and is made again: ${settled.stateReason}`);
  if (deployment.code) await deleteFunction(work.client, settled.name, work.signal);
  return await create(work, deployment);
}

async function create(work: FunctionWork, deployment: Deployment): Promise<Deployed> {
  const { client, signal } = work;
  const { name, plan, code, codeSha256, stack } = deployment;
  if (!code) {
    throw new LlamaError("usage", `there is no function ${name}, and no code to make it from`, {
      hint: "add -program NAME, -zip PATH, -build DIR or -image URI",
    });
  }
  const { architecture, settings, concurrency } = plan;
  const made = await oncePropagated(work, () =>
    createFunction(client, {
      ...settings,
      name,
      architecture,
      code,
      tags: { [llamaTag]: stack },
    }, signal));
  const ready = await untilReady(work, { ...made, tags: {}, image: undefined, concurrency });
  if (ready.state === "Failed") {
    await deleteFunction(client, name, signal);
    throw new LlamaError("service", `the function ${name} failed: ${ready.stateReason}`, {
      hint: "it has been removed again",
    });
  }
  if (codeSha256 !== undefined && ready.codeSha256 !== codeSha256) {
    await deleteFunction(client, name, signal);
    throw otherCode(`the code of ${name}`, "the function has been removed again");
  }
  if (concurrency !== undefined) {
    await after(
      "the function is there and ready, but for its reserved concurrency",
      () => reserveConcurrency(client, name, concurrency, signal),
    );
  }
  return { isNew: true, changes: [], function: ready };
}

async function change(
  work: FunctionWork,
  deployment: Deployment,
  current: DeployedFunction,
): Promise<Deployed> {
  const { client, signal } = work;
  const { name, plan, code, codeSha256, stack } = deployment;
  const { architecture, settings, concurrency } = plan;
  const changes = settingChanges(current, plan);
  let latest = current;
  if (current.tags[llamaTag] !== stack) {
    await tagFunction(client, current.arn, { [llamaTag]: stack }, signal);
    changes.push("tag");
  }
  // First what is refused more often, so that less is half done.
  if (settingChanges(current, plan).length > 0) {
    const begun = await oncePropagated(
      work,
      () => updateFunctionConfiguration(client, name, settings, signal),
    );
    latest = await untilUpdated(work, { ...current, ...begun });
  }
  const isDone = changes.length > 0 ? `done already: ${changes.join(", ")}` : undefined;
  const isSame = codeSha256 === current.codeSha256 && architecture === current.architecture;
  if (code && !isSame) {
    latest = await after(isDone, async () => {
      const begun = await oncePropagated(
        work,
        () => updateFunctionCode(client, name, code, architecture, signal),
      );
      return await untilUpdated(work, { ...latest, ...begun });
    });
    if (codeSha256 !== undefined && latest.codeSha256 !== codeSha256) {
      throw otherCode(`the code of ${name}`, "the function runs that code now");
    }
    if (latest.codeSha256 !== current.codeSha256) changes.push("code");
    if (architecture !== current.architecture) {
      changes.push(`architecture ${current.architecture} -> ${architecture}`);
    }
  }
  if (concurrency !== undefined && concurrency !== current.concurrency) {
    await after(isDone, () => reserveConcurrency(client, name, concurrency, signal));
    changes.push(`concurrency ${current.concurrency ?? "none"} -> ${concurrency}`);
  }
  return { isNew: false, changes, function: latest };
}

/** Does one more step; if it fails, the error also says what was done before. */
async function after<T>(done: string | undefined, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    if (!(cause instanceof LlamaError) || done === undefined) throw cause;
    const hint = cause.hint === undefined ? done : `${cause.hint}; ${done}`;
    throw new LlamaError(cause.code, cause.message, { cause, hint });
  }
}

async function oncePropagated<T>(
  { pause, onWait, signal }: FunctionWork,
  call: () => Promise<T>,
): Promise<T> {
  for (let tries = 1;; tries++) {
    try {
      return await call();
    } catch (error) {
      if (error instanceof AwsError && /CreateNetworkInterface/.test(error.refusal.words)) {
        throw new LlamaError("config", error.message, {
          cause: error,
          hint: "a function in a VPC needs a role with AWSLambdaVPCAccessExecutionRole and the " +
            'store\'s permissions: name it as "role" in function.json; a new one takes a minute',
        });
      }
      const isEarly = error instanceof AwsError && notYet.test(error.refusal.words);
      if (!isEarly || tries === maxPropagationTries) throw error;
      if (tries === 1) onWait("waiting until Lambda may use the role");
      await pause(propagationMilliseconds, signal);
    }
  }
}

/** Waits until a function is neither being made nor being changed. */
async function untilReady(
  { client, pause, onWait, signal }: FunctionWork,
  begun: DeployedFunction,
): Promise<DeployedFunction> {
  const { name } = begun;
  let latest = begun;
  for (let looks = 0; latest.state === "Pending" || latest.update === "InProgress"; looks++) {
    if (looks === maxReadyLooks) {
      const reason = latest.stateReason ?? latest.updateReason ?? "Lambda gives no reason";
      throw new LlamaError("service", `the function ${name} is still not ready: ${reason}`, {
        hint: "Lambda goes on with it; `llama functions` shows its state",
      });
    }
    if (looks === 0) onWait(`waiting until ${name} is ready`);
    else await pause(readyMilliseconds, signal);
    const found = await getFunction(client, name, signal);
    if (!found) {
      throw new LlamaError("service", `the function ${name} has been deleted meanwhile`);
    }
    latest = found;
  }
  return latest;
}

async function untilUpdated(
  work: FunctionWork,
  begun: DeployedFunction,
): Promise<DeployedFunction> {
  const ready = await untilReady(work, begun);
  if (ready.update !== "Failed") return ready;
  throw new LlamaError(
    "service",
    `the function ${begun.name} could not be updated: ${ready.updateReason}`,
    { hint: "it goes on as it was before" },
  );
}
