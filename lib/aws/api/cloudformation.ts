/**
 * CloudFormation's API for stacks and their events.
 *
 * @module
 */

import { LlamaError } from "../../errors.ts";
import type { AwsClient } from "../client.ts";
import { AwsError, callQuery, isRefusal } from "./call.ts";
import type { Xml } from "./xml.ts";

/** A stack. */
export interface Stack {
  /** Its ARN, which differs from that of a later stack of the same name. */
  readonly id: string;
  /** Its name. */
  readonly name: string;
  /** Its status, such as `CREATE_COMPLETE`. */
  readonly status: string;
  /** The reason for the status, if given. */
  readonly reason: string | undefined;
  /** Its outputs, by name. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Its tags. */
  readonly tags: Readonly<Record<string, string>>;
}

/** An event of a stack or of one of its resources. */
export interface StackEvent {
  /** Its id. */
  readonly id: string;
  /** The resource's name in the template, or the stack's name for the stack itself. */
  readonly resource: string;
  /** The resource's type, such as `AWS::S3::Bucket`. */
  readonly type: string;
  /** The resource's physical id, such as a bucket's name; empty while it has none. */
  readonly physicalId: string;
  /** The resource's status, such as `CREATE_FAILED`. */
  readonly status: string;
  /** The reason for the status, if given. */
  readonly reason: string | undefined;
}

const api = { service: "cloudformation", version: "2010-05-15" } as const;

/**
 * Finds a stack.
 *
 * @param client The AWS client.
 * @param name Its name, or its id, which also finds a deleted stack.
 * @param signal Aborts the call.
 * @returns The stack, or undefined if there is none.
 * @throws {LlamaError} As `callAws`.
 */
export async function describeStack(
  client: AwsClient,
  name: string,
  signal?: AbortSignal,
): Promise<Stack | undefined> {
  let result;
  try {
    ({ result } = await callQuery(client, {
      ...api,
      action: "DescribeStacks",
      parameters: { StackName: name },
      signal,
    }));
  } catch (error) {
    // "A ValidationError is returned if the stack does not exist":
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
    if (isRefusal(error, "ValidationError")) return undefined;
    throw error;
  }
  const [stack] = result.at("Stacks").all("member");
  return stack && stackOf(stack);
}

/**
 * Lists the account's stacks in the region, except for deleted ones.
 *
 * @param client The AWS client.
 * @param signal Aborts the call.
 * @returns The stacks.
 * @throws {LlamaError} As `callAws`.
 */
export async function listStacks(client: AwsClient, signal?: AbortSignal): Promise<Stack[]> {
  const stacks: Stack[] = [];
  let token: string | undefined;
  do {
    const parameters = token === undefined ? {} : { NextToken: token };
    const call = { ...api, action: "DescribeStacks", parameters, signal };
    const { result } = await callQuery(client, call);
    stacks.push(...result.at("Stacks").all("member").map(stackOf));
    const next = result.textAt("NextToken");
    token = next === token ? undefined : next;
  } while (token !== undefined);
  return stacks;
}

function stackOf(xml: Xml): Stack {
  const pairs = (list: string, key: string, value: string) =>
    Object.fromEntries(
      xml.at(list).all("member").map((each) => [each.at(key).text, each.at(value).text]),
    );
  return {
    id: xml.at("StackId").text,
    name: xml.at("StackName").text,
    status: xml.at("StackStatus").text,
    reason: xml.textAt("StackStatusReason"),
    outputs: pairs("Outputs", "OutputKey", "OutputValue"),
    tags: pairs("Tags", "Key", "Value"),
  };
}

/** A stack to create or update. */
export interface StackInput {
  /** Its name. */
  readonly name: string;
  /** The template, as JSON. */
  readonly template: string;
  /** Its tags, which also apply to its resources. */
  readonly tags: Readonly<Record<string, string>>;
}

function stackParameters({ name, template, tags }: StackInput): Record<string, string> {
  const members = Object.entries(tags).flatMap(([key, value], index): [string, string][] => [
    [`Tags.member.${index + 1}.Key`, key],
    [`Tags.member.${index + 1}.Value`, value],
  ]);
  return {
    StackName: name,
    TemplateBody: template,
    // The template contains a role.
    "Capabilities.member.1": "CAPABILITY_IAM",
    ...Object.fromEntries(members),
  };
}

