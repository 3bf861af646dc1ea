import assert from "node:assert/strict";
import { findCredentials } from "../../lib/aws/credentials.ts";
import { bucketUrl, findLocation, serviceUrl } from "../../lib/aws/endpoint.ts";
import { parseIni } from "../../lib/aws/profile.ts";
import { LlamaError } from "../../lib/errors.ts";
import { TemporaryDirectory } from "../helpers.ts";

const credentialsFile = `
# a comment
[default]
aws_access_key_id = DEFAULTKEY
aws_secret_access_key = default/secret

[work]
aws_access_key_id=WORKKEY
aws_secret_access_key=work/secret=
aws_session_token = tok
`;
const configFile = `
[default]
region = eu-west-1
s3 =
  addressing_style = path
[profile work]
region=us-east-2
endpoint_url = http://127.0.0.1:9/
[profile empty]
output = json
`;

async function home(directory: TemporaryDirectory): Promise<Record<string, string>> {
  await directory.write(".aws/credentials", credentialsFile);
  await directory.write(".aws/config", configFile);
  return { HOME: directory.path };
}

Deno.test("the environment's credentials come before the default profile", async () => {
  await using directory = new TemporaryDirectory();
  const environment = {
    ...await home(directory),
    AWS_ACCESS_KEY_ID: "ENVKEY",
    AWS_SECRET_ACCESS_KEY: "env",
    AWS_SESSION_TOKEN: "t",
  };
  assert.deepEqual(await findCredentials(environment), {
    accessKeyId: "ENVKEY",
    secretAccessKey: "env",
    sessionToken: "t",
  });
  assert.equal((await findCredentials(environment, { profile: "work" })).accessKeyId, "WORKKEY");
});

Deno.test("a profile is found in the AWS CLI's files", async () => {
  await using directory = new TemporaryDirectory();
  const environment = await home(directory);
  assert.equal((await findCredentials(environment)).accessKeyId, "DEFAULTKEY");
  assert.deepEqual(await findCredentials({ ...environment, AWS_PROFILE: "work" }), {
    accessKeyId: "WORKKEY",
    secretAccessKey: "work/secret=",
    sessionToken: "tok",
  });
  const elsewhere = {
    HOME: "/nowhere",
    AWS_SHARED_CREDENTIALS_FILE: directory.join(".aws/credentials"),
  };
  assert.equal((await findCredentials(elsewhere)).accessKeyId, "DEFAULTKEY");
});

Deno.test("a profile that is in no file is an error, whatever else there is", async () => {
  await using directory = new TemporaryDirectory();
  const environment = {
    ...await home(directory),
    AWS_REGION: "us-west-2",
    AWS_ACCESS_KEY_ID: "ENVKEY",
    AWS_SECRET_ACCESS_KEY: "env",
  };
  const message = new RegExp(`no profile "none" in ${directory.path}/.aws/credentials and `);
  await assert.rejects(findCredentials(environment, { profile: "none" }), message);
  await assert.rejects(findLocation(environment, { profile: "none" }), message);
  await assert.rejects(findLocation({ ...environment, AWS_PROFILE: "none" }), message);
});

Deno.test("without credentials the places that were looked at are named", async () => {
  const environment = { HOME: "/nowhere", AWS_ACCESS_KEY_ID: "HALF" };
  const isEc2 = () => Promise.resolve(false);
  await assert.rejects(findCredentials(environment, { isEc2 }), (error) => {
    assert(error instanceof LlamaError);
    assert.equal(error.code, "credentials");
    assert.equal(
      error.message,
      "no AWS credentials: looked for AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, " +
        'profile "default" of /nowhere/.aws/credentials and /nowhere/.aws/config, ' +
        "and the role of a container or instance",
    );
    return true;
  });
  await using directory = new TemporaryDirectory();
  await assert.rejects(
    findCredentials(await home(directory), {
      profile: "empty",
      isEc2,
    }),
    /^LlamaError: no AWS credentials: looked for profile "empty" of /,
  );
});

Deno.test("the region is what was named, the environment's, or the profile's", async () => {
  await using directory = new TemporaryDirectory();
  const environment = await home(directory);
  const region = async (more: Record<string, string>, named = {}) =>
    (await findLocation({ ...environment, ...more }, named)).region;
  assert.equal(await region({}), "eu-west-1");
  assert.equal(await region({}, { profile: "work" }), "us-east-2");
  assert.equal(await region({ AWS_DEFAULT_REGION: "sa-east-1" }), "sa-east-1");
  assert.equal(await region({ AWS_DEFAULT_REGION: "x-1", AWS_REGION: "ca-west-1" }), "ca-west-1");
  assert.equal(
    await region({ AWS_REGION: "ca-west-1" }, { region: "us-gov-west-1" }),
    "us-gov-west-1",
  );
  await assert.rejects(findLocation({ HOME: "/nowhere" }), /^LlamaError: no AWS region: /);
  await assert.rejects(region({}, { region: "us.example.com/" }), /is not an AWS region/);
});

Deno.test("endpoints are the service's own, the one for all, or the profile's", async () => {
  await using directory = new TemporaryDirectory();
  const environment = await home(directory);
  const work = await findLocation(environment, { profile: "work" });
  assert.equal(serviceUrl(work, "lambda"), "http://127.0.0.1:9");
  const both = await findLocation({
    ...environment,
    AWS_ENDPOINT_URL: "http://127.0.0.1:1",
    AWS_ENDPOINT_URL_S3: "https://s3.example.org/",
  });
  assert.equal(serviceUrl(both, "lambda"), "http://127.0.0.1:1");
  assert.equal(bucketUrl(both, "b"), "https://s3.example.org/b");
  await assert.rejects(
    findLocation({ ...environment, AWS_ENDPOINT_URL_S3: "ftp://x" }),
    /AWS_ENDPOINT_URL_S3: "ftp:\/\/x" is not an http or https URL/,
  );
});

Deno.test("AWS's own endpoints follow region and bucket", () => {
  const at = (region: string) => ({ region, endpoints: {} });
  assert.equal(serviceUrl(at("us-west-2"), "lambda"), "https://lambda.us-west-2.amazonaws.com");
  assert.equal(
    serviceUrl(at("cn-north-1"), "lambda"),
    "https://lambda.cn-north-1.amazonaws.com.cn",
  );
  assert.equal(bucketUrl(at("us-west-2"), "b"), "https://b.s3.us-west-2.amazonaws.com");
  // A name with dots would not match the certificate.
  assert.equal(
    bucketUrl(at("us-west-2"), "llama.1606000000"),
    "https://s3.us-west-2.amazonaws.com/llama.1606000000",
  );
});

Deno.test("an INI file is read as the AWS CLI does", () => {
  const sections = parseIni(
    "[ a  b ]\r\nKey = v = w ; note\n nested = 1\n#x=1\n[c]\nk=\n[a b]\nz=2",
  );
  assert.deepEqual([...sections].map(([name, values]) => [name, [...values]]), [
    ["a b", [["key", "v = w"], ["z", "2"]]],
    ["c", [["k", ""]]],
  ]);
});
