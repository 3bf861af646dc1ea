import assert from "node:assert/strict";
import { bypassesProxy } from "../../lib/system/no_proxy.ts";

const lists: [noProxy: string, url: string, isBypassed: boolean][] = [
  ["", "https://lambda.us-west-2.amazonaws.com", false],
  ["", "http://127.0.0.1:8080", true],
  ["", "http://[::1]:8080", true],
  ["*", "https://lambda.us-west-2.amazonaws.com", true],
  ["amazonaws.com", "https://lambda.us-west-2.amazonaws.com", true],
  [".amazonaws.com", "https://lambda.us-west-2.amazonaws.com", true],
  ["*.amazonaws.com", "https://lambda.us-west-2.amazonaws.com", true],
  ["amazonaws.com", "https://notamazonaws.com", false],
  ["*.amazonaws.com", "https://notamazonaws.com", false],
  ["a.example, *.Amazonaws.COM ,b.example", "https://lambda.us-west-2.amazonaws.com", true],
  ["vpce.example:443", "https://vpce.example", true],
  ["vpce.example:80", "http://vpce.example/path", true],
  ["vpce.example:8443", "https://vpce.example:8443", true],
  ["vpce.example:8443", "https://vpce.example", false],
  ["*.example:8443", "https://vpce.example:8443", true],
  ["*.example:8443", "https://vpce.example:9443", false],
  [",,", "https://vpce.example", false],
  ["*.", "https://vpce.example", false],
];

Deno.test("NO_PROXY's hosts, with ports and with *. before them, are reached without a proxy", () => {
  for (const [noProxy, url, isBypassed] of lists) {
    assert.equal(bypassesProxy(new URL(url), noProxy), isBypassed, `${noProxy} ${url}`);
  }
});
