/**
 * Creates, updates and removes the stack, and reports its events.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import {
  createStack,
  deleteStack,
  describeStack,
  lastStackEvent,
  type Stack,
  type StackEvent,
  stackEvents,
  updateStack,
} from "../aws/api/cloudformation.ts";
import { LlamaError } from "../errors.ts";
import {
  type BucketChoice,
  bucketResourceName,
  llamaTag,
  outputsOf,
  type StackOutputs,
  stackTemplate,
} from "./stack_template.ts";
import type { Grants } from "./grants.ts";
import type { Pause } from "./pause.ts";

/** The dependencies of work on a stack. */
export interface StackWork {
  /** The AWS client. */
  readonly client: AwsClient;
  /** Waits between polls. */
  readonly pause: Pause;
  /** Called with each new event. */
  readonly onEvent: (event: StackEvent) => void;
  /** Stops waiting; CloudFormation continues. */
  readonly signal?: AbortSignal | undefined;
}

/** The result of {@linkcode deployStack}. */
export interface DeployedStack {
  /** The stack's outputs. */
  readonly outputs: StackOutputs;
  /** The kind of change. */
  readonly change: "created" | "updated" | "unchanged";
}

/** The polling interval. */
const pollMilliseconds = 2000;

/**
 * Finds llama's stack, and waits until CloudFormation is not working on it.
 *
 * @param work The dependencies.
 * @param name The stack's name.
 * @returns The stack, or undefined if there is none.
 * @throws {LlamaError} `config` if a stack of that name is not llama's; or as `callAws`.
 */
export async function findStack(work: StackWork, name: string): Promise<Stack | undefined> {
  const { client, signal } = work;
  const stack = await describeStack(client, name, signal);
  if (!stack) return undefined;
  if (stack.tags[llamaTag] !== name) {
    throw new LlamaError("config", `the stack ${name} is not llama's: it has no tag ${llamaTag}`, {
      hint: "choose another stack name: -stack NAME",
    });
  }
  if (!isBusy(stack)) return stack;
  const { stack: settled } = await watch(
    work,
    stack,
    await lastStackEvent(client, stack.id, signal),
  );
  return settled.status === "DELETE_COMPLETE" ? undefined : settled;
}

/**
 * Creates or updates the stack. An incomplete stack is removed first.
 *
 * @param work The dependencies.
 * @param name The stack's name.
 * @param bucket The store's bucket.
 * @param existing The stack as returned by {@linkcode findStack}.
 * @param grants The user's objects that functions may read and write.
 * @returns The stack's outputs, and the kind of change.
 * @throws {LlamaError} `service`, with the reason of the first resource that failed, and the
 * remaining resources as the hint; or as `callAws`.
 */
export async function deployStack(
  work: StackWork,
  name: string,
  bucket: BucketChoice,
  existing: Stack | undefined,
  grants?: Grants,
): Promise<DeployedStack> {
  const { client, signal } = work;
  const input = { name, template: stackTemplate(name, bucket, grants), tags: { [llamaTag]: name } };
  let before = existing;
  if (before && isHalfMade(before)) {
    await removeStack(work, before);
    before = undefined;
  }
  if (!before) {
    const id = await createStack(client, input, signal);
    const watched = await watch(work, { id, name }, undefined);
    return { outputs: outputsOrThrow(watched, "CREATE_COMPLETE", "created"), change: "created" };
  }
  const last = await lastStackEvent(client, before.id, signal);
  if (!await updateStack(client, input, signal)) {
    return { outputs: checkedOutputs(before), change: "unchanged" };
  }
  const watched = await watch(work, before, last);
  return { outputs: outputsOrThrow(watched, "UPDATE_COMPLETE", "updated"), change: "updated" };
}

/**
 * Removes a stack with its resources. A bucket that is not empty is kept.
 *
 * @param work The dependencies.
 * @param stack The stack.
 * @returns Whether the bucket was kept.
 * @throws {LlamaError} `service`, with the reason of the first resource that could not be removed;
 * or as `callAws`.
 */
export async function removeStack(work: StackWork, stack: Stack): Promise<boolean> {
  const first = await removeOnce(work, stack, undefined);
  if (first.stack.status === "DELETE_COMPLETE") return false;
  const kept = first.events.filter(({ status }) => status === "DELETE_FAILED");
  // The last event reports that the stack itself failed, too.
  const isBucketAlone = kept.some(({ resource }) => resource === bucketResourceName) &&
    kept.every(({ resource }) => resource === bucketResourceName || resource === stack.name);
  if (!isBucketAlone) throw failure(first, "removed");
  const second = await removeOnce(work, stack, bucketResourceName);
  if (second.stack.status === "DELETE_COMPLETE") return true;
  throw failure(second, "removed");
}

