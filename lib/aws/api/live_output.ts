/**
 * A command's output as it arrives, over all attempts of a call.
 *
 * @module
 */

import { createHash, type Hash } from "node:crypto";
import { LlamaError } from "../../errors.ts";
import { bytesText } from "../../text/amounts.ts";

/** Receives bytes that a command wrote; awaited, so that a slow one holds up the connection. */
export type OutputSink = (bytes: Uint8Array) => void | Promise<void>;

/** Where a command's output goes while it runs. */
export interface OutputSinks {
  /** Receives standard output. */
  readonly stdout: OutputSink;
  /** Receives standard error. */
  readonly stderr: OutputSink;
}

/** An error of a sink, on its way through a call. */
export class SinkFailure extends LlamaError {
  /** @param thrown What the sink threw. */
  constructor(readonly thrown: unknown) {
    super("output", "the output was not taken", { cause: thrown });
  }
}

/**
 * Passes output on, each byte once: if a lost call is repeated, the output of the repetition must
 * begin like what was passed on before.
 */
export class LiveOutput {
  readonly #o: Stream;
  readonly #e: Stream;

  /**
   * @param sinks Where the output goes.
   * @param mayRepeat Whether a call is repeated after some of its output was passed on.
   */
  constructor(sinks: OutputSinks, readonly mayRepeat: boolean) {
    this.#o = new Stream("standard output", sinks.stdout, mayRepeat);
    this.#e = new Stream("standard error", sinks.stderr, mayRepeat);
  }

  /** The number of bytes passed on. */
  get bytes(): number {
    return this.#o.bytes + this.#e.bytes;
  }

  /** Begins an attempt. */
  begin(): void {
    this.#o.begin();
    this.#e.begin();
  }

  /**
   * Passes bytes on.
   *
   * @param kind `o` for standard output, `e` for standard error.
   * @param bytes The bytes.
   * @throws {SinkFailure} If the sink fails.
   * @throws {LlamaError} `protocol` if a repeated command wrote something else.
   */
  async take(kind: "o" | "e", bytes: Uint8Array): Promise<void> {
    await (kind === "o" ? this.#o : this.#e).take(bytes);
  }

  /** Ends the attempt that succeeded. */
  end(): void {
    this.#o.end();
    this.#e.end();
  }
}

class Stream {
  bytes = 0;
  readonly #name: string;
  readonly #sink: OutputSink;
  /** The hash of what was passed on; undefined if nothing is repeated. */
  readonly #hash: Hash | undefined;
  /** The number of bytes of this attempt that were passed on by an earlier one. */
  #repeated = 0;
  #again: Hash | undefined;

  constructor(name: string, sink: OutputSink, mayRepeat: boolean) {
    this.#name = name;
    this.#sink = sink;
    this.#hash = mayRepeat ? createHash("sha256") : undefined;
  }

  begin(): void {
    this.#repeated = 0;
    this.#again = this.bytes > 0 ? createHash("sha256") : undefined;
  }

  async take(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    if (this.#again !== undefined) {
      const part = rest.subarray(0, this.bytes - this.#repeated);
      this.#again.update(part);
      this.#repeated += part.length;
      rest = rest.subarray(part.length);
      if (this.#repeated === this.bytes) {
        if (this.#again.digest("hex") !== this.#hash?.copy().digest("hex")) throw this.#differs();
        this.#again = undefined;
      }
    }
    if (rest.length === 0) return;
    this.#hash?.update(rest);
    this.bytes += rest.length;
    try {
      await this.#sink(rest);
    } catch (error) {
      throw new SinkFailure(error);
    }
  }

  end(): void {
    if (this.#again !== undefined) throw this.#differs();
  }

  #differs(): LlamaError {
    return new LlamaError(
      "protocol",
      `the connection was lost after ${bytesText(this.bytes)} of ${this.#name}, and when it ran ` +
        "again, the command wrote something else",
      { hint: "with -no-stream, nothing is shown before the command has ended" },
    );
  }
}
