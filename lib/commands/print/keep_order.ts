/**
 * Prints the output of jobs in input order.
 *
 * @module
 */

import type { Piece } from "./piece.ts";
import { type Place, Spill } from "./spill.ts";

/** Options for {@linkcode KeepOrder}. */
export interface KeepOrderOptions {
  /** Prints the pieces of the next job. */
  readonly print: (pieces: readonly Piece[]) => Promise<void>;
  /** The directory of a temporary file for output that exceeds `memoryBytes`. */
  readonly directory: string;
  /** The maximum number of bytes of output held in memory. @default {16 MiB} */
  readonly memoryBytes?: number | undefined;
}

/** A piece that is kept on disk. */
interface PlacedPiece {
  readonly to: Piece["to"];
  readonly place: Place;
}

/** The output of a job that waits for earlier jobs. */
interface Held {
  readonly pieces: readonly (Piece | PlacedPiece)[];
  readonly end: () => void;
}

/**
 * Prints the output of jobs, which arrives in any order, in the order of their numbers. Waiting
 * output is held in memory up to a limit, and beyond it on disk.
 */
export class KeepOrder implements Disposable {
  readonly #options: KeepOrderOptions;
  readonly #memoryBytes: number;
  readonly #held = new Map<number, Held>();
  #spill: Spill | undefined;
  #next = 0;
  #bytes = 0;

  /** @param options How to print, and where to keep output. */
  constructor(options: KeepOrderOptions) {
    this.#options = options;
    this.#memoryBytes = options.memoryBytes ?? 16 * 1024 * 1024;
  }

  /**
   * Adds a job, and prints the pieces of all jobs whose turn it is. Calls must not overlap.
   *
   * @param index The job's number, from 0.
   * @param pieces The job's pieces.
   * @param end Called once they are printed.
   * @throws Errors from printing and from the file system.
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
   * Skips a job that prints nothing.
   *
   * @param index The job's number, from 0.
   */
  skip(index: number): void {
    this.#held.set(index, { pieces: [], end: () => {} });
  }

  /** Prints the output that still waits for jobs that never ended. */
  async end(): Promise<void> {
    const left = [...this.#held.keys()].sort((a, b) => a - b);
    for (const index of left) {
      this.#next = index;
      await this.#printReady();
    }
  }

  /** Drops the output that still waits. */
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
