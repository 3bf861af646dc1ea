import assert from "node:assert/strict";
import { CostMeter } from "../../lib/cost/cost.ts";
import { defaultPrices, pricesOf, type PriceTable, readPrices } from "../../lib/cost/prices.ts";
import { TemporaryDirectory } from "../helpers.ts";

const prices = pricesOf(defaultPrices, "us-east-1");
const report = (billed: number, memory: number) =>
  `REPORT RequestId: x\tDuration: 1.00 ms\tBilled Duration: ${billed} ms\t` +
  `Memory Size: ${memory} MB\tMax Memory Used: 40 MB\t\n`;

/** Compares prices, allowing for rounding errors. */
function near(actual: number | undefined, expected: number) {
  assert(actual !== undefined && Math.abs(actual - expected) < 1e-15, `${actual}, ${expected}`);
}

Deno.test("the cost matches AWS's example of 3 million requests of 120 ms with 1,536 MB", () => {
  // https://aws.amazon.com/lambda/pricing/, without the free tier: $9.00 for time on x86_64, and
  // 20 cents a million requests.
  const meter = new CostMeter(prices);
  const cost = meter.costOf({ logTail: report(120, 1536), elapsedMilliseconds: 200 });
  assert.deepEqual([cost.billedMilliseconds, cost.memory, cost.usedMemory], [120, 1536, 40]);
  assert.equal(cost.isEstimate, false);
  assert.equal((cost.dollars * 3e6).toFixed(2), "9.60");
});

Deno.test("without a report, the cost is an estimate from the runtime's times including its start", () => {
  const meter = new CostMeter(prices);
  const cost = meter.costOf({
    times: { cold: true, e2e: 99_100_000, init: 900_000 },
    environment: { memory: 1024, arch: "arm64" },
    elapsedMilliseconds: 300,
  });
  assert.deepEqual([cost.billedMilliseconds, cost.isEstimate], [100, true]);
  near(cost.dollars, 0.0000002 + 0.1 * 0.0000133334);
});

Deno.test("an invocation without figures is priced by those of earlier invocations", () => {
  const meter = new CostMeter(prices);
  const unknown = meter.costOf({ elapsedMilliseconds: 1000.2 });
  assert.equal(unknown.memory, undefined);
  near(unknown.dollars, 0.0000002);
  meter.costOf({ logTail: report(1, 2048), elapsedMilliseconds: 5 });
  const crashed = meter.costOf({ elapsedMilliseconds: 1000.2 });
  assert.deepEqual([crashed.billedMilliseconds, crashed.memory], [1001, 2048]);
  near(crashed.dollars, 0.0000002 + 1.001 * 2 * 0.0000166667);
});

Deno.test("a region has its own prices and the default for all others", () => {
  assert.equal(pricesOf(defaultPrices, "ap-east-1").x86_64, 0.00002292);
  assert.equal(pricesOf(defaultPrices, "ap-east-1").s3Put, defaultPrices.default.s3Put);
  assert.deepEqual(pricesOf(defaultPrices, "constructor"), defaultPrices.default);
});

Deno.test("the built-in prices are a guess for China, unlike those of a file", () => {
  const logTail = report(1, 128);
  const isEstimate = (table: PriceTable, region: string) =>
    new CostMeter(pricesOf(table, region)).costOf({ logTail, elapsedMilliseconds: 1 }).isEstimate;
  assert(isEstimate(defaultPrices, "cn-north-1"));
  assert(!isEstimate(defaultPrices, "ca-central-1"));
  assert(!isEstimate({ ...defaultPrices, date: "2027-01-01" }, "cn-north-1"));
});

Deno.test("a price file replaces the built-in prices", async () => {
  await using directory = new TemporaryDirectory();
  const table = {
    date: "2027-01-31",
    source: "our contract",
    default: { x86_64: 1, arm64: 2, request: 3, s3Put: 4, s3Get: 5 },
    regions: { "eu-west-1": { request: 6 } },
  };
  const path = await directory.write("prices.json", JSON.stringify(table));
  const read = await readPrices(path);
  assert.deepEqual(read, table);
  assert.deepEqual(pricesOf(read, "eu-west-1"), { ...table.default, request: 6 });
  assert.deepEqual(pricesOf(read, "ap-east-1"), table.default);
});

Deno.test("the error for an invalid price file names the file and the field", async () => {
  await using directory = new TemporaryDirectory();
  const path = await directory.write("prices.json", '{"date": "soon", "source": ""}');
  await assert.rejects(readPrices(path), (error: Error) => {
    assert.match(error.message, /prices\.json" is not a valid price table: date: is not a date/);
    return true;
  });
  await assert.rejects(readPrices(directory.join("absent")), {
    code: "config",
    message: /cannot read the prices in ".*absent": no such file or directory/,
  });
});
