/**
 * From files on the wire to files on this machine.
 *
 * @module
 */

import { resolve } from "node:path";
import { decodeBlob, decodeBlobToFile, novelKindOf } from "../store/blob.ts";
import { mapConcurrently } from "../async/concurrency.ts";
import { isAbort, LlamaError, reasonOf } from "../errors.ts";
import { type ContentKind, ownFeatures } from "../features.ts";
import { type File, permissionBits } from "../protocol.ts";
import { stat } from "../files/quick.ts";
import type { ObjectStore } from "../store/store.ts";
import type { Spans } from "../spans.ts";
import type { InputFile, OutputFile } from "./job.ts";
import { fileTurn } from "./open_files.ts";
import { OutputDirectory, writeNamedFile, type Writing } from "./output_target.ts";
import { isInside } from "./paths.ts";

/** How outputs are written. */
export interface WriteOutputsOptions {
  /** Whether the command exited with 0. */
  succeeded: boolean;
  /** What was sent along; none of it is replaced by what a command that failed has made. */
  inputs?: readonly InputFile[] | undefined;
  /** Where the big ones are; called only if there is one. */
  store: () => ObjectStore;
  /** Kinds of content that the client knows. @default {those that this version knows} */
  kinds?: readonly ContentKind[] | undefined;
  /** Ends the work early; what is not whole then is removed. */
  signal?: AbortSignal | undefined;
  /** Gets the spans of the files. */
  spans?: Spans | undefined;
}

/** How many files of one job are written at once. */
const writeConcurrency = 8;

/**
 * Writes a job's outputs, each whole or not at all.
 *
 * @param wanted What the job was asked to bring back.
 * @param answered What the runtime answered, by remote path.
 * @param options Store, signal, and how the command ended.
 * @returns The paths that were written, why each of the others was not, and how many bytes came
 * from the store and not in the answer.
 */
export async function writeOutputs(
  wanted: readonly OutputFile[],
  answered: Readonly<Record<string, File>>,
  options: WriteOutputsOptions,
): Promise<{ written: string[]; errors: LlamaError[]; storedBytes: number }> {
  const { kinds = ownFeatures.contents } = options;
  let storedBytes = 0;
  const errors: LlamaError[] = [];
  const written: string[] = [];
  const files = wanted
    .flatMap((output) => output.remote.endsWith("/") ? below(output, answered) : [output])
    .filter(options.succeeded ? () => true : replacesNone(options.inputs ?? []));
  await using directories = new OutputDirectories();
  await mapConcurrently(files, writeConcurrency, async (output) => {
    const { remote, local } = output;
    const file = Object.hasOwn(answered, remote) ? answered[remote] : undefined;
    try {
      // Besides a kind of content that is known, `e` is for others.
      if (!file || (file.e !== undefined && !novelKindOf(file, kinds))) {
        throw new LlamaError("output", reasonOfAbsence(file), {
          // A command that failed has given the reason itself.
          hint: options.succeeded && isAbsent(file)
            ? `the command must create it as ${JSON.stringify(remote)} in its current directory`
            : undefined,
        });
      }
      // Of a directory itself there is nothing to write.
      if (remote.endsWith("/") && !("directory" in output)) return;
      using _turn = await fileTurn(options.signal);
      const size = await writeOutput(output, file, directories, options);
      written.push(local);
      if (file.r !== undefined) storedBytes += size;
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
  }, options.signal);
  return { written, errors, storedBytes };
}

/**
 * Refuses outputs that would overwrite one another, before anything is sent.
 *
 * @param outputs What a job is to bring back.
 * @throws {LlamaError} `output` if two files of the job have one path here.
 */
export function checkOutputs(outputs: readonly OutputFile[]): void {
  if (outputs.length < 2) return;
  const remotes = new Map<string, string>();
  for (const { local, remote } of outputs) {
    const path = resolve(local);
    const before = remotes.get(path) ?? remote;
    // The files of two directories may well go into one.
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

/** Returns why there is no file; `e` of our runtime says "was not made by the command". */
function reasonOfAbsence(file: File | undefined): string {
  return file?.e === undefined || file.e.startsWith("was not made")
    ? "the command did not create it"
    : file.e;
}

/** Whether the command did not create a file, in the words of our runtime or the original's. */
function isAbsent(file: File | undefined): boolean {
  return file?.e === undefined || /was not made|no such file/.test(file.e);
}

/** Tells the outputs that are no inputs, however they were named. */
function replacesNone(inputs: readonly InputFile[]): (output: OutputFile) => boolean {
  const paths = new Set(inputs.map(({ source }) => typeof source === "string" && resolve(source)));
  return ({ local, onlyOnSuccess }) => !onlyOnSuccess && !paths.has(resolve(local));
}

/** A file in a directory that was asked for. */
interface FileBelow extends OutputFile {
  /** The directory, as the user has named it. */
  readonly directory: string;
  /** The file's path in it, as the function has named it. */
  readonly path: string;
}

/** The files of a directory that was asked for, by names that the function has chosen. */
function below(output: OutputFile, answered: Readonly<Record<string, File>>): OutputFile[] {
  const directory = output.local.endsWith("/") ? output.local : `${output.local}/`;
  const files = Object.keys(answered)
    .filter((remote) => remote.startsWith(output.remote) && remote !== output.remote)
    .map((remote): FileBelow => {
      const path = remote.slice(output.remote.length);
      return { remote, local: directory + path, directory, path };
    });
  // The directory's own entry says what of it is missing; the original's runtime, which knows no
  // directories, says so of all of it.
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

/** Writes a file, and tells how many bytes it has. */
async function writeOutput(
  output: OutputFile | FileBelow,
  file: File,
  directories: OutputDirectories,
  { store, signal, spans, kinds }: WriteOutputsOptions,
): Promise<number> {
  let size = 0;
  const writing: Writing = {
    fill: async (path) => {
      await decodeBlobToFile(file, path, store, signal, spans, kinds);
      if (file.r !== undefined) size = (await stat(path)).size;
    },
    pour: async (path) => {
      const bytes = await decodeBlob(file, store, signal, kinds);
      await Deno.writeFile(path, bytes, { create: false });
      size = bytes.length;
    },
    mode: permissionBits(file),
  };
  if (!("directory" in output)) {
    await writeNamedFile(output.local, writing);
  } else if (!isInside(output.path)) {
    throw new LlamaError("output", "its name leads out of the requested directory");
  } else if (!output.path.isWellFormed()) {
    // Half a surrogate pair has no UTF-8: the file would silently get another name.
    throw new LlamaError("output", "its name is not valid Unicode");
  } else {
    await (await directories.open(output.directory)).write(output.path, writing);
  }
  return size;
}
