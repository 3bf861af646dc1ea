/**
 * PNG files, by a library: making them, and comparing what they show.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import pngjs from "npm:pngjs@7.0.0";

/** What is used of pngjs, which has no types of its own. */
interface PngLibrary {
  readonly sync: {
    read(file: Uint8Array): Pixels;
    write(
      pixels: Pixels,
      options: {
        colorType: number;
        filterType: number;
        deflateLevel: number;
        deflateStrategy: number;
      },
    ): Uint8Array;
  };
}

const PNG: PngLibrary = pngjs.PNG;

/** The pixels of a picture, however it is stored. */
export interface Pixels {
  /** Pixels per row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Red, green, blue and alpha of each pixel, one byte each. */
  readonly data: Uint8Array;
}

/**
 * Encodes a picture as RGBA without filters: larger than it need be, so that an optimizer has
 * something to do.
 *
 * @param pixels The picture.
 * @param options Whether the pixels are stored as they are, which any compressor can improve.
 * @returns The file.
 */
export function encodePng(
  { width, height, data }: Pixels,
  { uncompressed = false }: { uncompressed?: boolean } = {},
): Uint8Array<ArrayBuffer> {
  const picture = {
    width,
    height,
    data: Buffer.from(data.buffer, data.byteOffset, data.length),
    gamma: 0,
  };
  const bytes = PNG.sync.write(picture, {
    colorType: 6,
    filterType: 0,
    deflateLevel: uncompressed ? 0 : 9,
    // Zlib's default strategy: pngjs's own one finds no matches in rows without filters.
    deflateStrategy: 0,
  });
  return new Uint8Array(bytes);
}

/**
 * Decodes a picture of any color type and up to 8 bits per sample; 16 bits are rounded to 8.
 *
 * @param file The file.
 * @returns Its pixels.
 * @throws {Error} If it is not a PNG, or is damaged.
 */
export function decodePng(file: Uint8Array): Pixels {
  const { width, height, data } = PNG.sync.read(Buffer.from(file));
  // A copy: what a Buffer's own `slice` gives shares its memory.
  return { width, height, data: new Uint8Array(data) };
}

/**
 * Returns whether two pictures are the same, pixel by pixel.
 *
 * @param a One picture.
 * @param b The other.
 * @returns True if their sizes and all their bytes are equal.
 */
export function samePixels(a: Pixels, b: Pixels): boolean {
  return a.width === b.width && a.height === b.height &&
    Buffer.compare(a.data, b.data) === 0;
}
