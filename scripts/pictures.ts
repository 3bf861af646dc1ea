/**
 * Generates sample pictures. They are all different, reproducible, and stored inefficiently, so
 * that optimizers have something to do.
 *
 * @module
 */

import { encodePng } from "./png.ts";

/** A picture file. */
export interface Picture {
  /** The name of the file. */
  readonly name: string;
  /** The contents of the file, a PNG. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Options for {@linkcode makePicture}. */
export interface PictureOptions {
  /** The seed; another seed gives other pictures. @default {1} */
  readonly seed?: number;
  /** The shortest side, in pixels. @default {240} */
  readonly minSize?: number;
  /** The longest side, in pixels. @default {400} */
  readonly maxSize?: number;
  /** Whether the pixels are stored uncompressed. @default {false} */
  readonly uncompressed?: boolean;
}

/** Matches the names of files from {@linkcode makePicture}. */
export const pictureName: RegExp = /^picture-\d{3,}\.png$/;

/** A color, as 0xRRGGBBAA. */
type Color = number;

/** Returns the color of a pixel. */
type Painter = (x: number, y: number) => Color;

/** Returns a number from 0 up to, but not including, 1. */
type Random = () => number;

/** The area to paint. */
interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly random: Random;
}

/** The motifs: few colors, many colors, smooth, noisy, gray, transparent. */
const motifs: readonly ((canvas: Canvas) => Painter)[] = [
  flatShapes,
  ditheredSky,
  mirroredSprite,
  hills,
  grayClouds,
  marble,
];

/**
 * Generates a picture.
 *
 * @param index The number of the picture; each is different.
 * @param options Options for the picture.
 * @returns The picture.
 */
export function makePicture(index: number, options: PictureOptions = {}): Picture {
  const { seed = 1, minSize = 240, maxSize = 400, uncompressed = false } = options;
  const random = randomNumbers(seed * 100_003 + index);
  const side = () => minSize + Math.floor(random() * (maxSize - minSize + 1));
  const [width, height] = [side(), side()];
  const motif = motifs[index % motifs.length] ?? flatShapes;
  const paint = motif({ width, height, random });
  const data = new Uint8Array(width * height * 4);
  const pixels = new DataView(data.buffer);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) pixels.setUint32((y * width + x) * 4, paint(x, y));
  }
  const bytes = encodePng({ width, height, data }, { uncompressed });
  return { name: `picture-${String(index + 1).padStart(3, "0")}.png`, bytes };
}

/** Discs and boxes in a few colors on a plain background. */
function flatShapes({ width, height, random }: Canvas): Painter {
  const colors = palette(random, 12);
  const shapes = Array.from({ length: 40 }, () => ({
    x: random() * width,
    y: random() * height,
    size: (0.03 + 0.12 * random()) * width,
    round: random() < 0.5,
    color: pick(colors, random),
  }));
  const ground = pick(colors, random);
  return (x, y) => {
    const covers = (shape: (typeof shapes)[number]) => {
      const [right, down, { size }] = [x - shape.x, y - shape.y, shape];
      return shape.round
        ? right * right + down * down < size * size
        : Math.abs(right) < size && Math.abs(down) < size;
    };
    return shapes.findLast(covers)?.color ?? ground;
  };
}

/** A sky in a few shades, with ordered dithering. */
function ditheredSky({ width, height, random }: Canvas): Painter {
  const shades = 6 + Math.floor(random() * 10);
  const [top, bottom] = [color(random), color(random)];
  const [sunX, sunY] = [random() * width, random() * height];
  return (x, y) => {
    const glow = Math.exp(-Math.hypot(x - sunX, y - sunY) / (width / 3));
    const level = Math.min(1, 0.8 * y / height + 0.5 * glow);
    return blend(top, bottom, Math.min(1, Math.floor(level * shades + bayer(x, y)) / shades));
  };
}

