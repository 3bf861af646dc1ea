/**
 * Encodes and decodes PNG files, to generate pictures and to compare pixels.
 *
 * The format is specified in https://www.w3.org/TR/png-3/.
 *
 * @module
 */

import { crc32, deflateSync } from "node:zlib";

/** The parts of a PNG file. */
export interface PngImage {
  /** Pixels in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Bits per sample: 1, 2, 4, 8 or 16. */
  readonly bitDepth: number;
  /** 0 gray, 2 RGB, 3 palette, 4 gray with alpha, 6 RGBA. */
  readonly colorType: number;
  /** Whether the rows are in the seven passes of Adam7. @default {false} */
  readonly interlaced?: boolean;
  /** The palette, three bytes per color. */
  readonly palette?: Uint8Array;
  /** The bytes of `tRNS`: the alphas of the palette, or the one transparent color. */
  readonly transparency?: Uint8Array;
  /** The rows, each preceded by its filter type. */
  readonly scanlines: Uint8Array<ArrayBuffer>;
  /** Whether the rows are stored uncompressed. @default {false} */
  readonly uncompressed?: boolean;
}

/** The pixels of a picture, regardless of its format. */
export interface Pixels {
  /** Pixels in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /**
   * Red, green, blue and alpha of each pixel, from 0 to 65535. All bit depths scale to that range
   * without rounding, so equal pictures have equal samples.
   */
  readonly samples: Uint16Array;
}

/** The error for a file that is not a valid PNG. */
export class PngError extends Error {
  override readonly name = "PngError";
}

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** The samples per pixel and the valid bit depths, by color type. */
const colorTypes = new Map([
  [0, { channels: 1, bitDepths: [1, 2, 4, 8, 16] }],
  [2, { channels: 3, bitDepths: [8, 16] }],
  [3, { channels: 1, bitDepths: [1, 2, 4, 8] }],
  [4, { channels: 2, bitDepths: [8, 16] }],
  [6, { channels: 4, bitDepths: [8, 16] }],
]);

/** The position of a pass's pixels in the picture. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
}

const wholePicture: readonly Pass[] = [{ x: 0, y: 0, stepX: 1, stepY: 1 }];

const adam7: readonly Pass[] = [
  { x: 0, y: 0, stepX: 8, stepY: 8 },
  { x: 4, y: 0, stepX: 8, stepY: 8 },
  { x: 0, y: 4, stepX: 4, stepY: 8 },
  { x: 2, y: 0, stepX: 4, stepY: 4 },
  { x: 0, y: 2, stepX: 2, stepY: 4 },
  { x: 1, y: 0, stepX: 2, stepY: 2 },
  { x: 0, y: 1, stepX: 1, stepY: 2 },
];

/**
 * Precedes each row with filter type 0, which means no filter.
 *
 * @param rows The bytes of all rows.
 * @param rowBytes The number of bytes per row.
 * @returns The `scanlines` for {@linkcode encodePng}.
 */
export function unfiltered(rows: Uint8Array, rowBytes: number): Uint8Array<ArrayBuffer> {
  const count = rows.length / rowBytes;
  const scanlines = new Uint8Array(rows.length + count);
  for (let row = 0; row < count; row++) {
    scanlines.set(rows.subarray(row * rowBytes, (row + 1) * rowBytes), row * (rowBytes + 1) + 1);
  }
  return scanlines;
}

/**
 * Encodes a PNG file. The parts are not checked; the decoder does that.
 *
 * @param image The parts of the file.
 * @returns The file.
 */
export async function encodePng(image: PngImage): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height, bitDepth, colorType, palette, transparency, scanlines } = image;
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([bitDepth, colorType, 0, 0, image.interlaced ? 1 : 0], 8);
  const file = new Blob([
    new Uint8Array(signature),
    chunk("IHDR", header),
    ...(palette ? [chunk("PLTE", palette)] : []),
    ...(transparency ? [chunk("tRNS", transparency)] : []),
    chunk("IDAT", await compress(scanlines, image.uncompressed ?? false)),
    chunk("IEND", new Uint8Array()),
  ]);
  return await file.bytes();
}

/**
 * Decodes a PNG file.
 *
 * @param file The file.
 * @returns Its pixels.
 * @throws {PngError} If it is not a valid PNG.
 */
export async function decodePng(file: Uint8Array): Promise<Pixels> {
  const image = await readPng(file);
  const { width, height, bitDepth, scanlines } = image;
  const { channels } = formatOf(image);
  const pixelOf = pixelReader(image);
  const samples = new Uint16Array(width * height * 4);
  // The samples of one row, before they are converted to colors.
  const row = new Uint16Array(width * channels);
  let at = 0;
  for (const pass of image.interlaced ? adam7 : wholePicture) {
    const { columns, rows } = sizeOf(pass, width, height);
    if (columns === 0) continue;
    const rowBytes = Math.ceil(columns * channels * bitDepth / 8);
    const pixelBytes = Math.max(1, channels * bitDepth / 8);
    let above: Uint8Array = new Uint8Array(rowBytes);
    for (let index = 0; index < rows; index++) {
      const bytes = scanlines.subarray(at + 1, at + 1 + rowBytes);
      undoFilter(scanlines[at] ?? 0, bytes, above, pixelBytes);
      unpack(bytes, bitDepth, columns * channels, row);
      for (let column = 0; column < columns; column++) {
        const x = pass.x + column * pass.stepX;
        const y = pass.y + index * pass.stepY;
        pixelOf(row, column * channels, samples, (y * width + x) * 4);
      }
      above = bytes;
      at += 1 + rowBytes;
    }
  }
  return { width, height, samples };
}

