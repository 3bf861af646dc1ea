/**
 * What a template sees: `.Line`, `.Idx`, and the methods that mark files.
 *
 * @module
 */

import { encodeString, goTypeName } from "../template/mod.ts";
import { cleanPath } from "./paths.ts";

/** A file or bytes that travel to the job. */
export interface MarkedInput {
  /** The path in the job's directory. */
  readonly remote: string;
  /** The path here; absent if `bytes` are what is sent. */
  readonly local?: string;
  /** What is sent where there is no file. */
  readonly bytes?: Uint8Array;
}

/** A file that comes back from the job. */
export interface MarkedOutput {
  /** The path in the job's directory, and here. */
  readonly path: string;
  /** Whether the file was an input too: it is replaced only if the command succeeds. */
  readonly replacesInput: boolean;
}

/**
 * The context of `invoke`'s arguments. A template sees the capitalised members; each method takes
 * a path and gives it back clean.
 */
export class FileContext {
  /** The type that error messages name, as the original's do. */
  static readonly [goTypeName]: string = "*files.IOContext";

  /** The files that were marked as inputs so far. */
  readonly Inputs: MarkedInput[] = [];
  /** The files that were marked as outputs so far. */
  readonly Outputs: MarkedOutput[] = [];

  /** Sends a file along. */
  Input(path: string): string {
    return this.#mark(path, true, false);
  }

  /** Short for `Input`. */
  I(path: string): string {
    return this.#mark(path, true, false);
  }

  /** Fetches a file when the command has ended. */
  Output(path: string): string {
    return this.#mark(path, false, true);
  }

  /** Short for `Output`. */
  O(path: string): string {
    return this.#mark(path, false, true);
  }

  /** Sends a file along, and replaces it by what the command made of it. */
  InputOutput(path: string): string {
    return this.#mark(path, true, true);
  }

  /** Short for `InputOutput`. */
  IO(path: string): string {
    return this.#mark(path, true, true);
  }

  #mark(path: string, input: boolean, output: boolean): string {
    const clean = cleanPath(path);
    if (input) this.Inputs.push({ remote: clean, local: clean });
    if (output) this.Outputs.push({ path: clean, replacesInput: input });
    return clean;
  }
}

/** The context of one job's arguments under `xargs`. */
export class JobContext extends FileContext {
  /** The type that error messages name, as the original's do. */
  static override readonly [goTypeName] = "*main.jobContext";

  /** The input line, without its end. */
  readonly Line: string;
  /** The job's number, from 0. */
  readonly Idx: bigint;

  /**
   * @param line The input line.
   * @param index The job's number, from 0.
   */
  constructor(line: string, index: number) {
    super();
    this.Line = line;
    this.Idx = BigInt(index);
  }

  /** Sends text along as a file, with a newline at its end. */
  AsFile(text: string): string {
    const remote = `llama/tmp.${this.Inputs.length}`;
    this.Inputs.push({ remote, bytes: encodeString(text.endsWith("\n") ? text : text + "\n") });
    return remote;
  }
}
