/**
 * What a template sees: `.Line`, `.Idx`, and the methods that mark files.
 *
 * The types' names are those of the original, since error messages name them.
 *
 * @module
 */

import { encodeString, goTypeName } from "../template/mod.ts";
import { cleanPath } from "./paths.ts";

/** Where a marked file's bytes are from. */
class LocalFile {
  static readonly [goTypeName] = "files.LocalFile";

  /**
   * @param Path The path here; empty if `Bytes` are what is sent.
   * @param Bytes What is sent where there is no file.
   */
  constructor(readonly Path: string, readonly Bytes?: Uint8Array) {}
}

/** A file that was marked. */
export class MarkedFile {
  /** The type that error messages name. */
  static readonly [goTypeName] = "files.Mapped";

  /**
   * @param Local The file here.
   * @param Remote Its path in the job's directory.
   * @param replacesInput Whether it is an output that was an input too.
   * @param isDirectory Whether it is an output whose path ends in `/`: all that is below it.
   */
  constructor(
    readonly Local: LocalFile,
    readonly Remote: string,
    readonly replacesInput: boolean = false,
    readonly isDirectory: boolean = false,
  ) {}
}

/** Files that were marked, in order. */
export class MarkedFiles extends Array<MarkedFile> {
  /** The type that error messages name. */
  static readonly [goTypeName] = "files.List";

  /** The list prints as nothing. */
  String(): string {
    return "";
  }
}

/**
 * The context of `invoke`'s arguments. A template sees the capitalised members; each method takes
 * a path and gives it back clean.
 */
export class FileContext {
  /** The type that error messages name. */
  static readonly [goTypeName]: string = "*files.IOContext";

  /** The files that were marked as inputs so far. */
  readonly Inputs: MarkedFiles = new MarkedFiles();
  /** The files that were marked as outputs so far. */
  readonly Outputs: MarkedFiles = new MarkedFiles();

  /** Sends a file along. */
  Input(path: string): string {
    return this.#mark(path, true, false);
  }

  /** Short for `Input`. */
  I(path: string): string {
    return this.#mark(path, true, false);
  }

  /** Fetches a file when the command has ended; or a directory, if the path ends in `/`. */
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
    const file = new LocalFile(clean);
    if (input) this.Inputs.push(new MarkedFile(file, clean));
    if (output) this.Outputs.push(new MarkedFile(file, clean, input, path.endsWith("/")));
    return clean;
  }
}

/** The context of one job's arguments under `xargs`. */
export class JobContext extends FileContext {
  /** The type that error messages name. */
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
    const bytes = encodeString(text.endsWith("\n") ? text : text + "\n");
    this.Inputs.push(new MarkedFile(new LocalFile("", bytes), remote));
    return remote;
  }
}

/** The same where a job has several lines. */
export class LinesContext extends JobContext {
  /** The input lines, one by one; `Line` is all of them, joined by line feeds. */
  readonly Lines: readonly string[];

  /**
   * @param lines The input lines.
   * @param index The job's number, from 0.
   */
  constructor(lines: readonly string[], index: number) {
    super(lines.join("\n"), index);
    this.Lines = lines;
  }
}
