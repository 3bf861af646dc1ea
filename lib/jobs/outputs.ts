/**
 * Writes files from the wire on this machine.
 *
 * @module
 */

import { decodeBlob, decodeBlobToFile, novelKindOf } from "../store/blob.ts";
import { mapConcurrently } from "../async/concurrency.ts";
import { isAbort, LlamaError, reasonOf } from "../errors.ts";
import { type ContentKind, ownFeatures, type Sizes } from "../features.ts";
import { type File, permissionBits } from "../protocol.ts";
import { isS3Url } from "../store/s3_url.ts";
import type { ObjectStore } from "../store/store.ts";
import type { Spans } from "../spans.ts";
import type { InputFile, OutputFile } from "./job.ts";
import { fileTurn } from "./open_files.ts";
import { OutputDirectory, writeNamedFile, type Writing } from "./output_target.ts";
import { isInside, placeOf } from "./paths.ts";

/** Options for {@linkcode writeOutputs}. */
export interface WriteOutputsOptions {
  /** Whether the command exited with 0. */
  succeeded: boolean;
  /** The job's inputs, which the outputs of a failed command do not replace. */
  inputs?: readonly InputFile[] | undefined;
  /** Returns the store; called only if there is a big output. */
  store: () => ObjectStore;
  /** Kinds of content that the client knows. @default {those of this version} */
  kinds?: readonly ContentKind[] | undefined;
  /** Cancels the work; incomplete files are removed. */
  signal?: AbortSignal | undefined;
  /** Receives the spans of the files. */
  spans?: Spans | undefined;
  /** Called with the sizes of each file that was read from the store. */
  onStored?: ((sizes: Sizes) => void) | undefined;
}

/** The concurrency of one job's outputs. */
const writeConcurrency = 8;

/**
 * Writes a job's outputs, each atomically.
 *
 * @param wanted The outputs of the job.
 * @param answered The files in the response, by remote path.
 * @returns The paths that were written, and the errors of the others.
 */
export async function writeOutputs(
  wanted: readonly OutputFile[],
  answered: Readonly<Record<string, File>>,
  options: WriteOutputsOptions,
): Promise<{ written: string[]; errors: LlamaError[] }> {
  const { kinds = ownFeatures.contents } = options;
  const errors: LlamaError[] = [];
  const written: string[] = [];
  if (wanted.length === 0) return { written, errors };
  const files = unique(wanted)
    // The runtime writes objects only if the command succeeds.
    .filter(({ local }) => options.succeeded || !isS3Url(local))
    .flatMap((output) => output.remote.endsWith("/") ? below(output, answered) : [output])
    .filter(options.succeeded ? () => true : replacesNone(options.inputs ?? []));
  await using directories = new OutputDirectories();
  const answerOf = ({ remote }: OutputFile) =>
    Object.hasOwn(answered, remote) ? answered[remote] : undefined;
  const write = async (output: OutputFile) => {
    const { remote, local } = output;
    const file = answerOf(output);
    try {
      // With a known kind of content, `e` is only for other readers.
      if (file?.u !== undefined && file.u === local) return void written.push(local);
      if (!file || (file.e !== undefined && !isEntry(file) && !novelKindOf(file, kinds))) {
        throw new LlamaError("output", reasonOfAbsence(file), {
          // A command that failed has given the reason itself.
          hint: options.succeeded && isAbsent(file) ? absenceHint(remote) : undefined,
        });
      }
      if (isS3Url(local) || file.u !== undefined) {
        throw new LlamaError("output", "the function did not write it where it should");
      }
      // A directory's own entry holds only errors.
      if (remote.endsWith("/") && !("directory" in output)) return;
      using _turn = await fileTurn(options.signal);
      await writeOutput(output, file, directories, options);
      written.push(local);
    } catch (cause) {
      if (isAbort(cause, options.signal)) throw cause;
      const code = cause instanceof LlamaError && cause.code !== "protocol" ? cause.code : "output";
      errors.push(
        new LlamaError(code, `output ${JSON.stringify(local)}: ${reasonOf(cause)}`, {
          cause,
          hint: cause instanceof LlamaError ? cause.hint : undefined,
        }),
      );
    }
  };
  // Links come last, so that no file is written through them.
  const [links = [], others = []] = [true, false].map((isLink) =>
    files.filter((output) => (answerOf(output)?.l !== undefined) === isLink)
  );
  await mapConcurrently(others, writeConcurrency, write, options.signal);
  await mapConcurrently(links, writeConcurrency, write, options.signal);
  return { written, errors };
}

/** Whether an answered file is a link or an empty directory. */
function isEntry({ l, d }: File): boolean {
  return l !== undefined || d !== undefined;
}

/**
 * Refuses outputs that would overwrite one another, before anything is sent.
 *
 * @throws {LlamaError} `output` if two files of the job have the same local path.
 */
