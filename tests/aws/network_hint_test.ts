import assert from "node:assert/strict";
import { AwsClient } from "../../lib/aws/client.ts";
import { findLocation } from "../../lib/aws/endpoint.ts";
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

Deno.test("the hint for an unreachable proxy is about the proxy", () => {
  const proxies = { "https:": { variable: "HTTPS_PROXY", host: "proxy.test:3128" } };
  const location = { region: "us-wset-2", endpoints: {}, proxies, noProxy: "other.test" };
  const url = "https://sts.us-wset-2.amazonaws.com/";
  const words = "HTTPS_PROXY names the proxy proxy.test:3128, which was not reached: correct it, " +
    "or list sts.us-wset-2.amazonaws.com in NO_PROXY";
  for (const reason of [dns, refused, "No route to host"]) {
    assert.equal(networkHint(url, reason, location), words);
  }
  assert.match(
    networkHint(url, dns, { ...location, noProxy: ".amazonaws.com" }) ?? "",
    /^check the region us-wset-2/,
  );
});

Deno.test("the proxies come from the environment, without their passwords", async () => {
  const proxiesOf = async (environment: Record<string, string>) =>
    (await findLocation({ AWS_REGION: "us-west-2", HOME: "/nowhere", ...environment })).proxies;
  assert.deepEqual(
    await proxiesOf({ HTTPS_PROXY: "http://me:pass@word@proxy.test:3128/", all_proxy: "any:1" }),
    {
      "http:": { variable: "all_proxy", host: "any:1" },
      "https:": { variable: "HTTPS_PROXY", host: "proxy.test:3128" },
    },
  );
  assert.deepEqual(await proxiesOf({ HTTP_PROXY: "" }), {
    "http:": undefined,
    "https:": undefined,
  });
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
