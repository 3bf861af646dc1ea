import assert from "node:assert/strict";
import { describeStack } from "../../../lib/aws/api/cloudformation.ts";
import { deleteImage, registryLogin } from "../../../lib/aws/api/ecr.ts";
import { trustPolicy } from "../../../lib/aws/api/iam.ts";
import { getLayerVersion, listLayerVersions } from "../../../lib/aws/api/lambda_layers.ts";
import { getFunction, listFunctions } from "../../../lib/aws/api/lambda_functions.ts";
import { callerIdentity } from "../../../lib/aws/api/sts.ts";
import { parseXml } from "../../../lib/aws/api/xml.ts";
import { failureOf } from "../../deploy/failure_of.ts";
import {
  type Answer,
  json,
  lambdaError,
  query,
  queryError,
  ScriptedAws,
} from "../../scripted_aws.ts";

const raw = (status: number, text: string): Answer => () => new Response(text, { status });

const registry = "123456789012.dkr.ecr.us-west-2.amazonaws.com";

Deno.test("XML is read with its entities, and what is missing is undefined", () => {
  const xml = parseXml("<a><b>x &amp; &#252;</b><c><d>1</d><d>2</d></c></a>", "test");
  assert.equal(xml.textAt("b"), "x & ü");
  assert.deepEqual(xml.at("c").all("d").map(({ text }) => text), ["1", "2"]);
  assert.equal(xml.textAt("c", "e", "f"), undefined);
  assert.throws(() => parseXml("<a>", "S3"), /the response from S3 is not XML/);
});

Deno.test("the identity and the server's time are returned", async () => {
  const result = "<Arn>arn:aws:iam::123456789012:user/a</Arn><Account>123456789012</Account>";
  const date = "Tue, 24 Nov 2026 12:00:00 GMT";
  await using aws = new ScriptedAws({
    GetCallerIdentity: [query("GetCallerIdentity", result, { date })],
  });
  assert.deepEqual(await callerIdentity(aws.client), {
    account: "123456789012",
    arn: "arn:aws:iam::123456789012:user/a",
    time: new Date(date),
  });
});

Deno.test("each protocol's errors become one line, a code and a hint", async () => {
  // https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
  await using aws = new ScriptedAws({
    GetCallerIdentity: [queryError(403, "InvalidClientTokenId", "The token is invalid.")],
    DescribeStacks: [queryError(403, "AccessDenied", "not\n  allowed")],
    GetAuthorizationToken: [
      json({ __type: "com.amazonaws.ecr#AccessDeniedException", message: "no" }, 400),
    ],
    GetFunction: [raw(403, "<html>\n<h1>Forbidden by a proxy</h1></html>")],
    ListFunctions: [lambdaError(400, "InvalidParameterValueException:http://x", "bad marker")],
  });
  assert.deepEqual(await failureOf(callerIdentity(aws.client)), [
    "STS refused GetCallerIdentity: InvalidClientTokenId: The token is invalid.",
    "`llama doctor` shows which credentials are used; sign in again, or use others",
  ]);
  assert.deepEqual(await failureOf(describeStack(aws.client, "llama")), [
    "CloudFormation refused DescribeStacks: AccessDenied: not allowed",
    "the credentials need cloudformation:DescribeStacks",
  ]);
  assert.deepEqual(await failureOf(registryLogin(aws.client, registry)), [
    "ECR refused GetAuthorizationToken: AccessDeniedException: no",
    "the credentials need ecr:GetAuthorizationToken",
  ]);
  assert.deepEqual(await failureOf(getFunction(aws.client, "f")), [
    "Lambda refused GetFunction: HTTP status 403: Forbidden by a proxy",
    "",
  ]);
  assert.deepEqual(await failureOf(listFunctions(aws.client)), [
    "Lambda refused ListFunctions: InvalidParameterValueException: bad marker",
    "",
  ]);
});

