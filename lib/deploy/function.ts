/**
 * Creates or updates a function, and waits until it can be invoked.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import { AwsError } from "../aws/api/call.ts";
import {
  createFunction,
  deleteFunction,
  type FunctionCode,
  getFunction,
  reserveConcurrency,
  tagFunction,
  updateFunctionCode,
  updateFunctionConfiguration,
} from "../aws/api/lambda_functions.ts";
import type { DeployedFunction } from "../aws/api/lambda_types.ts";
import { pureTag } from "../aws/api/lambda_identity.ts";
import { LlamaError } from "../errors.ts";
import { type FunctionPlan, settingChanges } from "./function_plan.ts";
import { otherCode } from "./layer.ts";
import type { Pause } from "./pause.ts";
import { llamaTag } from "./stack_template.ts";

/** The dependencies of {@linkcode deployFunction}. */
export interface FunctionWork {
  /** The AWS client. */
  readonly client: AwsClient;
  /** Waits between retries and polls. */
  readonly pause: Pause;
  /** Called with a short description when a wait begins. */
  readonly onWait: (what: string) => void;
  /** Aborts the work; AWS completes the steps that have begun. */
  readonly signal?: AbortSignal | undefined;
}

/** A function to deploy. */
export interface Deployment {
  /** Its name. */
  readonly name: string;
  /** Its configuration. */
  readonly plan: FunctionPlan;
  /** Its code; undefined leaves it as it is. */
  readonly code: FunctionCode | undefined;
  /** The SHA-256 of its zip in base64, if known: unchanged code is not sent again. */
  readonly codeSha256?: string | undefined;
  /** The name of llama's stack, for the function's tag. */
  readonly stack: string;
}

/** The result of {@linkcode deployFunction}. */
export interface Deployed {
  /** Whether it is new. */
  readonly isNew: boolean;
  /** A short description of each change. */
  readonly changes: readonly string[];
  /** The deployed function. */
  readonly function: DeployedFunction;
}

/**
 * Lambda rejects calls that depend on a new role or policy until the change has propagated through
 * IAM:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html#troubleshoot_general_eventual-consistency
 */
const notYet =
  /role defined for the function cannot be assumed|execution role does not have permissions|does not have permission to access the ECR image/;
const propagationMilliseconds = 5000;
const maxPropagationTries = 24;

/** Functions from container images take up to a few minutes. */
const readyMilliseconds = 1000;
const maxReadyLooks = 600;

/**
 * Creates a function, or applies the differences to an existing one.
 *
 * @param work The dependencies.
 * @param deployment The wanted function.
 * @param current The existing function; undefined for a new one.
 * @returns The result, once the function can be invoked.
 * @throws {LlamaError} `service` and others. A new function that does not become ready is removed
 * again; for an existing one, the hint lists the changes already made.
 */
export async function deployFunction(
  work: FunctionWork,
  deployment: Deployment,
  current: DeployedFunction | undefined,
): Promise<Deployed> {
  const settled = current && await untilReady(work, current);
  if (!settled) return await create(work, deployment);
  if (settled.state !== "Failed") return await change(work, deployment, settled);
  // A function whose creation failed can only be deleted.
  work.onWait(`creating ${settled.name} again, since it failed: ${settled.stateReason}`);
  if (deployment.code) await deleteFunction(work.client, settled.name, work.signal);
  return await create(work, deployment);
}

async function create(work: FunctionWork, deployment: Deployment): Promise<Deployed> {
  const { client, signal } = work;
  const { name, plan, code, codeSha256, stack } = deployment;
  if (!code) {
    throw new LlamaError(
      "usage",
      `the function ${name} does not exist, and there is no code to create it from`,
      {
        hint: "add -program NAME, -zip PATH, -build DIR or -image URI",
      },
    );
  }
  const { architecture, settings, concurrency, isPure } = plan;
  const made = await oncePropagated(work, () =>
    createFunction(client, {
      ...settings,
      name,
      architecture,
      code,
      tags: { [llamaTag]: stack, ...isPure ? { [pureTag]: "true" } : {} },
    }, signal));
  const ready = await untilReady(work, { ...made, tags: {}, image: undefined, concurrency });
  if (ready.state === "Failed") {
    await deleteFunction(client, name, signal);
    throw new LlamaError("service", `the function ${name} failed: ${ready.stateReason}`, {
      hint: "it has been removed",
    });
  }
  if (codeSha256 !== undefined && ready.codeSha256 !== codeSha256) {
    await deleteFunction(client, name, signal);
    throw otherCode(`the code of ${name}`, "the function has been removed");
  }
  if (concurrency !== undefined) {
    await after(
      "the function is ready, except for its reserved concurrency",
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
  const { architecture, settings, concurrency, isPure } = plan;
  const changes = settingChanges(current, plan);
  let latest = current;
  if (current.tags[llamaTag] !== stack) {
    await tagFunction(client, current.arn, { [llamaTag]: stack }, signal);
    changes.push("tag");
  }
  if (isPure !== undefined && isPure !== (current.tags[pureTag] === "true")) {
    await tagFunction(client, current.arn, { [pureTag]: String(isPure) }, signal);
    changes.push(isPure ? "now pure" : "no longer pure");
  }
  // The configuration first: it is rejected more often, and then nothing has changed yet.
  if (settingChanges(current, plan).length > 0) {
    const begun = await oncePropagated(
      work,
      () => updateFunctionConfiguration(client, name, settings, signal),
    );
    latest = await untilUpdated(work, { ...current, ...begun });
  }
  const isDone = changes.length > 0 ? `already changed: ${changes.join(", ")}` : undefined;
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
      throw otherCode(`the code of ${name}`, "the function now runs that code");
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

/** Runs a further step; if it fails, the hint also says what was done before. */
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
            'store\'s permissions: set "role" in function.json; a new role takes a minute to work',
        });
      }
      const isEarly = error instanceof AwsError && notYet.test(error.refusal.words);
      if (isEarly && tries === maxPropagationTries) {
        throw new LlamaError("config", error.message, {
          cause: error,
          hint:
            "the role must exist and trust lambda.amazonaws.com, and Lambda must be allowed to " +
            "read the repository: `llama doctor` examines llama's own",
        });
      }
      if (!isEarly) throw error;
      if (tries === 1) onWait("waiting until Lambda can use the role");
      await pause(propagationMilliseconds, signal);
    }
  }
}

/** Waits until a function is neither being created nor being updated. */
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
        hint: "Lambda continues with it; `llama functions` shows its state",
      });
    }
    if (looks === 0) onWait(`waiting until ${name} is ready`);
    else await pause(readyMilliseconds, signal);
    const found = await getFunction(client, name, signal);
    if (!found) {
      throw new LlamaError("service", `the function ${name} was deleted in the meantime`);
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
    { hint: "it still runs as before" },
  );
}
