/**
 * AWS's event stream encoding, in which InvokeWithResponseStream answers:
 * https://smithy.io/2.0/aws/amazon-eventstream.html
 *
 * A message is the total length, the length of its headers, a CRC-32 of both, the headers, the
 * payload, and a CRC-32 of all that. Numbers are big-endian.
 *
 * @module
 */

/** The media type of an event stream. */
export const eventStreamType = "application/vnd.amazon.eventstream";

/** A message of an event stream. */
export interface EventMessage {
  /** Its headers that are strings. */
  readonly headers: ReadonlyMap<string, string>;
  /** Its payload. */
  readonly payload: Uint8Array;
}

/** An event stream that is damaged or incomplete. */
export class DamagedEventStream extends Error {
  override readonly name = "DamagedEventStream";
}

const preludeBytes = 12;
const crcBytes = 4;

/** The maximum size of the headers of a message, by the specification. */
const maxHeaderBytes = 128 * 1024;

/** The maximum size of a message, by the specification: 16 MiB of payload, and its headers. */
const maxMessageBytes = 16 * 1024 * 1024 + maxHeaderBytes + preludeBytes + crcBytes;

/** The type of a header whose value is a string. */
const stringType = 7;

/** The sizes of values of the other types: true, false, byte, short, integer, long, timestamp, UUID. */
const fixedSizes: ReadonlyMap<number, number> = new Map([
  [0, 0],
  [1, 0],
  [2, 1],
  [3, 2],
  [4, 4],
  [5, 8],
  [8, 8],
  [9, 16],
]);

/**
 * Encodes a message.
 *
 * @param headers Its headers, as strings.
 * @param payload Its payload.
 * @returns The message.
 */
export function encodeEvent(
  headers: Readonly<Record<string, string>>,
  payload: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const parts = Object.entries(headers).map(([name, value]) => ({
    name: encoder.encode(name),
    value: encoder.encode(value),
  }));
  const headerBytes = parts.reduce(
    (sum, part) => sum + part.name.length + part.value.length + 4,
    0,
  );
  const total = preludeBytes + headerBytes + payload.length + crcBytes;
  const message = new Uint8Array(total);
  const view = new DataView(message.buffer);
  view.setUint32(0, total);
  view.setUint32(4, headerBytes);
  view.setUint32(8, crc32(message.subarray(0, 8)));
  let at = preludeBytes;
  for (const { name, value } of parts) {
    message[at] = name.length;
    message.set(name, at + 1);
    at += 1 + name.length;
    message[at] = stringType;
    view.setUint16(at + 1, value.length);
    message.set(value, at + 3);
    at += 3 + value.length;
  }
  message.set(payload, at);
  view.setUint32(total - crcBytes, crc32(message.subarray(0, total - crcBytes)));
  return message;
}

/** Decodes an event stream in bounded memory, and checks its checksums. */
export class EventDecoder {
  /** The beginning of an incomplete message: room for its prelude, or for all of it. */
  #pending = new Uint8Array(preludeBytes);
  #filled = 0;

  /**
   * Decodes the next bytes.
   *
   * @param bytes The bytes, split anywhere.
   * @returns The messages that are complete. A payload may refer to `bytes`.
   * @throws {DamagedEventStream} If a checksum or a length is wrong.
   */
  *decode(bytes: Uint8Array): Generator<EventMessage, void, undefined> {
    let rest = bytes;
    while (rest.length > 0) {
      // Without a copy if the message is complete.
      if (this.#filled === 0 && rest.length >= preludeBytes) {
        const total = totalOf(rest);
        if (rest.length >= total) {
          yield parseMessage(rest.subarray(0, total));
          rest = rest.subarray(total);
          continue;
        }
      }
      rest = this.#add(rest);
      if (this.#filled < this.#pending.length) continue;
      const total = totalOf(this.#pending);
      const message = this.#pending;
      if (message.length < total) {
        this.#pending = new Uint8Array(total);
        this.#pending.set(message);
        continue;
      }
      this.#pending = new Uint8Array(preludeBytes);
      this.#filled = 0;
      yield parseMessage(message);
    }
  }

  /**
   * Checks that the stream ended after a complete message.
   *
   * @throws {DamagedEventStream} If it did not.
   */
  end(): void {
    if (this.#filled > 0) throw new DamagedEventStream("it ends in the middle of a message");
  }

  #add(bytes: Uint8Array): Uint8Array {
    const part = bytes.subarray(0, this.#pending.length - this.#filled);
    this.#pending.set(part, this.#filled);
    this.#filled += part.length;
    return bytes.subarray(part.length);
  }
}

/** Returns a message's length, which is checked before memory is allocated for it. */
function totalOf(bytes: Uint8Array): number {
  const view = viewOf(bytes);
  if (view.getUint32(8) !== crc32(bytes.subarray(0, 8))) {
    throw new DamagedEventStream("the checksum of a message's length is wrong");
  }
  const total = view.getUint32(0);
  const headerBytes = view.getUint32(4);
  const least = preludeBytes + headerBytes + crcBytes;
  if (headerBytes > maxHeaderBytes || total < least || total > maxMessageBytes) {
    throw new DamagedEventStream(`a message cannot have ${total} bytes, ${headerBytes} of headers`);
  }
  return total;
}

function parseMessage(message: Uint8Array): EventMessage {
  const view = viewOf(message);
  const end = message.length - crcBytes;
  if (view.getUint32(end) !== crc32(message.subarray(0, end))) {
    throw new DamagedEventStream("the checksum of a message is wrong");
  }
  const headersEnd = preludeBytes + view.getUint32(4);
  return {
    headers: parseHeaders(message.subarray(preludeBytes, headersEnd)),
    payload: message.subarray(headersEnd, end),
  };
}

function parseHeaders(bytes: Uint8Array): Map<string, string> {
  const headers = new Map<string, string>();
  const decoder = new TextDecoder();
  const view = viewOf(bytes);
  try {
    for (let at = 0; at < bytes.length;) {
      const nameEnd = at + 1 + view.getUint8(at);
      const name = decoder.decode(bytes.subarray(at + 1, nameEnd));
      const type = view.getUint8(nameEnd);
      const fixed = fixedSizes.get(type);
      const start = nameEnd + (fixed === undefined ? 3 : 1);
      at = start + (fixed ?? view.getUint16(nameEnd + 1));
      if (at > bytes.length) throw new RangeError("too short");
      if (type === stringType) headers.set(name, decoder.decode(bytes.subarray(start, at)));
    }
  } catch (cause) {
    throw new DamagedEventStream("the headers of a message are malformed", { cause });
  }
  return headers;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

let table: Uint32Array | undefined;

/**
 * Returns the CRC-32 of bytes, as zlib's. `node:zlib` has it too, but takes 10 ms or more to load.
 *
 * @param bytes The bytes.
 */
export function crc32(bytes: Uint8Array): number {
  const known = table ??= makeTable();
  let crc = 0xffffffff;
  // By index: `for ... of` is several times slower before it is optimized.
  for (let at = 0; at < bytes.length; at++) {
    crc = (known[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function makeTable(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, index) => {
    let value = index;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
    return value;
  });
}
