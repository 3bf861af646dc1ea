/**
 * The data of llama's templates, for tests only: the three kinds in the corpus. Unlike the command's
 * own context, it follows the original including its quirks.
 */

import { encodeString, goInterfaces, goLayout, goTypeName } from "../../lib/template/mod.ts";
import { quote } from "../../lib/template/quote.ts";

/** A file mode, which Go prints as in `ls -l`. */
class FileMode {
  static readonly [goTypeName] = "fs.FileMode";
  String(): string {
    return "----------";
  }
}

class LocalFile {
  static readonly [goTypeName] = "files.LocalFile";
  constructor(readonly Path: string, readonly Bytes: Uint8Array = new Uint8Array()) {}
  readonly Mode = new FileMode();
}

class Mapped {
  static readonly [goTypeName] = "files.Mapped";
  constructor(readonly Local: LocalFile, readonly Remote: string) {}
}

class List extends Array<Mapped> {
  static readonly [goTypeName] = "files.List";
  String(): string {
    return "";
  }
  Get(): List {
    return this;
  }
}

/** Go's `path.Clean`. */
function cleanPath(path: string): string {
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && kept.length > 0 && kept.at(-1) !== "..") kept.pop();
    else kept.push(part);
  }
  return kept.join("/") || ".";
}

function checked(file: string): string {
  if (file.startsWith("/")) throw new Error(`Cannot pass absolute path: ${quote(file)}`);
  const clean = cleanPath(file);
  if (clean.startsWith("../")) {
    throw new Error(`Cannot pass path outside working directory: ${quote(clean)}`);
  }
  return clean;
}

/** The recorded calls, in the form of the corpus. */
export interface Recorded {
  inputs: string[];
  outputs: string[];
  files: Record<string, string>;
}

function withFinalNewline(text: string): string {
  return text.endsWith("\n") ? text : text + "\n";
}

const decoder = new TextDecoder();

/** The context of `llama invoke`. */
export class IoContext {
  static readonly [goTypeName]: string = "*files.IOContext";
  readonly Inputs = new List();
  readonly Outputs = new List();

  protected mark(file: string, input: boolean, output: boolean): string {
    const path = checked(file);
    if (input) this.Inputs.push(new Mapped(new LocalFile(path), path));
    if (output) this.Outputs.push(new Mapped(new LocalFile(path), path));
    return path;
  }

  I(file: string): string {
    return this.mark(file, true, false);
  }
  Input(file: string): string {
    return this.mark(file, true, false);
  }
  O(file: string): string {
    return this.mark(file, false, true);
  }
  Output(file: string): string {
    return this.mark(file, false, true);
  }
  IO(file: string): string {
    return this.mark(file, true, true);
  }
  InputOutput(file: string): string {
    return this.mark(file, true, true);
  }

  recorded(): Recorded {
    const files: Record<string, string> = {};
    const inputs: string[] = [];
    for (const { Local, Remote } of this.Inputs) {
      if (Local.Bytes.length > 0) files[Remote] = decoder.decode(Local.Bytes);
      else inputs.push(Remote.toWellFormed());
    }
    return {
      inputs,
      outputs: Array.from(this.Outputs, (file) => file.Remote.toWellFormed()),
      files,
    };
  }
}

/** The struct that is embedded in that of a job, for printing. */
class Embedded {
  static readonly [goTypeName] = "files.IOContext";
  constructor(readonly Inputs: List, readonly Outputs: List) {}
}

/** The context of `llama xargs`. */
export class JobContext extends IoContext {
  static override readonly [goTypeName] = "*main.jobContext";
  constructor(readonly Line: string, readonly Idx: bigint) {
    super();
  }

  AsFile(data: string): string {
    const remote = `llama/tmp.${this.Inputs.length}`;
    const bytes = encodeString(withFinalNewline(data));
    this.Inputs.push(new Mapped(new LocalFile("", bytes), remote));
    return remote;
  }

  [goLayout](): [string, unknown][] {
    return [
      ["IOContext", new Embedded(this.Inputs, this.Outputs)],
      ["Idx", this.Idx],
      ["Line", this.Line],
    ];
  }
}

/** The context of `llama xargs` with the corpus's additional field. */
export class JobContextWithX extends JobContext {
  static override readonly [goTypeName] = "*main.jobContext";
  static readonly [goInterfaces] = ["X"];
  constructor(line: string, idx: bigint, readonly X: unknown) {
    super(line, idx);
  }

  override [goLayout](): [string, unknown][] {
    return [...super[goLayout](), ["X", this.X]];
  }
}

/** The context of the first versions. */
export class EarlyJobContext {
  static readonly [goTypeName] = "*main.jobContext";
  readonly ExtraFiles = new Map<string, Uint8Array>();
  readonly #inputs: string[] = [];
  readonly #outputs: string[] = [];
  constructor(readonly Line: string, readonly Idx: bigint) {}

  #mark(file: string, input: boolean, output: boolean): string {
    const path = checked(file);
    if (input) this.#inputs.push(path);
    if (output) this.#outputs.push(path);
    return path;
  }

  I(file: string): string {
    return this.#mark(file, true, false);
  }
  Input(file: string): string {
    return this.#mark(file, true, false);
  }
  O(file: string): string {
    return this.#mark(file, false, true);
  }
  Output(file: string): string {
    return this.#mark(file, false, true);
  }
  IO(file: string): string {
    return this.#mark(file, true, true);
  }
  InputOutput(file: string): string {
    return this.#mark(file, true, true);
  }
  AsFile(data: string): string {
    const remote = `llama/tmp.${this.ExtraFiles.size}`;
    this.ExtraFiles.set(remote, encodeString(withFinalNewline(data)));
    return remote;
  }

  recorded(): Recorded {
    const files = Object.fromEntries(
      [...this.ExtraFiles].map(([name, bytes]) => [name, decoder.decode(bytes)]),
    );
    return { inputs: this.#inputs, outputs: this.#outputs, files };
  }
}
