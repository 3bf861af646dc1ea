import assert from "node:assert/strict";
import { EnvironmentLog, LogTail, reportLine } from "../../lib/local/log.ts";

Deno.test("the end of a log is its last 4 KiB", () => {
  const tail = new LogTail();
  let all = "";
  for (let line = 0; line < 2000; line++) {
    const text = `line ${line}\n`;
    all += text;
    tail.append(new TextEncoder().encode(text));
  }
  assert.equal(new TextDecoder().decode(tail.bytes()), all.slice(-4096));
});

Deno.test("the end of one long chunk is its last 4 KiB", () => {
  const tail = new LogTail();
  tail.append(new TextEncoder().encode("a".repeat(10_000) + "b"));
  assert.equal(new TextDecoder().decode(tail.bytes()), "a".repeat(4095) + "b");
});

Deno.test("lines arrive whole, whatever chunks they are read in", async () => {
  const lines: string[] = [];
  const bytes = new TextEncoder().encode("one\ntwö\r\n\nlast");
  const stream = ReadableStream.from(Array.from(bytes, (byte) => new Uint8Array([byte])));
  const log = new EnvironmentLog([stream], (line) => lines.push(line));
  await log.close(1000);
  assert.deepEqual(lines, ["one", "twö", "", "last"]);
});

Deno.test("an endless line does not exhaust memory", async () => {
  const lines: number[] = [];
  const piece = new Uint8Array(64 * 1024).fill(0x61);
  const log = new EnvironmentLog(
    [ReadableStream.from([piece, piece, piece, piece, piece])],
    (line) => lines.push(line.length),
  );
  await log.close(1000);
  assert.deepEqual(lines, [256 * 1024, 64 * 1024]);
});

Deno.test("a log whose pipes stay open is closed after a timeout", async () => {
  let isCancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    cancel() {
      isCancelled = true;
    },
  });
  await new EnvironmentLog([stream], undefined).close(1);
  assert(isCancelled);
});

Deno.test("the report is written as Lambda writes it", () => {
  const report = { requestId: "r", milliseconds: 12.341, memory: 512, usedMemory: 40 };
  assert.equal(
    reportLine({ ...report, initMilliseconds: undefined }),
    "REPORT RequestId: r\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 512 MB\t" +
      "Max Memory Used: 40 MB\t",
  );
  assert.equal(
    reportLine({ ...report, initMilliseconds: 100, status: "timeout" }),
    "REPORT RequestId: r\tDuration: 12.34 ms\tBilled Duration: 113 ms\tMemory Size: 512 MB\t" +
      "Max Memory Used: 40 MB\tInit Duration: 100.00 ms\tStatus: timeout\t",
  );
});
