import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { AwsV4Signer } from "npm:aws4fetch@1.0.20";
import { Signatures } from "../../lib/aws/signatures.ts";
import { HmacKey } from "../../lib/aws/signer.ts";
import { sha256 } from "../../lib/files/hash.ts";
import { bytesOf, noise } from "../helpers.ts";

// Of https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
const credentials = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};
const example = {
  credentials,
  service: "s3",
  region: "us-east-1",
  method: "GET",
  url: "https://examplebucket.s3.amazonaws.com/?lifecycle",
  headers: {},
  bodyHash: sha256(""),
  time: Date.parse("2013-05-24T00:00:00Z"),
};
const signature = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543";

function signatureOf(headers: Readonly<Record<string, string>> = {}): string | undefined {
  return headers["authorization"]?.split("Signature=")[1];
}

Deno.test("AWS's example gets AWS's signature", () => {
  const { headers } = new Signatures().sign(example);
  assert.equal(signatureOf(headers), signature);
  assert.equal(headers["x-amz-date"], "20130524T000000Z");
});

Deno.test("requests of one kind are signed correctly, on another day too", () => {
  const signatures = new Signatures();
  const others = Array.from({ length: 100 }, (_, index) => ({
    ...example,
    bodyHash: sha256(String(index)),
    time: example.time + index * 3_600_000,
  }));
  const all = [...others, example].map((each) => signatures.sign(each));
  assert.equal(signatureOf(all.at(-1)?.headers), signature);
  for (const [index, each] of others.entries()) {
    const alone = new Signatures().sign(each);
    assert.deepEqual(all[index], alone);
  }
  assert.equal(new Set(all.map(({ headers }) => signatureOf(headers))).size, 101);
});

Deno.test("other credentials take effect at once", () => {
  const signatures = new Signatures();
  signatures.sign(example);
  const token = { ...credentials, secretAccessKey: "another", sessionToken: "the-token" };
  const { headers } = signatures.sign({ ...example, credentials: token });
  assert.equal(headers["x-amz-security-token"], "the-token");
  assert.notEqual(signatureOf(headers), signature);
  assert.equal(signatureOf(signatures.sign(example).headers), signature);
});

Deno.test("requests to S3 that differ in path and headers are signed as by aws4fetch", async () => {
  const signatures = new Signatures();
  const bytes = noise(20_000, 7);
  let used = 0;
  const pick = <T>(items: readonly T[]): T => items[(bytes[used++] ?? 0) % items.length] as T;
  const names = ["range", "content-type", "if-none-match", "x-amz-checksum-sha256", "x-amz-meta-a"];
  const values = [
    "bytes=0-99",
    "*",
    "a  b",
    " a",
    "caf\u00e9",
    "x-amz-content-sha256:0",
    "a b",
    "",
  ];
  const paths = [
    "/a/b.txt",
    "/x-amz-date",
    "//a",
    "/a%20b",
    "/a+b",
    "/caf%C3%A9",
    "/%2e",
    "/",
    "/a:b",
  ];
  const searches = ["", "?partNumber=1&uploadId=a%2Fb", "?list-type=2&prefix=a+b"];
  for (let index = 0; index < 500; index++) {
    const headers = Object.fromEntries(
      names.filter(() => pick([true, false])).map((name) => [name, pick(values)]),
    );
    const request = {
      ...example,
      method: pick(["GET", "PUT"]),
      url: `https://${pick(["bucket", "other"])}.s3.amazonaws.com${pick(paths)}${pick(searches)}`,
      headers,
      bodyHash: sha256(String(index % 3)),
      time: example.time + (index % 5) * 20_000_000,
      credentials: index % 100 < 50 ? credentials : { ...credentials, sessionToken: "token" },
    };
    const signed = signatures.sign(request);
    const expected = await new AwsV4Signer({
      ...request.credentials,
      ...{ method: request.method, url: request.url, service: "s3", region: request.region },
      headers: { ...headers, "x-amz-content-sha256": request.bodyHash },
      datetime: new Date(request.time).toISOString().replace(/[:-]|\.\d{3}/g, ""),
    }).sign();
    assert.equal(signed.url.href, expected.url.href);
    const sent = [...new Headers(signed.headers)];
    assert.deepEqual(sent, [...expected.headers], JSON.stringify(request));
  }
});

Deno.test("more kinds of requests than are cached are signed correctly", () => {
  const signatures = new Signatures();
  for (let round = 0; round < 2; round++) {
    for (let index = 0; index < 100; index++) {
      const each = { ...example, url: `https://examplebucket.s3.amazonaws.com/${index}` };
      assert.deepEqual(signatures.sign(each), new Signatures().sign(each));
    }
  }
});

Deno.test("HMAC is that of node:crypto, for keys of any length", () => {
  for (let length = 0; length < 200; length += 7) {
    const key = bytesOf("k".repeat(length));
    assert.equal(
      new HmacKey(key).hex("text"),
      createHmac("sha256", key).update("text").digest("hex"),
    );
  }
});
