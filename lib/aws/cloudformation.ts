/**
 * CloudFormation: stacks and what happens to them.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";
import type { AwsClient } from "./client.ts";
import { AwsError, callQuery, isRefusal } from "./control.ts";
import type { Xml } from "./xml.ts";

/** A stack. */
export interface Stack {
  /** Its ARN, which stays when it is deleted and another of its name is made. */
  readonly id: string;
  /** Its name. */
  readonly name: string;
  /** Such as `CREATE_COMPLETE`. */
  readonly status: string;
  /** Why it has this status, where that is told. */
  readonly reason: string | undefined;
  /** What it gives, by name. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Its tags. */
  readonly tags: Readonly<Record<string, string>>;
}

/** Something that happened to a stack or a resource of it. */
export interface StackEvent {
  /** Its id. */
  readonly id: string;
  /** The resource's name in the template; the stack's name for the stack itself. */
  readonly resource: string;
  /** Such as `AWS::S3::Bucket`. */
  readonly type: string;
  /** The resource's own id, such as a bucket's name; empty while it has none. */
  readonly physicalId: string;
  /** Such as `CREATE_FAILED`. */
  readonly status: string;
  /** Why, where that is told. */
  readonly reason: string | undefined;
}

const api = { service: "cloudformation", version: "2010-05-15" } as const;

/**
 * A stack as it is.
 *
 * @param client Signs and sends.
 * @param name Its name, or its id, under which even a deleted one is found.
 * @param signal Ends it early.
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
 * All stacks of the account in the region, but for those that are deleted.
 *
 * @param client Signs and sends.
 * @param signal Ends it early.
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

/** What a stack is made from. */
export interface StackInput {
  /** Its name. */
  readonly name: string;
  /** The template, as JSON. */
  readonly template: string;
  /** Its tags, which its resources get too. */
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
    // The template has a role.
    "Capabilities.member.1": "CAPABILITY_IAM",
    ...Object.fromEntries(members),
  };
}

/**
 * Begins to make a stack. If that fails, CloudFormation removes what was made, and the stack.
 *
 * @param client Signs and sends.
 * @param stack What to make.
 * @param signal Ends the call early, not what it began.
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
    throw new LlamaError("service", "cloudformation:CreateStack answered without a stack");
  }
  return id;
}

/**
 * Begins to change a stack. If that fails, CloudFormation puts back what was there.
 *
 * @param client Signs and sends.
 * @param stack What it shall be.
 * @param signal Ends the call early, not what it began.
 * @returns False if it is that already.
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
    // A ValidationError with these words is all that tells this from a mistake.
    if (error instanceof AwsError && /No updates are to be performed/.test(error.refusal.words)) {
      return false;
    }
    throw error;
  }
}

/**
 * Begins to delete a stack.
 *
 * @param client Signs and sends.
 * @param id Its name or id; one that is not there is no error.
 * @param keep The resource that is left as it is; only where an earlier deletion failed for it.
 * @param signal Ends the call early, not what it began.
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
 * The last thing that happened to a stack.
 *
 * @param client Signs and sends.
 * @param id The stack's id.
 * @param signal Ends it early.
 * @returns The event's id, or undefined if nothing happened yet.
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
 * What happened to a stack, of late.
 *
 * @param client Signs and sends.
 * @param id The stack's id.
 * @param isKnown Where to stop going back in time.
 * @param signal Ends it early.
 * @returns The events after the last known one, the oldest first.
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
