/**
 * A server that answers AWS's calls as a script says: what moto does not do, in the forms that
 * AWS's API references give (linked where the answers are made).
 */

import assert from "node:assert/strict";
import { AwsClient } from "../lib/aws/client.ts";
import { parseXml } from "../lib/aws/api/xml.ts";

/** A call that was made. */
export interface ScriptedCall {
  /** Such as `CreateStack`. */
  readonly action: string;
  /** The region that it was signed for. */
  readonly region: string | undefined;
  /** The account that a bucket is expected to belong to. */
  readonly owner: string | null;
  /** Parameters of a Query call, or the fields of a JSON body. */
  readonly input: Readonly<Record<string, unknown>>;
}

/** Gives a fresh answer. */
export type Answer = () => Response;

/** What is answered to each action, in order; the last answer stays. */
export type Script = Readonly<Record<string, readonly Answer[]>>;

/** The server, and a client for it. */
export class ScriptedAws implements AsyncDisposable {
  readonly calls: ScriptedCall[] = [];
  readonly client: AwsClient;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #script: Map<string, Answer[]>;

  constructor(script: Script) {
    this.#script = new Map(
      Object.entries(script).map(([action, answers]) => [action, [...answers]]),
    );
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
    const { url } = this;
    this.client = new AwsClient({
      credentials: () => Promise.resolve({ accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" }),
      location: () =>
        Promise.resolve({
          region: "us-west-2",
          endpoints: { cloudformation: url, ecr: url, iam: url, lambda: url, s3: url, sts: url },
        }),
    });
  }

  /** Its base URL. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** What the program needs to take it for AWS. */
  get environment(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL: this.url,
      AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "secret",
      AWS_REGION: "us-west-2",
    };
  }

  /** The actions in order, without those that only look. */
  get changes(): string[] {
    return this.calls.map(({ action }) => action).filter((action) =>
      !/^(Describe|Get|List|Head)/.test(action)
    );
  }

  /** What the last call of an action was made with. */
  inputOf(action: string): Readonly<Record<string, unknown>> {
    const found = this.calls.findLast((call) => call.action === action);
    assert(found, `no ${action} among ${this.calls.map((call) => call.action).join(", ")}`);
    return found.input;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const call = callOf(request, await request.text());
    const [, region] = /Credential=[^/]+\/\d+\/([^/]+)\//
      .exec(request.headers.get("authorization") ?? "") ?? [];
    const owner = request.headers.get("x-amz-expected-bucket-owner");
    this.calls.push({ ...call, region, owner });
    const answers = this.#script.get(call.action);
    const answer = answers && (answers.length > 1 ? answers.shift() : answers[0]);
    if (answer) return answer();
    return lambdaError(501, "NotInTheScript", `${call.action} is not in the script`)();
  }
}

