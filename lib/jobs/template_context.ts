/**
 * The context of templates: `.Line`, `.Idx`, and the methods that mark files.
 *
 * The types have the original's names, which appear in error messages.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";
import { encodeString, goParameters, goTypeName } from "../template/mod.ts";
import { pathOfObject } from "../store/s3_path.ts";
import { checkObjectOutput, isS3Url } from "../store/s3_url.ts";
import { cleanPath, mappingHint, movingHint } from "./paths.ts";

/** The source of a marked file. */
class LocalFile {
  static readonly [goTypeName] = "files.LocalFile";

  /**
   * @param Path The path on this machine; empty if `Bytes` are sent instead.
   * @param Bytes The contents, if there is no file.
   */
  constructor(readonly Path: string, readonly Bytes?: Uint8Array) {}
}

/** A marked file. */
export class MarkedFile {
  /** The type that error messages name. */
  static readonly [goTypeName] = "files.Mapped";

  /**
   * @param Local The file on this machine.
   * @param Remote Its path in the job's directory.
   * @param replacesInput Whether it is an output that is also an input.
   * @param isDirectory Whether it is an output directory: its path ended in `/`.
   */
  constructor(
    readonly Local: LocalFile,
    readonly Remote: string,
    readonly replacesInput: boolean = false,
    readonly isDirectory: boolean = false,
  ) {}
}

/** Marked files, in order. */
export class MarkedFiles extends Array<MarkedFile> {
  /** The type that error messages name. */
  static readonly [goTypeName] = "files.List";

  /** Returns an empty string, so that templates can print the list. */
  String(): string {
    return "";
  }
}

/**
 * The context of `invoke`'s arguments. Templates see the capitalized members; each method takes a
 * path and returns it cleaned.
 */
export class FileContext {
  /** The type that error messages name. */
  static readonly [goTypeName]: string = "*files.IOContext";

  /** The files marked as inputs so far. */
  readonly Inputs: MarkedFiles = new MarkedFiles();
  /** The files marked as outputs so far. */
  readonly Outputs: MarkedFiles = new MarkedFiles();

  /** Sends a file along. */
  Input(path: string): string {
    return this.#mark(path, true, false);
  }

  /** Short for `Input`. */
  I(path: string): string {
    return this.#mark(path, true, false);
  }

  /** Fetches a file after the command has ended; a directory if the path ends in `/`. */
  Output(path: string): string {
    return this.#mark(path, false, true);
  }

  /** Short for `Output`. */
  O(path: string): string {
    return this.#mark(path, false, true);
  }

  /** Sends a file along, and replaces it with the command's version. */
  InputOutput(path: string): string {
    return this.#mark(path, true, true);
  }

  /** Short for `InputOutput`. */
  IO(path: string): string {
    return this.#mark(path, true, true);
  }

  /** Returns a hint for a path that the job's directory cannot have. */
  protected pathHint(path: string, _isInput: boolean): string {
    return mappingHint(path);
  }

  #mark(path: string, input: boolean, output: boolean): string {
    const isObject = isS3Url(path);
    if (isObject && output) checkObjectOutput(path);
    const clean = isObject
      ? pathOfObject(path)
      : cleanPath(path, (wrong) => this.pathHint(wrong, input && !output));
    const file = new LocalFile(isObject ? path : clean);
    if (input) this.Inputs.push(new MarkedFile(file, clean));
    if (output) this.Outputs.push(new MarkedFile(file, clean, input, path.endsWith("/")));
    return clean;
  }
}

/** The context of one job's arguments under `xargs`. */
export class JobContext extends FileContext {
  /** The type that error messages name. */
  static override readonly [goTypeName] = "*main.jobContext";
  /** The types of the parameters of its methods. */
  static readonly [goParameters] = { Col: ["int"] } as const;

  /** The input line, without its end. */
  readonly Line: string;
  /** The job's number, from 0. */
  readonly Idx: bigint;
  readonly #columns: readonly string[];
  #each: string;

  /**
   * @param line The input line.
   * @param index The job's number, from 0.
   * @param columns Its columns.
   */
  constructor(line: string, index: number, columns: readonly string[] = [line]) {
    super();
    this.Line = line;
    this.Idx = BigInt(index);
    this.#columns = columns;
    this.#each = line;
  }

  /** One of the job's lines: an argument that uses it is repeated for each. */
  get Each(): string {
    return this.#each;
  }

  /** Sets `Each`, which templates cannot. */
  set each(line: string) {
    this.#each = line;
  }

  /** The columns of the line; without `-colsep` or several lists, the line itself. */
  get Columns(): readonly string[] {
    return this.#columns;
  }

  /** Returns a column by its number, from 1. */
  Col(number: bigint): string {
    const column = this.#columns[Number(number) - 1];
    if (column !== undefined) return column;
    if (number < 1n) throw new Error(`columns are numbered from 1, not ${number}`);
    throw new LlamaError(
      "template",
      `there is no column ${number}, only ${this.#columns.length}`,
      {
        hint: this.#columns.length === 1
          ? "columns come from -colsep CHAR, -n N, or several lists after :::"
          : undefined,
      },
    );
  }

  protected override pathHint(path: string, isInput: boolean): string {
    // As a directory, a blank line is "/".
    if ((path === "" || path === "/") && this.Each === "") {
      return "the line is blank: remove it, as with grep .";
    }
    return movingHint(path, isInput);
  }

  /** Sends text along as a file that ends in a newline. */
  AsFile(text: string): string {
    const remote = `llama/tmp.${this.Inputs.length}`;
    const bytes = encodeString(text.endsWith("\n") ? text : text + "\n");
    this.Inputs.push(new MarkedFile(new LocalFile("", bytes), remote));
    return remote;
  }
}

/** The context of a job with several lines. */
export class LinesContext extends JobContext {
  /** The input lines, one by one; `Line` is all of them, joined by line feeds. */
  readonly Lines: readonly string[];

  /**
   * @param lines The input lines.
   * @param index The job's number, from 0.
   * @param columns The columns of all lines.
   */
  constructor(lines: readonly string[], index: number, columns: readonly string[] = lines) {
    super(lines.join("\n"), index, columns);
    this.Lines = lines;
  }
}