/**
 * Reports whether two pictures have the same size and pixels.
 *
 * @param a One picture.
 * @param b The other picture.
 * @returns Whether they are equal.
 */
export function samePixels(a: Pixels, b: Pixels): boolean {
  return a.width === b.width && a.height === b.height &&
    a.samples.every((sample, index) => sample === b.samples[index]);
}

/** Parses all chunks. */
async function readPng(file: Uint8Array): Promise<PngImage> {
  if (signature.some((byte, index) => file[index] !== byte)) {
    throw new PngError("it does not start with the PNG signature");
  }
  let header: Omit<PngImage, "scanlines"> | undefined;
  let palette: Uint8Array | undefined;
  let transparency: Uint8Array | undefined;
  const compressed: Uint8Array<ArrayBuffer>[] = [];
  let dataEnded = false;
  for (let at = signature.length;;) {
    const { type, data, end } = readChunk(file, at);
    if (header === undefined && type !== "IHDR") {
      throw new PngError(`its first chunk is ${type}`);
    }
    if (type !== "IDAT" && compressed.length > 0) dataEnded = true;
    switch (type) {
      case "IHDR":
        if (header) throw new PngError("it has two headers");
        header = readHeader(data);
        break;
      case "PLTE":
        if (data.length === 0 || data.length % 3 !== 0 || data.length > 768) {
          throw new PngError(`a palette of ${data.length} bytes`);
        }
        palette = data;
        break;
      case "tRNS":
        transparency = data;
        break;
      case "IDAT":
        if (dataEnded) throw new PngError("its data is not in one piece");
        compressed.push(new Uint8Array(data));
        break;
      case "IEND": {
        if (end !== file.length) throw new PngError("there are bytes after its end");
        if (header?.colorType === 3 && !palette) throw new PngError("it has no palette");
        const image = {
          ...header,
          ...(palette ? { palette } : {}),
          ...(transparency ? { transparency } : {}),
        };
        return await withScanlines(image, compressed);
      }
      default:
        // A capital marks a chunk that is necessary to decode the picture.
        if (/^[A-Z]/.test(type)) throw new PngError(`it has an unknown chunk ${type}`);
    }
    at = end;
  }
}

async function withScanlines(
  image: Partial<PngImage>,
  compressed: readonly Uint8Array<ArrayBuffer>[],
): Promise<PngImage> {
  const { width = 0, height = 0, bitDepth = 0, colorType = 0, interlaced = false } = image;
  const header = { ...image, width, height, bitDepth, colorType, interlaced };
  let scanlines;
  try {
    scanlines = await through(new DecompressionStream("deflate"), ...compressed);
  } catch (cause) {
    throw new PngError("its data cannot be decompressed", { cause });
  }
  const { channels } = formatOf(header);
  let expected = 0;
  for (const pass of interlaced ? adam7 : wholePicture) {
    const { columns, rows } = sizeOf(pass, width, height);
    if (columns > 0) expected += rows * (1 + Math.ceil(columns * channels * bitDepth / 8));
  }
  if (scanlines.length !== expected) {
    throw new PngError(`it has ${scanlines.length} bytes of rows instead of ${expected}`);
  }
  return { ...header, scanlines };
}

function readChunk(file: Uint8Array, at: number): { type: string; data: Uint8Array; end: number } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (at + 12 > file.length) throw new PngError("it ends too early");
  const length = view.getUint32(at);
  const end = at + 12 + length;
  if (end > file.length) throw new PngError("it ends too early");
  const type = String.fromCharCode(...file.subarray(at + 4, at + 8));
  if (crc32(file.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) {
    throw new PngError(`the checksum of its chunk ${JSON.stringify(type)} is wrong`);
  }
  return { type, data: file.subarray(at + 8, end - 4), end };
}

function readHeader(data: Uint8Array): Omit<PngImage, "scanlines"> {
  if (data.length !== 13) throw new PngError(`a header of ${data.length} bytes`);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [bitDepth = 0, colorType = 0, compression, filter, interlace = 0] = data.subarray(8);
  if (width === 0 || height === 0) throw new PngError("it has no pixels");
  if (!colorTypes.get(colorType)?.bitDepths.includes(bitDepth)) {
    throw new PngError(`unknown color type ${colorType} with ${bitDepth} bits`);
  }
  if (compression !== 0 || filter !== 0 || interlace > 1) {
    throw new PngError("it is compressed, filtered or interlaced in an unknown way");
  }
  return { width, height, bitDepth, colorType, interlaced: interlace === 1 };
}

