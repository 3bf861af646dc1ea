/**
 * Measures the cost of a signature.
 *
 * @module
 */

import { Signatures } from "../../lib/aws/signatures.ts";
import { AwsV4Signer } from "npm:aws4fetch@1.0.20";
import { sha256 } from "../../lib/files/hash.ts";
import { type BenchContext, type Figure, median } from "./figure.ts";

const rounds = 7;
const signatures = 2000;

const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "example" };
const url = "https://lambda.us-west-2.amazonaws.com/2015-03-31/functions/stub/invocations";

/** Runs the benchmark. */
export async function benchSignature({ signal, say }: BenchContext): Promise<Figure[]> {
  const ours = new Signatures();
  const sign = (bodyHash: string) =>
    ours.sign({
      ...{ credentials, service: "lambda", region: "us-west-2", method: "POST", url, bodyHash },
      headers: { "content-type": "application/json" },
      time: Date.now(),
    });
  // Plain aws4fetch, with a cached key and without hashing the body.
  const cache = new Map<string, ArrayBuffer>();
  const signPlainly = (bodyHash: string) =>
    new AwsV4Signer({
      ...{ ...credentials, service: "lambda", region: "us-west-2", method: "POST", url, cache },
      headers: { "content-type": "application/json", "x-amz-content-sha256": bodyHash },
    }).sign();
  const times = { ours: new Array<number>(), plain: new Array<number>() };
  for (let round = 0; round < rounds; round++) {
    for (const [name, work] of [["ours", sign], ["plain", signPlainly]] as const) {
      signal.throwIfAborted();
      const start = performance.now();
      for (let index = 0; index < signatures; index++) await work(sha256(`${index}`));
      times[name].push(((performance.now() - start) * 1000) / signatures);
    }
  }
  const [measured, beside] = [median(times.ours), median(times.plain)];
  say(`${measured.toFixed(1)} us, ${beside.toFixed(1)} us with plain aws4fetch`);
  return [{
    what: "a signature, including the hash of the body",
    measured: `${measured.toFixed(1)} us`,
    beside: `plain aws4fetch: ${beside.toFixed(1)} us`,
    ratio: measured / beside,
  }];
}
