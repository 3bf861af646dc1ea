import assert from "node:assert/strict";
import { Workplace } from "./llama.ts";

/** Lambda and STS on one address; answers with the id of the key that signed the call. */
function startAws() {
  const asked: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const body = await request.text();
      const signedBy = /Credential=(\w+)\//.exec(request.headers.get("authorization") ?? "")?.[1];
      const token = request.headers.get("x-amz-security-token");
      if (new URL(request.url).pathname.includes("/invocations")) {
        return Response.json({ status: 0, stdout: { s: `${signedBy} ${token}` } });
      }
      const parameters = new URLSearchParams(body);
      asked.push(
        ["Action", "RoleArn", "ExternalId"].map((name) => parameters.get(name)).join(" ") +
          ` by ${signedBy}`,
      );
      return new Response(
        `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
        <Credentials><AccessKeyId>ROLEKEY</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
        <SessionToken>roletoken</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>
        </Credentials></AssumeRoleResult></AssumeRoleResponse>`,
        { headers: { "content-type": "text/xml" } },
      );
    },
  );
  const endpoint = `http://127.0.0.1:${server.addr.port}`;
  return {
    asked,
    environment: {
      AWS_REGION: "us-west-2",
      AWS_ENDPOINT_URL_LAMBDA: endpoint,
      AWS_ENDPOINT_URL_STS: endpoint,
      AWS_EC2_METADATA_DISABLED: "true",
    },
    async [Symbol.asyncDispose]() {
      await server.shutdown();
    },
  };
}

Deno.test("a profile's credentials may come from a program", async () => {
  await using place = new Workplace();
  await using aws = startAws();
  const answer = JSON.stringify({
    Version: 1,
    AccessKeyId: "PROGRAMKEY",
    SecretAccessKey: "s",
    SessionToken: "programtoken",
  });
  await place.write("answer.json", answer);
  const config = await place.write(
    "config",
    `[profile vault]\ncredential_process = cat ${place.join("answer.json")}\n`,
  );
  const environment = { ...aws.environment, AWS_CONFIG_FILE: config, AWS_PROFILE: "vault" };
  const { status, stdout, stderr } = await place.run(["invoke", "f"], { environment });
  assert.deepEqual([status, stdout, stderr], [0, "PROGRAMKEY programtoken", ""]);

  await place.write("answer.json", "not JSON");
  const failed = await place.run(["invoke", "f"], { environment });
  assert.equal(failed.status, 125);
  assert.match(failed.stderr, /^llama: no AWS credentials from profile "vault": .+\n/);
});

Deno.test("a profile's credentials may be those of a role, got with another profile's", async () => {
  await using place = new Workplace();
  await using aws = startAws();
  const config = await place.write(
    "config",
    `[profile work]
role_arn = arn:aws:iam::123456789012:role/deploy
source_profile = base
external_id = 42

[profile base]
aws_access_key_id = BASEKEY
aws_secret_access_key = s
`,
  );
  const environment = { ...aws.environment, AWS_CONFIG_FILE: config };
  const { status, stdout, stderr } = await place.run(["-profile", "work", "invoke", "f"], {
    environment,
  });
  assert.deepEqual([status, stdout, stderr], [0, "ROLEKEY roletoken", ""]);
  assert.deepEqual(aws.asked, [
    "AssumeRole arn:aws:iam::123456789012:role/deploy 42 by BASEKEY",
  ]);
});
