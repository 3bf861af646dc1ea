import assert from "node:assert/strict";
import type { StackEvent } from "../../lib/aws/api/cloudformation.ts";
import { noGrants } from "../../lib/deploy/grants.ts";
import { deployStack, findStack, removeStack, type StackWork } from "../../lib/deploy/stack.ts";
import {
  type EventLine,
  events,
  noStack,
  noUpdates,
  query,
  queryError,
  type Script,
  ScriptedAws,
  stack,
  stackId,
} from "../scripted_aws.ts";
import { failureOf } from "./failure_of.ts";

const outputs = {
  Bucket: "llama-bucket-1",
  BucketKind: "generated",
  Role: "arn:aws:iam::123456789012:role/llama-Role-1",
  Repository: "123456789012.dkr.ecr.us-west-2.amazonaws.com/llama",
};
const whole = {
  bucket: outputs.Bucket,
  bucketKind: "generated",
  role: outputs.Role,
  repository: outputs.Repository,
  grants: noGrants,
};
const created = query("CreateStack", `<StackId>${stackId}</StackId>`);
const updated = query("UpdateStack", `<StackId>${stackId}</StackId>`);
const deleted = query("DeleteStack");
const stackType = "AWS::CloudFormation::Stack";

const bucketFails: readonly EventLine[] = [
  ["llama", stackType, stackId, "CREATE_IN_PROGRESS", "User Initiated"],
  ["Role", "AWS::IAM::Role", "", "CREATE_IN_PROGRESS"],
  ["Bucket", "AWS::S3::Bucket", "", "CREATE_IN_PROGRESS"],
  ["Bucket", "AWS::S3::Bucket", "taken-1", "CREATE_FAILED", "taken-1 already exists"],
  ["Role", "AWS::IAM::Role", "llama-Role-1", "CREATE_FAILED", "Resource creation cancelled"],
  ["llama", stackType, stackId, "CREATE_FAILED", "The following resource(s) failed: [Bucket]."],
];

/** Starts a server, and returns the dependencies for its stack; pauses take no time. */
function scripted(script: Script) {
  const aws = new ScriptedAws(script);
  const seen: StackEvent[] = [];
  let pauses = 0;
  const work: StackWork = {
    client: aws.client,
    pause: () => {
      pauses++;
      return Promise.resolve();
    },
    onEvent: (event) => seen.push(event),
  };
  return {
    aws,
    work,
    seen: () => seen.map(({ resource, status }) => `${resource} ${status}`),
    pauses: () => pauses,
    deploy: async () =>
      await deployStack(work, "llama", { kind: "generated" }, await findStack(work, "llama")),
    [Symbol.asyncDispose]: () => aws[Symbol.asyncDispose](),
  };
}

Deno.test("creating a stack shows each event once, the oldest first", async () => {
  const lines: EventLine[] = [
    ["llama", stackType, stackId, "CREATE_IN_PROGRESS", "User Initiated"],
    ["Bucket", "AWS::S3::Bucket", "", "CREATE_IN_PROGRESS"],
    ["Bucket", "AWS::S3::Bucket", "llama-bucket-1", "CREATE_COMPLETE"],
    ["llama", stackType, stackId, "CREATE_COMPLETE"],
  ];
  await using test = scripted({
    CreateStack: [created],
    DescribeStacks: [
      noStack,
      stack("CREATE_IN_PROGRESS"),
      stack("CREATE_IN_PROGRESS"),
      stack("CREATE_COMPLETE", outputs),
    ],
    DescribeStackEvents: [
      events(lines.slice(0, 1)),
      // Two pages: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html
      events(lines.slice(1, 3), 1, "more"),
      events(lines.slice(0, 1)),
      events(lines),
    ],
  });
  assert.deepEqual(await test.deploy(), { outputs: whole, change: "created" });
  assert.deepEqual(test.seen(), [
    "llama CREATE_IN_PROGRESS",
    "Bucket CREATE_IN_PROGRESS",
    "Bucket CREATE_COMPLETE",
    "llama CREATE_COMPLETE",
  ]);
  assert.equal(test.pauses(), 2);
  const input = test.aws.inputOf("CreateStack");
  assert.equal(input["OnFailure"], "DELETE");
  assert.equal(input["Capabilities.member.1"], "CAPABILITY_IAM");
  assert.equal(input["Tags.member.1.Key"], "llama");
});

