/**
 * Jobs' output in the order of the input.
 *
 * @module
 */

import type { Piece } from "./piece.ts";
import { type Place, Spill } from "./spill.ts";

/** How order is kept. */
export interface KeepOrderOptions {
  /** Prints what is next. */
  readonly print: (pieces: readonly Piece[]) => Promise<void>;
  /** Where a temporary file is made when there is too much for memory. */
  readonly directory: string;
  /** The most bytes of output that are held in memory. @default {16 MiB} */
  readonly memoryBytes?: number | undefined;
}

/** A piece that waits on disk. */
interface PlacedPiece {
  readonly to: Piece["to"];
  readonly place: Place;
}

/** What waits for the jobs before it: pieces, and where others lie on disk. */
interface Held {
  readonly pieces: readonly (Piece | PlacedPiece)[];
  readonly end: () => void;
}

/**
 * Prints what comes in any order in the order of its numbers. Of what waits, only so much is held in
 * memory; the rest goes to disk, but for a few words a job.
 */
export class KeepOrder implements Disposable {
  readonly #options: KeepOrderOptions;
  readonly #memoryBytes: number;
  readonly #held = new Map<number, Held>();
  #spill: Spill | undefined;
  #next = 0;
  #bytes = 0;

  /** @param options How to print, and where to put what is too much. */
  constructor(options: KeepOrderOptions) {
    this.#options = options;
    this.#memoryBytes = options.memoryBytes ?? 16 * 1024 * 1024;
  }

  /**
   * Prints a job's pieces when it is its turn, and those that waited for it. One call at a time.
   *
   * @param index The job's number, from 0.
   * @param pieces What is printed of it.
   * @param end Called when all of it is printed.
   * @throws What printing throws, and the file system.
   */
  async add(index: number, pieces: readonly Piece[], end: () => void = () => {}): Promise<void> {
    const size = sizeOf(pieces);
    if (index !== this.#next && size > 0 && this.#bytes + size > this.#memoryBytes) {
      this.#spill ??= await Spill.open(this.#options.directory);
      const places = await this.#spill.put(
        pieces.flatMap((piece) => "bytes" in piece ? [piece.bytes] : []),
      );
      const placed = pieces.flatMap((piece): (Piece | PlacedPiece)[] => {
        if ("stream" in piece) return [piece];
        const place = places.shift();
        return place === undefined ? [] : [{ to: piece.to, place }];
      });
      this.#held.set(index, { pieces: placed, end });
    } else {
      this.#held.set(index, { pieces, end });
      this.#bytes += size;
    }
    await this.#printReady();
  }

  /**
   * Leaves a job out.
   *
   * @param index The job's number, from 0.
   */
  skip(index: number): void {
    this.#held.set(index, { pieces: [], end: () => {} });
  }

  /** Prints what still waits for jobs that never came. */
  async end(): Promise<void> {
    const left = [...this.#held.keys()].sort((a, b) => a - b);
    for (const index of left) {
      this.#next = index;
      await this.#printReady();
    }
  }

  /** Gives up what still waits. */
  [Symbol.dispose](): void {
    this.#spill?.[Symbol.dispose]();
  }

  async #printReady(): Promise<void> {
    for (;;) {
      const held = this.#held.get(this.#next);
      if (held === undefined) return;
      this.#held.delete(this.#next++);
      const pieces: Piece[] = [];
      for (const entry of held.pieces) {
        if ("bytes" in entry) {
          this.#bytes -= entry.bytes.length;
          pieces.push(entry);
        } else if ("stream" in entry) {
          pieces.push(entry);
        } else if (this.#spill) {
          pieces.push({ to: entry.to, bytes: await this.#spill.take(entry.place) });
        }
      }
      if (pieces.length > 0) await this.#options.print(pieces);
      held.end();
    }
  }
}

function sizeOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + ("bytes" in piece ? piece.bytes.length : 0), 0);
}