/** A mirrored creature of blocks on a transparent background. */
function mirroredSprite({ width, height, random }: Canvas): Painter {
  const colors = palette(random, 5);
  const [columns, rows] = [12 + Math.floor(random() * 12), 24];
  const cells = Array.from({ length: columns * rows }, (_, index) => {
    const toMiddle = Math.hypot(
      1 - index % columns / columns,
      Math.floor(index / columns) / 12 - 1,
    );
    return random() > toMiddle ? pick(colors, random) : 0;
  });
  return (x, y) => {
    const column = Math.floor(Math.min(x, width - 1 - x) * 2 / width * columns);
    return cells[Math.floor(y / height * rows) * columns + Math.min(column, columns - 1)] ?? 0;
  };
}

/** Rows of hills, each a little paler than the one before it. */
function hills({ width, height, random }: Canvas): Painter {
  const [near, far] = [color(random), color(random)];
  const ridges = Array.from({ length: 7 }, (_, index) => {
    const [period, phase] = [width * (0.2 + random()), random() * width];
    const foot = height * (0.15 + index * 0.11);
    return (x: number) => foot + height * 0.08 * Math.sin((x + phase) / period * 2 * Math.PI);
  });
  return (x, y) => {
    const index = ridges.findLastIndex((ridge) => y > ridge(x));
    const shade = index < 0 ? 0.2 * y / height : 0.25 + 0.1 * index;
    return blend(far, near, shade);
  };
}

/** Gray clouds. */
function grayClouds({ width, random }: Canvas): Painter {
  const cloud = noise(random, width / 3);
  return (x, y) => {
    const level = Math.floor(cloud(x, y) * 255);
    return rgb(level, level, level);
  };
}

/** Veins of two colors, with a little grain like that of a camera. */
function marble({ width, random }: Canvas): Painter {
  const [dark, light] = [color(random), color(random)];
  const swirl = noise(random, width / 4);
  return (x, y) => {
    const vein = 0.5 + 0.5 * Math.sin(12 * swirl(x, y) + x / width * 8);
    return blend(dark, light, Math.min(1, vein + (random() < 0.1 ? 0.02 : 0)));
  };
}

function palette(random: Random, count: number): Color[] {
  return Array.from({ length: count }, () => color(random));
}

function pick(colors: readonly Color[], random: Random): Color {
  return colors[Math.floor(random() * colors.length)] ?? 0;
}

function color(random: Random): Color {
  const channel = () => Math.floor(random() * 256);
  return rgb(channel(), channel(), channel());
}

/** Returns an opaque color. */
function rgb(red: number, green: number, blue: number): Color {
  return (red << 24 | green << 16 | blue << 8 | 0xff) >>> 0;
}

function blend(from: Color, to: Color, share: number): Color {
  const channel = (shift: number) => {
    const [a, b] = [from >>> shift & 0xff, to >>> shift & 0xff];
    return Math.round(a + (b - a) * share);
  };
  return rgb(channel(24), channel(16), channel(8));
}

/** Returns the threshold of a pixel in Bayer's 4 by 4 matrix. */
function bayer(x: number, y: number): number {
  const matrix = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5];
  return (matrix[(y & 3) * 4 + (x & 3)] ?? 0) / 16;
}

/** Smooth noise from 0 to 1: random values on grids of four sizes, interpolated and summed. */
function noise(random: Random, period: number): (x: number, y: number) => number {
  const side = 64;
  const grid = Array.from({ length: side * side }, random);
  const value = (column: number, row: number) => grid[row % side * side + column % side] ?? 0;
  const smooth = (share: number) => share * share * (3 - 2 * share);
  const octave = (x: number, y: number) => {
    const [column, row] = [Math.floor(x), Math.floor(y)];
    const [right, down] = [smooth(x - column), smooth(y - row)];
    const above = value(column, row) * (1 - right) + value(column + 1, row) * right;
    const below = value(column, row + 1) * (1 - right) + value(column + 1, row + 1) * right;
    return above * (1 - down) + below * down;
  };
  return (x, y) => {
    let sum = 0;
    for (const scale of [1, 2, 4, 8]) {
      sum += octave(x / period * scale, y / period * scale) / scale;
    }
    return sum / 1.875;
  };
}

/** Mulberry32, a small and fast generator that gives the same numbers everywhere. */
function randomNumbers(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = state + 0x6d2b79f5 >>> 0;
    let mixed = Math.imul(state ^ state >>> 15, state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}