/**
 * Begins to create a stack. If that fails, CloudFormation removes the stack and its resources.
 *
 * @param client The AWS client.
 * @param stack The stack.
 * @param signal Aborts the call, but not the operation.
 * @returns The stack's id.
 * @throws {LlamaError} As `callAws`.
 */
export async function createStack(
  client: AwsClient,
  stack: StackInput,
  signal?: AbortSignal,
): Promise<string> {
  const { result } = await callQuery(client, {
    ...api,
    action: "CreateStack",
    parameters: { ...stackParameters(stack), OnFailure: "DELETE" },
    signal,
  });
  const id = result.textAt("StackId");
  if (id === undefined) {
    throw new LlamaError("service", "the response to cloudformation:CreateStack has no stack");
  }
  return id;
}

/**
 * Begins to update a stack. If that fails, CloudFormation rolls the changes back.
 *
 * @param client The AWS client.
 * @param stack The stack.
 * @param signal Aborts the call, but not the operation.
 * @returns False if the stack is up to date.
 * @throws {LlamaError} As `callAws`.
 */
export async function updateStack(
  client: AwsClient,
  stack: StackInput,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    await callQuery(client, {
      ...api,
      action: "UpdateStack",
      parameters: stackParameters(stack),
      signal,
    });
    return true;
  } catch (error) {
    // Only the message distinguishes this ValidationError from others.
    if (error instanceof AwsError && /No updates are to be performed/.test(error.refusal.words)) {
      return false;
    }
    throw error;
  }
}

/**
 * Begins to delete a stack.
 *
 * @param client The AWS client.
 * @param id Its name or id; a missing stack is not an error.
 * @param keep A resource to keep; only allowed if an earlier deletion failed because of it.
 * @param signal Aborts the call, but not the operation.
 * @throws {LlamaError} As `callAws`.
 */
export async function deleteStack(
  client: AwsClient,
  id: string,
  keep: string | undefined,
  signal?: AbortSignal,
): Promise<void> {
  await callQuery(client, {
    ...api,
    action: "DeleteStack",
    parameters: {
      StackName: id,
      ...(keep === undefined ? {} : { "RetainResources.member.1": keep }),
    },
    signal,
  });
}

/**
 * Finds the latest event of a stack.
 *
 * @param client The AWS client.
 * @param id The stack's id.
 * @param signal Aborts the call.
 * @returns The event's id, or undefined if there are no events.
 * @throws {LlamaError} As `callAws`.
 */
export async function lastStackEvent(
  client: AwsClient,
  id: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  let last: string | undefined;
  const isFirst = (event: StackEvent) => {
    last = event.id;
    return true;
  };
  await stackEvents(client, id, isFirst, signal);
  return last;
}

/**
 * Lists the recent events of a stack.
 *
 * @param client The AWS client.
 * @param id The stack's id.
 * @param isKnown Returns true for the event to stop at, going back in time.
 * @param signal Aborts the call.
 * @returns The events after the known one, the oldest first.
 * @throws {LlamaError} As `callAws`.
 */
export async function stackEvents(
  client: AwsClient,
  id: string,
  isKnown: (event: StackEvent) => boolean,
  signal?: AbortSignal,
): Promise<StackEvent[]> {
  const events: StackEvent[] = [];
  let next: string | undefined;
  do {
    const { result } = await callQuery(client, {
      ...api,
      action: "DescribeStackEvents",
      parameters: { StackName: id, ...(next === undefined ? {} : { NextToken: next }) },
      signal,
    });
    for (const xml of result.at("StackEvents").all("member")) {
      const event = {
        id: xml.at("EventId").text,
        resource: xml.at("LogicalResourceId").text,
        type: xml.at("ResourceType").text,
        physicalId: xml.at("PhysicalResourceId").text,
        status: xml.at("ResourceStatus").text,
        reason: xml.textAt("ResourceStatusReason"),
      };
      if (isKnown(event)) return events.reverse();
      events.push(event);
    }
    next = result.textAt("NextToken");
  } while (next !== undefined);
  return events.reverse();
}