Deno.test("a failed creation gives the reason of the first resource, and is removed", async () => {
  await using test = scripted({
    CreateStack: [created],
    DescribeStacks: [noStack, stack("DELETE_IN_PROGRESS"), stack("DELETE_COMPLETE")],
    DescribeStackEvents: [events(bucketFails)],
  });
  assert.deepEqual(await failureOf(test.deploy()), [
    "the stack llama could not be created: Bucket (AWS::S3::Bucket): taken-1 already exists",
    "everything that was created has been removed",
  ]);
});

Deno.test("resources left after a failed creation are named", async () => {
  const left: EventLine[] = [
    ...bucketFails,
    ["Role", "AWS::IAM::Role", "llama-Role-1", "DELETE_FAILED", "not authorized"],
    ["llama", stackType, stackId, "DELETE_FAILED", "The following resource(s) failed: [Role]."],
  ];
  await using test = scripted({
    CreateStack: [created],
    DescribeStacks: [noStack, stack("DELETE_FAILED")],
    DescribeStackEvents: [events(left)],
  });
  const [message, hint = ""] = await failureOf(test.deploy());
  assert.match(message ?? "", /could not be created: Bucket .*: taken-1 already exists$/);
  assert.match(hint, /^left: AWS::IAM::Role llama-Role-1; /);
});

Deno.test("a stack that is up to date is not changed", async () => {
  await using test = scripted({
    DescribeStacks: [stack("CREATE_COMPLETE", outputs)],
    DescribeStackEvents: [events(bucketFails)],
    UpdateStack: [noUpdates],
  });
  assert.deepEqual(await test.deploy(), { outputs: whole, change: "unchanged" });
  assert.deepEqual(test.seen(), []);
});

Deno.test("a failed update gives the reason, and says that everything is as before", async () => {
  const before: EventLine[] = [["llama", stackType, stackId, "CREATE_COMPLETE"]];
  const after: EventLine[] = [
    ...before,
    ["llama", stackType, stackId, "UPDATE_IN_PROGRESS", "User Initiated"],
    ["Role", "AWS::IAM::Role", "llama-Role-1", "UPDATE_FAILED", "API: iam:PutRolePolicy denied"],
    ["llama", stackType, stackId, "UPDATE_ROLLBACK_COMPLETE"],
  ];
  await using test = scripted({
    DescribeStacks: [
      stack("CREATE_COMPLETE", outputs),
      stack("UPDATE_ROLLBACK_IN_PROGRESS", outputs),
      stack("UPDATE_ROLLBACK_COMPLETE", outputs),
    ],
    DescribeStackEvents: [events(before), events(after)],
    UpdateStack: [updated],
  });
  assert.deepEqual(await failureOf(test.deploy()), [
    "the stack llama could not be updated: Role (AWS::IAM::Role): API: iam:PutRolePolicy denied",
    "everything is as it was before",
  ]);
  assert.equal(test.seen()[0], "llama UPDATE_IN_PROGRESS");
});

Deno.test("an update whose rollback failed names the command to run", async () => {
  await using test = scripted({
    DescribeStacks: [stack("CREATE_COMPLETE", outputs), stack("UPDATE_ROLLBACK_FAILED", outputs)],
    DescribeStackEvents: [events([])],
    UpdateStack: [updated],
  });
  const [, hint = ""] = await failureOf(test.deploy());
  assert.match(hint, /aws cloudformation continue-update-rollback --stack-name llama/);
});

for (const status of ["ROLLBACK_COMPLETE", "CREATE_FAILED", "REVIEW_IN_PROGRESS"]) {
  // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html#cfn-console-view-stack-status-codes
  Deno.test(`a stack in ${status} is removed and created again`, async () => {
    await using test = scripted({
      DescribeStacks: [
        stack(status),
        stack("DELETE_COMPLETE"),
        stack("CREATE_COMPLETE", outputs),
      ],
      DescribeStackEvents: [events([])],
      DeleteStack: [deleted],
      CreateStack: [created],
    });
    assert.equal((await test.deploy()).change, "created");
    assert.deepEqual(test.aws.changes, ["DeleteStack", "CreateStack"]);
  });
}