async function removeOnce(
  work: StackWork,
  stack: Stack,
  keep: string | undefined,
): Promise<Watched> {
  const { client, signal } = work;
  const last = await lastStackEvent(client, stack.id, signal);
  await deleteStack(client, stack.id, keep, signal);
  return await watch(work, stack, last);
}

/**
 * Reports whether CloudFormation is working on a stack.
 *
 * @param stack The stack.
 * @returns True if it is.
 */
export function isBusy({ status }: Stack): boolean {
  return status.endsWith("_IN_PROGRESS") && status !== "REVIEW_IN_PROGRESS";
}

/**
 * Reports whether a stack can only be deleted: its creation or deletion failed, or was never begun.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html#cfn-console-view-stack-status-codes
 *
 * @param stack The stack.
 * @returns True if it can only be deleted.
 */
export function isHalfMade({ status }: Stack): boolean {
  return [
    "CREATE_FAILED",
    "DELETE_FAILED",
    "REVIEW_IN_PROGRESS",
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
  ].includes(status);
}

/** A stack that CloudFormation has finished working on, and its events. */
interface Watched {
  readonly stack: Stack;
  readonly events: readonly StackEvent[];
}

async function watch(
  { client, pause, onEvent, signal }: StackWork,
  { id, name }: { readonly id: string; readonly name: string },
  lastEvent: string | undefined,
): Promise<Watched> {
  const events: StackEvent[] = [];
  const known = new Set([lastEvent]);
  for (;;) {
    // The stack first, so that the events include those that led to its status.
    const stack = await describeStack(client, id, signal) ?? deleted(id, name);
    for (const event of await stackEvents(client, id, ({ id }) => known.has(id), signal)) {
      known.add(event.id);
      events.push(event);
      onEvent(event);
    }
    if (!isBusy(stack)) return { stack, events };
    await pause(pollMilliseconds, signal);
  }
}

/** Returns a deleted stack. CloudFormation describes deleted stacks for 90 days, and emulators may not at all. */
function deleted(id: string, name: string): Stack {
  return { id, name, status: "DELETE_COMPLETE", reason: undefined, outputs: {}, tags: {} };
}

function outputsOrThrow(watched: Watched, wanted: string, done: string): StackOutputs {
  if (watched.stack.status !== wanted) throw failure(watched, done);
  return checkedOutputs(watched.stack);
}

function checkedOutputs(stack: Stack): StackOutputs {
  const outputs = outputsOf(stack.outputs);
  if (outputs) return outputs;
  throw new LlamaError(
    "service",
    `the stack ${stack.name} is ${stack.status}, but lacks its outputs`,
    {
      hint: "run `llama teardown`, then `llama bootstrap` again",
    },
  );
}

function failure({ stack, events }: Watched, done: string): LlamaError {
  const first = events.find(({ status, reason }) =>
    status.endsWith("_FAILED") && reason !== undefined && !/\bcancelled\b/.test(reason)
  );
  const reason = first
    ? `${first.resource} (${first.type}): ${first.reason}`
    : stack.reason ?? `it is ${stack.status}, and CloudFormation gives no reason`;
  return new LlamaError("service", `the stack ${stack.name} could not be ${done}: ${reason}`, {
    hint: whatIsLeft(stack, events),
  });
}

function whatIsLeft({ name, status }: Stack, events: readonly StackEvent[]): string {
  switch (status) {
    case "DELETE_COMPLETE":
    case "ROLLBACK_COMPLETE":
      return "everything that was created has been removed";
    case "UPDATE_ROLLBACK_COMPLETE":
      return "everything is as it was before";
    case "UPDATE_ROLLBACK_FAILED":
      return `fix the cause, then run \`aws cloudformation continue-update-rollback --stack-name ${name}\``;
  }
  const last = new Map(events.map((event) => [event.resource, event]));
  // A resource that could not be created may already exist, but is not the stack's.
  const left = [...last.values()].filter((event) =>
    event.resource !== name && !["CREATE_FAILED", "DELETE_COMPLETE"].includes(event.status)
  );
  return left.length === 0
    ? "`llama teardown` removes what is left"
    : `left: ${left.map((event) => `${event.type} ${event.physicalId}`).join(", ")}; ` +
      "`llama teardown` removes it";
}