const lambdaActions: readonly (readonly [RegExp, string])[] = [
  [/^GET \/2015-03-31\/functions\/$/, "ListFunctions"],
  [/^POST \/2015-03-31\/functions$/, "CreateFunction"],
  [/^POST \/2015-03-31\/functions\/[^/]+\/invocations$/, "Invoke"],
  [/^POST \/2021-11-15\/functions\/[^/]+\/response-streaming-invocations$/, "Invoke"],
  [/^GET \/2015-03-31\/functions\/[^/]+$/, "GetFunction"],
  [/^PUT \/2015-03-31\/functions\/[^/]+\/code$/, "UpdateFunctionCode"],
  [/^PUT \/2015-03-31\/functions\/[^/]+\/configuration$/, "UpdateFunctionConfiguration"],
  [/^DELETE \/2015-03-31\/functions\/[^/]+$/, "DeleteFunction"],
  [/^POST \/2017-03-31\/tags\//, "TagResource"],
  [/^PUT \/2017-10-31\/functions\/[^/]+\/concurrency$/, "PutFunctionConcurrency"],
  [/^GET \/2016-08-19\/account-settings\/$/, "GetAccountSettings"],
  [/^GET \/2018-10-31\/layers\/[^/]+\/versions$/, "ListLayerVersions"],
  [/^GET \/2018-10-31\/layers\/[^/]+\/versions\/\d+$/, "GetLayerVersion"],
  [/^POST \/2018-10-31\/layers\/[^/]+\/versions$/, "PublishLayerVersion"],
  [/^DELETE \/2018-10-31\/layers\/[^/]+\/versions\/\d+$/, "DeleteLayerVersion"],
  [/^HEAD \/[^/]+$/, "HeadBucket"],
  [/^GET \/[^/]+\/\?.*list-type=2/, "ListObjectsV2"],
  [/^GET \/[^/]+\/\?.*uploads/, "ListMultipartUploads"],
  [/^POST \/[^/]+\/\?delete/, "DeleteObjects"],
  [/^DELETE \/[^/]+\/.+uploadId=/, "AbortMultipartUpload"],
  [/^PUT \/[^/]+\/.+/, "PutObject"],
  [/^GET \/[^/]+\/.+/, "GetObject"],
  [/^HEAD \/[^/]+\/.+/, "HeadObject"],
];

function callOf(request: Request, body: string): Omit<ScriptedCall, "region" | "owner"> {
  const target = request.headers.get("x-amz-target");
  if (target) return { action: target.split(".")[1] ?? "", input: JSON.parse(body) };
  if (request.headers.get("content-type")?.startsWith("application/x-www-form-urlencoded")) {
    const { Action: action = "", ...input } = Object.fromEntries(new URLSearchParams(body));
    return { action, input };
  }
  const { pathname, search, searchParams } = new URL(request.url);
  const line = `${request.method} ${pathname}`;
  const whole = line + search;
  const [, action = whole] =
    lambdaActions.find(([pattern]) =>
      pattern.test(pattern.source.includes("?") || pattern.source.includes("=") ? whole : line)
    ) ?? [];
  const input = body.startsWith("{")
    ? JSON.parse(body)
    : { path: decodeURIComponent(pathname), body, ...Object.fromEntries(searchParams) };
  return { action, input };
}

/** The answer of a Query call: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html#API_DescribeStacks_Examples */
export function query(action: string, result = "", headers: Record<string, string> = {}): Answer {
  const text = `<${action}Response><${action}Result>${result}</${action}Result>` +
    `<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></${action}Response>`;
  parseXml(text, "the script");
  return () => new Response(text, { headers: { "content-type": "text/xml", ...headers } });
}

/** A refusal of a Query call: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/CommonErrors.html */
export function queryError(status: number, code: string, message: string): Answer {
  const text = `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code>` +
    `<Message>${message}</Message></Error><RequestId>1</RequestId></ErrorResponse>`;
  return () => new Response(text, { status, headers: { "content-type": "text/xml" } });
}

/** A JSON answer. */
export function json(value: unknown, status = 200): Answer {
  return () => Response.json(value, { status });
}

/** A refusal of Lambda's: https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html */
export function lambdaError(status: number, type: string, message: string): Answer {
  const headers = { "x-amzn-errortype": type };
  return () => Response.json({ Type: "User", Message: message }, { status, headers });
}

/** A stack: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html */
export function stack(
  status: string,
  outputs: Record<string, string> = {},
  tags: Record<string, string> = { llama: "llama" },
): Answer {
  const members = (values: Record<string, string>, key: string, value: string) =>
    Object.entries(values)
      .map(([k, v]) => `<member><${key}>${k}</${key}><${value}>${v}</${value}></member>`).join("");
  return query(
    "DescribeStacks",
    `<Stacks><member><StackName>llama</StackName><StackId>${stackId}</StackId>` +
      `<StackStatus>${status}</StackStatus>` +
      `<Outputs>${members(outputs, "OutputKey", "OutputValue")}</Outputs>` +
      `<Tags>${members(tags, "Key", "Value")}</Tags></member></Stacks>`,
  );
}

export const stackId = "arn:aws:cloudformation:us-west-2:123456789012:stack/llama/1";

/** No stack of the name: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html */
export const noStack: Answer = queryError(
  400,
  "ValidationError",
  "Stack with id llama does not exist",
);

/** A stack that is up to date: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html#troubleshooting-errors-no-updates-to-perform */
export const noUpdates: Answer = queryError(
  400,
  "ValidationError",
  "No updates are to be performed.",
);

/** An event as a line of four or five words: resource, type, id, status, reason. */
export type EventLine = readonly [string, string, string, string, string?];

/**
 * Events, given oldest first and answered newest first:
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html
 */
export function events(lines: readonly EventLine[], from = 0, nextToken?: string): Answer {
  const members = lines.map(([resource, type, id, status, reason], index) =>
    `<member><EventId>${from + index}</EventId><LogicalResourceId>${resource}</LogicalResourceId>` +
    `<ResourceType>${type}</ResourceType><PhysicalResourceId>${id}</PhysicalResourceId>` +
    `<ResourceStatus>${status}</ResourceStatus>` +
    (reason ? `<ResourceStatusReason>${reason}</ResourceStatusReason>` : "") + `</member>`
  );
  return query(
    "DescribeStackEvents",
    `<StackEvents>${members.reverse().join("")}</StackEvents>` +
      (nextToken ? `<NextToken>${nextToken}</NextToken>` : ""),
  );
}