Deno.test("a stack that is being changed by another run is waited for", async () => {
  await using test = scripted({
    DescribeStacks: [
      stack("CREATE_IN_PROGRESS"),
      stack("CREATE_IN_PROGRESS"),
      stack("CREATE_COMPLETE", outputs),
    ],
    DescribeStackEvents: [events([])],
    UpdateStack: [noUpdates],
  });
  assert.equal((await test.deploy()).change, "unchanged");
  assert.equal(test.pauses(), 1);
});

Deno.test("a stack that is not llama's is not changed", async () => {
  await using test = scripted({ DescribeStacks: [stack("CREATE_COMPLETE", {}, { owner: "me" })] });
  assert.deepEqual(await failureOf(test.deploy()), [
    "the stack llama is not llama's: it has no tag llama",
    "choose another stack name: -stack NAME",
  ]);
  assert.deepEqual(test.aws.changes, []);
});

Deno.test("a missing permission is named", async () => {
  const message = "User: arn:aws:iam::123456789012:user/a is not authorized to perform: " +
    "cloudformation:CreateStack on resource: arn:aws:cloudformation:us-west-2:1:stack/llama/*";
  await using test = scripted({
    DescribeStacks: [noStack],
    CreateStack: [queryError(403, "AccessDenied", message)],
  });
  assert.deepEqual(await failureOf(test.deploy()), [
    `CloudFormation refused CreateStack: AccessDenied: ${message}`,
    "the credentials need cloudformation:CreateStack",
  ]);
});

Deno.test("a bucket that is not empty is kept, and the rest of the stack is removed", async () => {
  // https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html, RetainResources
  const full: EventLine[] = [
    ["Bucket", "AWS::S3::Bucket", "llama-bucket-1", "DELETE_FAILED", "The bucket is not empty"],
    ["llama", stackType, stackId, "DELETE_FAILED", "The following resource(s) failed: [Bucket]."],
  ];
  await using test = scripted({
    DescribeStacks: [
      stack("CREATE_COMPLETE", outputs),
      stack("DELETE_FAILED"),
      stack("DELETE_COMPLETE"),
    ],
    DescribeStackEvents: [events([]), events(full)],
    DeleteStack: [deleted],
  });
  const found = await findStack(test.work, "llama");
  assert(found);
  assert.equal(await removeStack(test.work, found), true);
  assert.deepEqual(
    test.aws.calls.filter(({ action }) => action === "DeleteStack").map(({ input }) => input),
    [
      { Version: "2010-05-15", StackName: stackId },
      { Version: "2010-05-15", StackName: stackId, "RetainResources.member.1": "Bucket" },
    ],
  );
});

Deno.test("a stack that cannot be removed is an error with the reason", async () => {
  const refused: EventLine[] = [
    ["Role", "AWS::IAM::Role", "llama-Role-1", "DELETE_FAILED", "Cannot delete entity"],
    ["llama", stackType, stackId, "DELETE_FAILED", "The following resource(s) failed: [Role]."],
  ];
  await using test = scripted({
    DescribeStacks: [stack("CREATE_COMPLETE", outputs), stack("DELETE_FAILED")],
    DescribeStackEvents: [events([]), events(refused)],
    DeleteStack: [deleted],
  });
  const found = await findStack(test.work, "llama");
  assert(found);
  const [message, hint] = await failureOf(removeStack(test.work, found));
  assert.match(
    message ?? "",
    /could not be removed: Role \(AWS::IAM::Role\): Cannot delete entity$/,
  );
  assert.match(hint ?? "", /^left: AWS::IAM::Role llama-Role-1; /);
});

Deno.test("an abort stops the wait for a stack", async () => {
  const controller = new AbortController();
  await using test = scripted({
    CreateStack: [created],
    DescribeStacks: [stack("CREATE_IN_PROGRESS")],
    DescribeStackEvents: [events([])],
  });
  const work = {
    ...test.work,
    signal: controller.signal,
    pause: () => {
      controller.abort(new Error("enough"));
      return Promise.resolve();
    },
  };
  await assert.rejects(deployStack(work, "llama", { kind: "generated" }, undefined), /enough/);
});
