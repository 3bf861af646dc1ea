import assert from "node:assert/strict";
import { parseReport } from "../../lib/cost/report_line.ts";
import { reportLine } from "../../lib/local/log.ts";

// As in https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
const text = "START RequestId: 8f507cfc-xmpl-4697-b07a-ac58fc914c95 Version: $LATEST\n" +
  "some output\n" +
  "END RequestId: 8f507cfc-xmpl-4697-b07a-ac58fc914c95\n" +
  "REPORT RequestId: 8f507cfc-xmpl-4697-b07a-ac58fc914c95\tDuration: 15.74 ms\t" +
  "Billed Duration: 147 ms\tMemory Size: 128 MB\tMax Memory Used: 56 MB\t" +
  "Init Duration: 130.49 ms\t\n";

// As in https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
const json = JSON.stringify({
  time: "2024-03-13T18:56:24.046Z",
  type: "platform.report",
  record: {
    requestId: "6d68ca91-49c9-448d-89b8-7ca3e6dc66aa",
    metrics: {
      durationMs: 214,
      billedDurationMs: 215,
      memorySizeMB: 512,
      maxMemoryUsedMB: 73,
    },
    status: "success",
  },
});

Deno.test("a report is parsed in text form", () => {
  assert.deepEqual(parseReport(text), {
    billedMilliseconds: 147,
    memory: 128,
    usedMemory: 56,
    initMilliseconds: 130.49,
  });
});

Deno.test("a report is parsed in JSON form", () => {
  const expected = { billedMilliseconds: 215, memory: 512, usedMemory: 73 };
  const log = `{"time":"x","type":"platform.start"}\n${json}\n`;
  assert.deepEqual(parseReport(log), { ...expected, initMilliseconds: undefined });
});

Deno.test("lines after the report and a missing final newline are ignored", () => {
  const more = "XRAY TraceId: 1-5e34a614-10bdxmplf1fb44f07bc535a1\tSegmentId: 07f5xmpl2d1f6f85\n";
  assert.equal(parseReport(text + more)?.billedMilliseconds, 147);
  assert.equal(parseReport(text.trimEnd())?.billedMilliseconds, 147);
});

Deno.test("a report written by the function itself is ignored in favor of Lambda's", () => {
  const own = text.replace("147", "1");
  assert.equal(parseReport(own + text)?.billedMilliseconds, 147);
  assert.equal(parseReport(`${json.replace("215", "1")}\n${json}\n`)?.billedMilliseconds, 215);
});

Deno.test("a log with no report or an incomplete one gives undefined", () => {
  const broken = '{"type":"platform.report","record":{"metrics":{"durationMs":1}}}';
  const logs = [
    "",
    "\n",
    text.slice(0, 200),
    json.slice(5),
    `{"platform.report": nonsense}`,
    broken,
  ];
  for (const log of logs) assert.equal(parseReport(log), undefined, log);
});

Deno.test("the emulator writes a report in Lambda's format", () => {
  const line = reportLine({
    requestId: "id",
    milliseconds: 3.2,
    initMilliseconds: 10.25,
    memory: 256,
    usedMemory: 60,
    status: "timeout",
  });
  assert.deepEqual(parseReport(line), {
    billedMilliseconds: 14,
    memory: 256,
    usedMemory: 60,
    initMilliseconds: 10.25,
  });
});
