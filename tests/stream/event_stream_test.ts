import assert from "node:assert/strict";
import { crc32 as zlibCrc32 } from "node:zlib";
import { joinBytes } from "../../lib/files/bytes.ts";
import {
  crc32,
  DamagedEventStream,
  encodeEvent,
  EventDecoder,
  type EventMessage,
} from "../../lib/stream/event_stream.ts";
import { bytesOf, noise, testWith, textOf } from "../helpers.ts";

function decode(pieces: readonly Uint8Array[]): { headers: object; text: string }[] {
  const decoder = new EventDecoder();
  const found: EventMessage[] = [];
  for (const piece of pieces) found.push(...decoder.decode(piece));
  decoder.end();
  return found.map(({ headers, payload }) => ({
    headers: Object.fromEntries(headers),
    text: textOf(payload),
  }));
}

const headers = { ":event-type": "PayloadChunk", ":message-type": "event" };
const messages = joinBytes([
  encodeEvent(headers, bytesOf("one")),
  encodeEvent({}, new Uint8Array()),
  encodeEvent({ ":event-type": "InvokeComplete" }, bytesOf("{}")),
]);
const expected = [
  { headers, text: "one" },
  { headers: {}, text: "" },
  { headers: { ":event-type": "InvokeComplete" }, text: "{}" },
];

Deno.test("the message without headers and payload is that of the specification", () => {
  const hex = "000000100000000005c248eb7d98c8ff";
  assert.equal(encodeEvent({}, new Uint8Array()).toHex(), hex);
});

Deno.test("messages are decoded however they are divided", () => {
  assert.deepEqual(decode([messages]), expected);
  assert.deepEqual(decode([...messages].map((byte) => Uint8Array.of(byte))), expected);
  for (let at = 0; at <= messages.length; at++) {
    assert.deepEqual(decode([messages.subarray(0, at), messages.subarray(at)]), expected);
  }
});

Deno.test("headers of other types than strings are skipped", () => {
  const values: [number, number[]][] = [
    [0, []],
    [1, []],
    [2, [1]],
    [3, [1, 2]],
    [4, [1, 2, 3, 4]],
    [5, [1, 2, 3, 4, 5, 6, 7, 8]],
    [6, [0, 2, 1, 2]],
    [8, [1, 2, 3, 4, 5, 6, 7, 8]],
    [9, Array.from({ length: 16 }, (_, index) => index)],
    [7, [0, 1, 98]],
  ];
  const bytes = values.flatMap(([type, value]) => [1, 97, type, ...value]);
  const message = encodeEvent({}, Uint8Array.from(bytes));
  // What was the payload becomes the headers.
  const view = new DataView(message.buffer);
  view.setUint32(4, bytes.length);
  view.setUint32(8, crc32(message.subarray(0, 8)));
  view.setUint32(message.length - 4, crc32(message.subarray(0, -4)));
  assert.deepEqual(decode([message]), [{ headers: { a: "b" }, text: "" }]);
});

Deno.test("every flipped bit and every missing byte is noticed", () => {
  for (let bit = 0; bit < messages.length * 8; bit++) {
    const flipped = messages.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => decode([flipped]), DamagedEventStream, `bit ${bit}`);
  }
  const ends = new Set([0, expected.length]);
  for (let length = 0; length < messages.length; length++) {
    const part = messages.subarray(0, length);
    try {
      // Whole messages are no damage: the last one of a response is known by its type.
      assert(decode([part]).length < expected.length);
      ends.add(length);
    } catch (error) {
      assert(error instanceof DamagedEventStream);
    }
  }
  assert.equal(ends.size, 4);
});

Deno.test("no memory is allocated for a length that cannot be", () => {
  const message = encodeEvent({}, new Uint8Array());
  const view = new DataView(message.buffer);
  for (
    const [total, headerBytes] of [[0xffffffff, 0], [15, 0], [200_000, 199_999], [16, 1]] as const
  ) {
    view.setUint32(0, total);
    view.setUint32(4, headerBytes);
    view.setUint32(8, crc32(message.subarray(0, 8)));
    assert.throws(() => decode([message]), /a message cannot have/);
  }
});

Deno.test("the checksum is zlib's", () => {
  for (const length of [0, 1, 7, 1000]) {
    assert.equal(crc32(noise(length)), zlibCrc32(noise(length)));
  }
});

testWith(["LLAMA_TEST_MOTO"], "botocore reads the same messages", async () => {
  const python = (Deno.env.get("LLAMA_TEST_MOTO") ?? "").replace(/[^/]*$/, "python");
  const script = "import sys, json\n" +
    "from botocore.eventstream import EventStreamBuffer\n" +
    "buffer = EventStreamBuffer()\n" +
    "buffer.add_data(sys.stdin.buffer.read())\n" +
    'print(json.dumps([{"headers": e.headers, "text": e.payload.decode()} for e in buffer]))\n';
  const child = new Deno.Command(python, {
    args: ["-c", script],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(messages);
  await writer.close();
  const { stdout } = await child.output();
  assert.deepEqual(JSON.parse(textOf(stdout)), expected);
});
