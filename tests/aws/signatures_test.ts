import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { Signatures } from "../../lib/aws/signatures.ts";
import { HmacKey } from "../../lib/aws/signer.ts";
import { sha256 } from "../../lib/files/hash.ts";
import { bytesOf } from "../helpers.ts";

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