Deno.test("a throttled call is retried, and its error keeps its type", async () => {
  await using aws = new ScriptedAws({
    GetFunction: [
      lambdaError(429, "TooManyRequestsException", "slower"),
      lambdaError(404, "ResourceNotFoundException", "none"),
    ],
  });
  assert.equal(await getFunction(aws.client, "f"), undefined);
  assert.equal(aws.calls.length, 2);
});

Deno.test("lists are read to their end", async () => {
  const version = (number: number) => ({
    LayerVersionArn: `arn:aws:lambda:us-west-2:1:layer:l:${number}`,
    Version: number,
    Description: null,
  });
  await using aws = new ScriptedAws({
    ListLayerVersions: [
      json({ LayerVersions: [version(1)], NextMarker: "a b" }),
      json({ LayerVersions: [version(2)] }),
    ],
  });
  const found = await listLayerVersions(aws.client, "l");
  assert.deepEqual(found.map(({ version }) => version), [2, 1]);
  assert.equal(aws.calls[1]?.input["Marker"], "a b");
});

Deno.test("a missing resource is undefined, not an error", async () => {
  const none = lambdaError(404, "ResourceNotFoundException", "none");
  await using aws = new ScriptedAws({
    GetLayerVersion: [none],
    GetRole: [queryError(404, "NoSuchEntity", "The role cannot be found.")],
  });
  const arn = "arn:aws:lambda:us-west-2:123456789012:layer:llama-runtime:3";
  assert.equal(await getLayerVersion(aws.client, arn), undefined);
  assert.equal(
    aws.inputOf("GetLayerVersion")["path"],
    "/2018-10-31/layers/arn:aws:lambda:us-west-2:123456789012:layer:llama-runtime/versions/3",
  );
  assert.equal(await trustPolicy(aws.client, "arn:aws:iam::1:role/path/llama"), undefined);
  assert.equal(aws.inputOf("GetRole")["RoleName"], "llama");
});

Deno.test("an answer in an unexpected format is an error that says where", async () => {
  await using aws = new ScriptedAws({
    GetFunction: [json({ Configuration: { FunctionName: 1 } })],
    ListFunctions: [raw(200, "no JSON")],
    GetAuthorizationToken: [json({ authorizationData: [] })],
  });
  const [message] = await failureOf(getFunction(aws.client, "f"));
  assert.match(message, /^unexpected response from Lambda to GetFunction: Configuration\.F/);
  const [text] = await failureOf(listFunctions(aws.client));
  assert.match(text, /^unexpected response from Lambda to ListFunctions: it is not JSON$/);
  const [login] = await failureOf(registryLogin(aws.client, registry));
  assert.match(login, /has no login$/);
});

Deno.test("ECR's login is for the registry that it names, and no other host gets it", async () => {
  // https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_AuthorizationData.html
  const answer = json({
    authorizationData: [{
      authorizationToken: btoa("AWS:secret"),
      proxyEndpoint: `https://${registry}`,
    }],
  });
  await using aws = new ScriptedAws({ GetAuthorizationToken: [answer, answer] });
  assert.deepEqual(await registryLogin(aws.client, registry), { user: "AWS", password: "secret" });
  for (const host of [`${registry}.example.com`, "registry.example.com", "127.0.0.1:5000"]) {
    assert.equal(await registryLogin(aws.client, host), undefined, host);
  }
});

Deno.test("an image that is not deleted is an error, unless it is not there", async () => {
  // https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageFailure.html
  const failure = (failureCode: string) =>
    json({ failures: [{ failureCode, failureReason: "r" }] });
  await using aws = new ScriptedAws({
    BatchDeleteImage: [failure("ImageNotFound"), failure("ImageReferencedByManifestList")],
  });
  await deleteImage(aws.client, "llama", "hello");
  assert.deepEqual(await failureOf(deleteImage(aws.client, "llama", "hello")), [
    "ECR did not delete llama:hello: ImageReferencedByManifestList: r",
    "",
  ]);
});
