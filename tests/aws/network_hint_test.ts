import assert from "node:assert/strict";
import { AwsClient } from "../../lib/aws/client.ts";
import { networkHint } from "../../lib/aws/network_hint.ts";
import { callerIdentity } from "../../lib/aws/api/sts.ts";
import { LlamaError } from "../../lib/errors.ts";

const dns = "client error (Connect): dns error: failed to lookup address information";
const refused = "client error (Connect): tcp connect error: Connection refused (os error 111)";

/** The hint for a call of STS in a region, at AWS's own address or another one. */
function hint(reason: string, region: string, sts?: string): string {
  const url = `${sts ?? `https://sts.${region}.amazonaws.com`}/`;
  return networkHint(url, reason, { region, endpoints: { sts } }) ?? "";
}

Deno.test("a region that AWS does not have is named, with the nearest one", () => {
  assert.match(hint(dns, "us-wset-2"), /^check the region us-wset-2, did you mean us-west-2\?/);
  assert.match(hint(dns, "eu-wets-1"), /did you mean eu-west-1\? \(-region, AWS_REGION, /);
  assert.match(hint(dns, "moon-base-1"), /^check the region moon-base-1 \(-region, /);
});

Deno.test("without DNS the hint is about the network, or about a configured endpoint", () => {
  assert.equal(
    hint(dns, "us-west-2"),
    "check this machine's network and DNS; in a VPC, the endpoint of the service",
  );
  assert.equal(
    hint(dns, "us-west-2", "http://localstakc:4566"),
    "AWS_ENDPOINT_URL, a variable like it, or the profile names localstakc, which has no address: " +
      "check its spelling",
  );
});

Deno.test("a refused connection has a hint that depends on whose server it is", () => {
  assert.equal(
    hint(refused, "us-west-2", "http://127.0.0.1:4566"),
    "AWS_ENDPOINT_URL, a variable like it, or the profile names http://127.0.0.1:4566, " +
      "where no server listens: start it, or correct the address",
  );
  assert.match(hint(refused, "us-west-2"), /^a firewall or proxy refuses the connection: /);
  assert.equal(hint("Network is unreachable", "us-west-2"), "check this machine's network");
  assert.equal(hint("connection reset", "us-west-2"), "");
});

Deno.test("a call to an address without a server fails with the hint", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const sts = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  using client = new AwsClient({
    credentials: () => Promise.resolve({ accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" }),
    location: () => Promise.resolve({ region: "us-west-2", endpoints: { sts } }),
    maxAttempts: 1,
  });
  await assert.rejects(callerIdentity(client), (error) => {
    assert(error instanceof LlamaError);
    assert.match(error.message, /^no answer from http:\/\/127\.0\.0\.1:\d+: .*refused/i);
    assert.match(error.hint ?? "", /where no server listens: start it, or correct the address$/);
    return true;
  });
});
