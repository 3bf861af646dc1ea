import assert from "node:assert/strict";
import { AwsV4Signer } from "npm:aws4fetch@1.0.20";
import { sha256 } from "../../lib/files/hash.ts";
import { ApiError } from "../../lib/local/api_error.ts";
import { SignatureVerifier, type SignedCall } from "../../lib/local/signature.ts";

const key = { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "secret/key" };
const now = Date.parse("2026-01-02T03:04:05Z");
const datetime = "20260102T030405Z";
const url = "http://127.0.0.1:3001/2015-03-31/functions/hello%3A%24LATEST/invocations";
const body = new TextEncoder().encode('{"args":[]}');

async function signed(
  options: Partial<ConstructorParameters<typeof AwsV4Signer>[0]> = {},
): Promise<SignedCall> {
  const signer = new AwsV4Signer({
    ...key,
    service: "lambda",
    region: "local-1",
    method: "POST",
    url,
    body,
    datetime,
    headers: { "content-type": "application/json", "x-amz-log-type": "Tail" },
    ...options,
  });
  const { headers } = await signer.sign();
  headers.set("host", "127.0.0.1:3001");
  return { method: "POST", url, headers, body };
}

async function refusal(call: SignedCall, time = now): Promise<string> {
  try {
    await new SignatureVerifier([key]).verify(call, time);
  } catch (error) {
    assert(error instanceof ApiError);
    assert.equal(error.status, 403);
    return error.type;
  }
  return "accepted";
}

Deno.test("a signed call is accepted, whichever headers are signed", async () => {
  assert.equal(await refusal(await signed()), "accepted");
  assert.equal(await refusal(await signed({ allHeaders: true })), "accepted");
  const hash = { "x-amz-content-sha256": sha256(body) };
  assert.equal(await refusal(await signed({ headers: hash })), "accepted");
  assert.equal(await refusal(await signed({ region: "us-west-2" })), "accepted");
  const query = { url: `${url}?Qualifier=a%20b&A=` };
  assert.equal(await refusal({ ...await signed(query), ...query }), "accepted");
});

Deno.test("a call without a signature is refused", async () => {
  const { headers, ...call } = await signed();
  headers.delete("authorization");
  assert.equal(await refusal({ ...call, headers }), "MissingAuthenticationTokenException");
  for (const value of ["Basic x", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b/c"]) {
    headers.set("authorization", value);
    assert.equal(await refusal({ ...call, headers }), "IncompleteSignatureException");
  }
});

Deno.test("a call with another key is refused", async () => {
  const other = await signed({ accessKeyId: "AKIAOTHER" });
  assert.equal(await refusal(other), "UnrecognizedClientException");
  const token = await signed({ sessionToken: "token" });
  assert.equal(await refusal(token), "UnrecognizedClientException");
  const secret = await signed({ secretAccessKey: "guess" });
  assert.equal(await refusal(secret), "InvalidSignatureException");
});

Deno.test("temporary credentials need their token", async () => {
  const verifier = new SignatureVerifier([{ ...key, sessionToken: "token" }]);
  await verifier.verify(await signed({ sessionToken: "token" }), now);
  await assert.rejects(async () => verifier.verify(await signed(), now), {
    type: "UnrecognizedClientException",
  });
});

Deno.test("a modified call is refused", async () => {
  const call = await signed();
  const other = new TextEncoder().encode('{"args":["x"]}');
  const change = async (changed: Partial<SignedCall>) => await refusal({ ...call, ...changed });
  assert.equal(await change({ body: other }), "InvalidSignatureException");
  assert.equal(await change({ method: "PUT" }), "InvalidSignatureException");
  assert.equal(await change({ url: url.replace("hello", "other") }), "InvalidSignatureException");
  const headers = new Headers(call.headers);
  headers.set("x-amz-log-type", "None");
  assert.equal(await change({ headers }), "InvalidSignatureException");
  const hashed = await signed({ headers: { "x-amz-content-sha256": sha256(body) } });
  assert.equal(await refusal({ ...hashed, body: other }), "InvalidSignatureException");
});

Deno.test("a signature for another service, or that does not cover the date, is refused", async () => {
  assert.equal(await refusal(await signed({ service: "s3" })), "InvalidSignatureException");
  const { headers, ...call } = await signed();
  const authorization = headers.get("authorization") ?? "";
  headers.set("authorization", authorization.replace(";x-amz-date", ""));
  assert.equal(await refusal({ ...call, headers }), "InvalidSignatureException");
});

Deno.test("a clock that is off by more than five minutes is refused", async () => {
  const call = await signed();
  assert.equal(await refusal(call, now + 299_000), "accepted");
  assert.equal(await refusal(call, now - 299_000), "accepted");
  const late = new SignatureVerifier([key]).verify(call, now + 301_000);
  await assert.rejects(late, {
    message: "Signature expired: 20260102T030405Z is now earlier than 20260102T030406Z " +
      "(20260102T030906Z - 5 min.)",
  });
  assert.equal(await refusal(call, now - 301_000), "InvalidSignatureException");
});
