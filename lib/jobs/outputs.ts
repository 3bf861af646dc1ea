/**
 * From files on the wire to files on this machine.
 *
 * @module
 */

import { resolve } from "node:path";
import { decodeBlob, decodeBlobToFile, novelKindOf } from "../blob.ts";
import { mapConcurrently } from "../concurrency.ts";
import { isAbort, LlamaError, reasonOf } from "../errors.ts";
import { type ContentKind, ownFeatures } from "../features.ts";
import { writeWhole } from "../files.ts";
import { type File, permissionBits } from "../protocol.ts";
import { lstat, stat } from "../quick_files.ts";
import type { ObjectStore } from "../store/store.ts";
import type { Spans } from "../trace/spans.ts";
import type { InputFile, OutputFile } from "./job.ts";
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
  await mapConcurrently(files, writeConcurrency, async ({ remote, local }) => {
    const file = Object.hasOwn(answered, remote) ? answered[remote] : undefined;
    try {
      // Besides a kind of content that is known, `e` is for others.
      if (!file || (file.e !== undefined && !novelKindOf(file, kinds))) {
        throw new LlamaError("output", file?.e ?? "the command did not make it", {
          // A command that failed has said why itself.
          hint: options.succeeded
            ? `the command must make it at ${JSON.stringify(remote)} in its current directory`
            : undefined,
        });
      }
      if (remote.endsWith("/")) return;
      await writeOutput(local, file, options);
      written.push(local);
      if (file.r !== undefined) storedBytes += (await stat(local)).size;
    } catch (cause) {
      if (isAbort(cause, options.signal)) throw cause;
      const code = cause instanceof LlamaError && cause.code !== "protocol" ? cause.code : "output";
      errors.push(
        new LlamaError(code, `no output ${JSON.stringify(local)}: ${reasonOf(cause)}`, {
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
        { hint: "give one another name here, with -o LOCAL:REMOTE" },
      );
    }
    remotes.set(path, remote);
  }
}

/** Tells the outputs that are no inputs, however they were named. */
function replacesNone(inputs: readonly InputFile[]): (output: OutputFile) => boolean {
  const paths = new Set(inputs.map(({ source }) => typeof source === "string" && resolve(source)));
  return ({ local, onlyOnSuccess }) => !onlyOnSuccess && !paths.has(resolve(local));
}

/** The files of a directory that was asked for; none that would land outside of it here. */
function below(output: OutputFile, answered: Readonly<Record<string, File>>): OutputFile[] {
  const directory = output.local.endsWith("/") ? output.local : `${output.local}/`;
  const files = Object.keys(answered)
    .filter((remote) =>
      remote.startsWith(output.remote) && isInside(remote.slice(output.remote.length))
    )
    .map((remote) => ({ remote, local: directory + remote.slice(output.remote.length) }));
  // The original's runtime knows no directories and answers for the entry itself, with an error.
  return Object.hasOwn(answered, output.remote) ? [...files, output] : files;
}

async function writeOutput(
  local: string,
  file: File,
  { store, signal, spans, kinds }: WriteOutputsOptions,
): Promise<void> {
  const target = await resolveTarget(local);
  if (target.special) {
    // A device or a pipe takes the bytes; a rename would put a file in its place.
    await Deno.writeFile(target.path, await decodeBlob(file, store, signal, kinds), {
      create: false,
    });
  } else {
    await writeWhole(
      target.path,
      (temporary) => decodeBlobToFile(file, temporary, store, signal, spans, kinds),
      permissionBits(file),
    );
  }
}

/** Where a name leads: through links, as a program that wrote to it here would go. */
async function resolveTarget(path: string): Promise<{ path: string; special: boolean }> {
  try {
    const { isSymlink } = await lstat(path);
    const real = isSymlink ? await Deno.realPath(path) : path;
    const { isFile, isDirectory } = await Deno.stat(real);
    if (isDirectory) {
      throw new LlamaError("output", "is a directory", {
        hint: "a file goes to the path of a file; to fetch a directory, end its path in /",
      });
    }
    return { path: real, special: !isFile };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { path, special: false };
    throw error;
  }
}
