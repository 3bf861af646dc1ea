/**
 * The stack: made, changed or removed, and watched while that goes on.
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
} from "../aws/cloudformation.ts";
import { LlamaError } from "../errors.ts";
import {
  type BucketChoice,
  bucketResourceName,
  llamaTag,
  outputsOf,
  type StackOutputs,
  stackTemplate,
} from "./template.ts";
import type { Pause } from "./pause.ts";

/** What work on a stack needs of the outside. */
export interface StackWork {
  /** Signs and sends. */
  readonly client: AwsClient;
  /** Waits between two looks. */
  readonly pause: Pause;
  /** Gets each event as soon as it is known. */
  readonly onEvent: (event: StackEvent) => void;
  /** Ends the watching; CloudFormation goes on. */
  readonly signal?: AbortSignal | undefined;
}

/** What came of a stack. */
export interface DeployedStack {
  /** What it gives. */
  readonly outputs: StackOutputs;
  /** What was done. */
  readonly change: "created" | "updated" | "unchanged";
}

/** How long to wait between two looks at a stack. */
const pollMilliseconds = 2000;

/**
 * Finds llama's stack, and waits until nothing is going on with it.
 *
 * @param work What is needed of the outside.
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
      hint: "name another stack with -stack NAME",
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
 * Makes the stack what it shall be. One that was left behind half-made is removed first.
 *
 * @param work What is needed of the outside.
 * @param name The stack's name.
 * @param bucket Which bucket the store is in.
 * @param existing The stack as {@linkcode findStack} found it.
 * @returns What the stack gives, and what was done.
 * @throws {LlamaError} `service`, with the reason of the first resource that failed, and with what
 * is left; or as `callAws`.
 */
export async function deployStack(
  work: StackWork,
  name: string,
  bucket: BucketChoice,
  existing: Stack | undefined,
): Promise<DeployedStack> {
  const { client, signal } = work;
  const input = { name, template: stackTemplate(name, bucket), tags: { [llamaTag]: name } };
  let before = existing;
  if (before && isHalfMade(before)) {
    await removeStack(work, before);
    before = undefined;
  }
  if (!before) {
    const id = await createStack(client, input, signal);
    const watched = await watch(work, { id, name }, undefined);
    return { outputs: outputsOrThrow(watched, "CREATE_COMPLETE", "made"), change: "created" };
  }
  const last = await lastStackEvent(client, before.id, signal);
  if (!await updateStack(client, input, signal)) {
    return { outputs: checkedOutputs(before), change: "unchanged" };
  }
  const watched = await watch(work, before, last);
  return { outputs: outputsOrThrow(watched, "UPDATE_COMPLETE", "updated"), change: "updated" };
}

/**
 * Removes a stack with all that it made. A bucket with something in it is left as it is.
 *
 * @param work What is needed of the outside.
 * @param stack The stack.
 * @returns Whether the bucket was left.
 * @throws {LlamaError} `service`, with the reason of the first resource that could not be removed;
 * or as `callAws`.
 */
export async function removeStack(work: StackWork, stack: Stack): Promise<boolean> {
  const first = await removeOnce(work, stack, undefined);
  if (first.stack.status === "DELETE_COMPLETE") return false;
  const kept = first.events.filter(({ status }) => status === "DELETE_FAILED");
  // The stack itself fails too, in the last event.
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
 * Whether CloudFormation is at work on a stack.
 *
 * @param stack The stack.
 * @returns True if it is.
 */
export function isBusy({ status }: Stack): boolean {
  return status.endsWith("_IN_PROGRESS") && status !== "REVIEW_IN_PROGRESS";
}

/**
 * Whether a stack can only be deleted: one whose creation failed, or was prepared and not begun.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html#cfn-console-view-stack-status-codes
 *
 * @param stack The stack.
 * @returns True if it can.
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

/** A stack with which nothing goes on any more, and what happened to it. */
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
    // The stack first: whatever led to its status is among the events by then.
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

/** A deleted stack, which CloudFormation tells of for 90 days only, and stand-ins for it less. */
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
    `the stack ${stack.name} is ${stack.status} without its outputs`,
    {
      hint: "`llama teardown` removes it; then run `llama bootstrap` again",
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
      return "all that was made has been removed again";
    case "UPDATE_ROLLBACK_COMPLETE":
      return "all is as it was before";
    case "UPDATE_ROLLBACK_FAILED":
      return `put it right, then run \`aws cloudformation continue-update-rollback --stack-name ${name}\``;
  }
  const last = new Map(events.map((event) => [event.resource, event]));
  // What could not be created may be there all the same, as somebody else's.
  const left = [...last.values()].filter((event) =>
    event.resource !== name && !["CREATE_FAILED", "DELETE_COMPLETE"].includes(event.status)
  );
  return left.length === 0
    ? "`llama teardown` removes what is left"
    : `left: ${left.map((event) => `${event.type} ${event.physicalId}`).join(", ")}; ` +
      "`llama teardown` removes it";
}