export function checkOutputs(outputs: readonly OutputFile[]): void {
  if (outputs.length < 2) return;
  const remotes = new Map<string, string>();
  for (const { local, remote } of outputs) {
    const path = placeOf(local);
    const before = remotes.get(path) ?? remote;
    // Two directories may be merged into one.
    if (before !== remote && !(before.endsWith("/") && remote.endsWith("/"))) {
      throw new LlamaError(
        "output",
        `cannot write two outputs to ${JSON.stringify(local)}: ${JSON.stringify(before)} and ${
          JSON.stringify(remote)
        }`,
        { hint: "give one of them another local name with -o LOCAL:REMOTE" },
      );
    }
    remotes.set(path, remote);
  }
}

/** Returns the outputs without duplicates, as from `{{.O .Line}}` in two arguments. */
function unique(outputs: readonly OutputFile[]): readonly OutputFile[] {
  if (outputs.length < 2) return outputs;
  return [
    ...new Map(outputs.map((output) => [`${output.remote}\0${output.local}`, output])).values(),
  ];
}

/** Returns why there is no file; `e` of our runtime says "was not made by the command". */
function reasonOfAbsence(file: File | undefined): string {
  return file?.e === undefined || file.e.startsWith("was not made")
    ? "the command did not create it"
    : file.e;
}

function absenceHint(remote: string): string {
  const name = JSON.stringify(remote);
  return remote.endsWith("/")
    ? `the command must create files in ${name}, a directory in its current directory`
    : `the command must create it as ${name} in its current directory`;
}

/** Whether the command did not create a file, in the words of our runtime or the original's. */
function isAbsent(file: File | undefined): boolean {
  return file?.e === undefined || /was not made|no such file/.test(file.e);
}

/** Returns a filter for outputs that do not replace an input. */
function replacesNone(inputs: readonly InputFile[]): (output: OutputFile) => boolean {
  const paths = new Set(inputs.map(({ source }) => typeof source === "string" && placeOf(source)));
  return ({ local, onlyOnSuccess }) => !onlyOnSuccess && !paths.has(placeOf(local));
}

/** A file in a requested directory. */
interface FileBelow extends OutputFile {
  /** The directory, as given by the user. */
  readonly directory: string;
  /** The file's path in it, chosen by the function. */
  readonly path: string;
}

/** Returns the files of a requested directory, whose names the function chose. */
function below(output: OutputFile, answered: Readonly<Record<string, File>>): OutputFile[] {
  const directory = output.local.endsWith("/") ? output.local : `${output.local}/`;
  const files = Object.keys(answered)
    .filter((remote) => remote.startsWith(output.remote) && remote !== output.remote)
    .map((remote): FileBelow => {
      const path = remote.slice(output.remote.length);
      return { remote, local: directory + path, directory, path };
    });
  // The directory's own entry reports missing files; from the original's runtime, which does not
  // support directories, it is an error for the whole directory.
  return Object.hasOwn(answered, output.remote) ? [...files, output] : files;
}

/** The directories of one job's outputs, each opened once. */
class OutputDirectories implements AsyncDisposable {
  readonly #opened = new Map<string, Promise<OutputDirectory>>();

  open(path: string): Promise<OutputDirectory> {
    const opened = this.#opened.get(path) ?? OutputDirectory.open(path);
    this.#opened.set(path, opened);
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const result of await Promise.allSettled(this.#opened.values())) {
      if (result.status === "fulfilled") result.value[Symbol.dispose]();
    }
  }
}

/** Writes a file. */
async function writeOutput(
  output: OutputFile | FileBelow,
  file: File,
  directories: OutputDirectories,
  { store, ...options }: WriteOutputsOptions,
): Promise<void> {
  const writing: Writing = {
    fill: (path) => decodeBlobToFile(file, path, store, options),
    pour: async (path) => {
      const bytes = await decodeBlob(file, store, options);
      await Deno.writeFile(path, bytes, { create: false });
    },
    mode: permissionBits(file),
  };
  if (!("directory" in output)) {
    if (isEntry(file)) {
      throw new LlamaError("output", `a ${file.d ? "directory" : "link"} came instead of a file`);
    }
    await writeNamedFile(output.local, writing);
  } else if (!isInside(output.path)) {
    throw new LlamaError("output", "its name leads out of the requested directory");
  } else if (!output.path.isWellFormed()) {
    // A lone surrogate has no UTF-8: the file would silently get another name.
    throw new LlamaError("output", "its name is not valid Unicode");
  } else {
    const directory = await directories.open(output.directory);
    if (file.l !== undefined) await directory.link(output.path, file.l);
    else if (file.d) directory.makeDirectory(output.path);
    else await directory.write(output.path, writing);
  }
}