function formatOf({ colorType }: { colorType: number }): { channels: number } {
  const format = colorTypes.get(colorType);
  if (!format) throw new PngError(`unknown color type ${colorType}`);
  return format;
}

function sizeOf(pass: Pass, width: number, height: number): { columns: number; rows: number } {
  return {
    columns: Math.max(0, Math.ceil((width - pass.x) / pass.stepX)),
    rows: Math.max(0, Math.ceil((height - pass.y) / pass.stepY)),
  };
}

/** Undoes a row's filter in place. */
function undoFilter(
  filter: number,
  row: Uint8Array,
  above: Uint8Array,
  pixelBytes: number,
): void {
  if (filter === 0) return;
  if (filter > 4) throw new PngError(`unknown filter ${filter}`);
  for (let index = 0; index < row.length; index++) {
    const left = index < pixelBytes ? 0 : row[index - pixelBytes] ?? 0;
    const up = above[index] ?? 0;
    const upLeft = index < pixelBytes ? 0 : above[index - pixelBytes] ?? 0;
    row[index] = (row[index] ?? 0) + predict(filter, left, up, upLeft);
  }
}

function predict(filter: number, left: number, up: number, upLeft: number): number {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    default: {
      // Paeth: the neighbor nearest to left + up - corner; the order decides ties.
      const toLeft = Math.abs(up - upLeft);
      const toUp = Math.abs(left - upLeft);
      const toUpLeft = Math.abs(left + up - 2 * upLeft);
      if (toLeft <= toUp && toLeft <= toUpLeft) return left;
      return toUp <= toUpLeft ? up : upLeft;
    }
  }
}

/** Unpacks the bytes of a row into samples; the leftmost sample is in the high bits. */
function unpack(bytes: Uint8Array, bitDepth: number, count: number, samples: Uint16Array): void {
  for (let index = 0; index < count; index++) {
    if (bitDepth === 16) {
      samples[index] = (bytes[index * 2] ?? 0) << 8 | (bytes[index * 2 + 1] ?? 0);
    } else {
      const bit = index * bitDepth;
      const shift = 8 - bitDepth - bit % 8;
      samples[index] = (bytes[bit >> 3] ?? 0) >> shift & (1 << bitDepth) - 1;
    }
  }
}

/** Converts the pixel whose samples start at `from`, and writes it to `samples` at `to`. */
type PixelReader = (row: Uint16Array, from: number, samples: Uint16Array, to: number) => void;

function pixelReader(image: PngImage): PixelReader {
  const { bitDepth, colorType, palette, transparency } = image;
  const scale = 0xffff / (2 ** bitDepth - 1);
  if (palette && colorType === 3) return paletteReader(palette, transparency);
  const gray = colorType === 0 || colorType === 4;
  const colors = gray ? 1 : 3;
  const hasAlpha = colorType >= 4;
  const clear = hasAlpha ? undefined : transparentColor(transparency, colors);
  return (row, from, samples, to) => {
    let isClear = clear !== undefined;
    for (let channel = 0; channel < 3; channel++) {
      const value = row[gray ? from : from + channel] ?? 0;
      if (clear?.[gray ? 0 : channel] !== value) isClear = false;
      samples[to + channel] = value * scale;
    }
    samples[to + 3] = hasAlpha ? (row[from + colors] ?? 0) * scale : isClear ? 0 : 0xffff;
  };
}

function paletteReader(palette: Uint8Array, alphas: Uint8Array = new Uint8Array()): PixelReader {
  if (alphas.length > palette.length / 3) throw new PngError("more alphas than colors");
  return (row, from, samples, to) => {
    const entry = row[from] ?? 0;
    for (let channel = 0; channel < 3; channel++) {
      const value = palette[entry * 3 + channel];
      if (value === undefined) throw new PngError(`its palette has no color ${entry}`);
      samples[to + channel] = value * 257;
    }
    samples[to + 3] = (alphas[entry] ?? 0xff) * 257;
  };
}

function transparentColor(data: Uint8Array | undefined, colors: number): number[] | undefined {
  if (!data) return undefined;
  if (data.length !== colors * 2) {
    throw new PngError(`a transparent color of ${data.length} bytes`);
  }
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Array.from({ length: colors }, (_, index) => view.getUint16(index * 2));
}

function chunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

async function compress(bytes: Uint8Array<ArrayBuffer>, uncompressed: boolean) {
  return uncompressed
    ? deflateSync(bytes, { level: 0 })
    : await through(new CompressionStream("deflate"), bytes);
}

function through(
  transform: CompressionStream | DecompressionStream,
  ...bytes: Uint8Array<ArrayBuffer>[]
): Promise<Uint8Array<ArrayBuffer>> {
  return new Response(new Blob(bytes).stream().pipeThrough(transform)).bytes();
}
