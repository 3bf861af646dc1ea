/**
 * The results of a run's jobs, each in a directory of its own.
 *
 * @module
 */

import { join } from "node:path";
import { mapConcurrently } from "../async/concurrency.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import { removeIfThere, removeLeftovers, temporaryName } from "../files/whole.ts";
import { withDescriptor } from "../files/quick.ts";
import { listDirectory } from "../system/list.ts";
import { lockFile } from "../system/lock.ts";
import type { JobRecord } from "./record.ts";
import { jobRecordSchema } from "./record_schema.ts";

/** The files in the directory of a job's results. */
const fileNames = ["stdout", "stderr", "status.json"];

/** Held while a run uses the directory. */
const lockName = ".llama-lock";

/** The names of directories that hold the results of earlier runs. */
const oldPattern = /^\.old-\d{8}T\d{9}Z-\d+$/;

/**
 * A directory for the results of one run: `SEQ/stdout`, `SEQ/stderr` and `SEQ/status.json`. Only the
 * results of earlier runs are replaced or removed, and they are kept until the run has ended. Dispose
 * of it to release the directory.
 */
export class Results implements Disposable {
  readonly #directory: string;
  readonly #lock: Deno.FsFile;
  /** The directories in it that hold the results of earlier runs. */
  readonly #old: string[];

  private constructor(directory: string, lock: Deno.FsFile, old: string[]) {
    this.#directory = directory;
    this.#lock = lock;
    this.#old = old;
  }

  /**
   * Opens a directory for this run alone, and creates it if it is missing.
   *
   * @param isKept Reports whether the run keeps a job's existing results. @default {none are}
   * @throws {LlamaError} `usage` if another run uses it, or something other than results has a job's
   * name; `output` if it cannot be used.
   */
  static async open(
    directory: string,
    isKept: (seq: number) => boolean = () => false,
  ): Promise<Results> {
    let lock: Deno.FsFile | undefined;
    try {
      await Deno.mkdir(directory, { recursive: true });
      lock = await lockDirectory(directory);
      await removeLeftovers(directory);
      const { foreign, old } = await survey(directory, isKept);
      if (foreign.length > 0) throw notResults(directory, foreign);
      return new Results(directory, lock, old);
    } catch (cause) {
      if (lock) unlock(directory, lock);
      if (cause instanceof LlamaError) throw cause;
      throw new LlamaError(
        "output",
        `cannot use the directory ${JSON.stringify(directory)} for results: ${reasonOf(cause)}`,
        { cause, hint: "name another directory with -results" },
      );
    }
  }

  /**
   * Moves the results of earlier runs to `.old-RUN`, before the first job. They stay there until
   * {@linkcode Results.end}.
   *
   * @throws {LlamaError} `output` if they cannot be moved.
   */
  async begin(): Promise<void> {
    const time = new Date().toISOString().replaceAll(/[-:.]/g, "");
    const old = join(this.#directory, `.old-${time}-${Deno.pid}`);
    try {
      const names = jobNames(this.#directory);
      if (names.length === 0) return;
      await Deno.mkdir(old);
      this.#old.push(old);
      await mapConcurrently(
        names,
        16,
        (name) => Deno.rename(join(this.#directory, name), join(old, name)),
      );
    } catch (cause) {
      throw new LlamaError(
        "output",
        `cannot move earlier results to ${JSON.stringify(old)}: ${reasonOf(cause)}`,
        { cause, hint: "name another directory with -results" },
      );
    }
  }

  /**
   * Writes `SEQ/` with `stdout`, `stderr` and `status.json`, the job's record, atomically. It
   * replaces the results of an earlier run.
   *
   * @param output The command's output: bytes, or the path of a file.
   * @throws {LlamaError} `output` if it cannot be written.
   */
  async write(
    record: JobRecord,
    output: { readonly stdout: Uint8Array | string; readonly stderr: Uint8Array | string },
  ): Promise<void> {
    const path = join(this.#directory, String(record.seq));
    try {
      await writeDirectory(path, [
        ["stdout", output.stdout],
        ["stderr", output.stderr],
        ["status.json", new TextEncoder().encode(JSON.stringify(record) + "\n")],
      ]);
    } catch (cause) {
      throw new LlamaError(
        "output",
        `cannot write the results ${JSON.stringify(path)}: ${reasonOf(cause)}`,
        { cause, hint: "name another directory with -results" },
      );
    }
  }

  /**
   * Removes the results of earlier runs, once this run has reached the end of its input.
   *
   * @throws {LlamaError} `output` if they cannot be removed.
   */
  async end(): Promise<void> {
    try {
      for (const old of this.#old) {
        await mapConcurrently(jobNames(old), 16, (name) => removeResult(join(old, name)));
        await removeIfEmpty(old);
      }
    } catch (cause) {
      throw new LlamaError(
        "output",
        `cannot remove earlier results in ${JSON.stringify(this.#directory)}: ${reasonOf(cause)}`,
        { cause, hint: "remove the directories .old-* in it" },
      );
    }
  }

  /** Releases the directory for other runs. */
  [Symbol.dispose](): void {
    unlock(this.#directory, this.#lock);
  }
}

/** How often to try again if the previous holder has just removed the lock file. */
const lockAttempts = 10;

async function lockDirectory(directory: string): Promise<Deno.FsFile> {
  const path = join(directory, lockName);
  for (let attempt = 1; attempt <= lockAttempts; attempt++) {
    const file = await Deno.open(path, { create: true, write: true });
    if (!await lockFile(file)) break;
    if (isSameFile(await file.stat(), path)) return file;
    file.close();
  }
  throw new LlamaError("usage", `another run is writing results to ${JSON.stringify(directory)}`, {
    hint: "wait until it ends, or name another directory with -results",
  });
}

/** Reports whether a locked file is still the one at its path. */
function isSameFile(locked: Deno.FileInfo, path: string): boolean {
  try {
    const { dev, ino } = Deno.lstatSync(path);
    return dev === locked.dev && ino === locked.ino;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function unlock(directory: string, lock: Deno.FsFile): void {
  try {
    Deno.removeSync(join(directory, lockName));
  } catch {
    // An empty lock file that stays does no harm.
  }
  lock.close();
}

/** The number of directories after which the event loop gets a turn. */
const turn = 256;

/** Finds entries named like a job's results that are not results, and directories of earlier results. */
async function survey(
  directory: string,
  isKept: (seq: number) => boolean,
): Promise<{ foreign: string[]; old: string[] }> {
  const foreign = [];
  const old = [];
  let looked = 0;
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    if (isDirectory && oldPattern.test(name)) old.push(join(directory, name));
    if (!isJobName(name) || isKept(Number(name))) continue;
    if (!isResult(join(directory, name), name)) foreign.push(name);
    if (++looked % turn === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  return { foreign: foreign.sort(), old };
}

function jobNames(directory: string): string[] {
  return Array.from(Deno.readDirSync(directory), ({ name }) => name).filter(isJobName);
}

function isJobName(name: string): boolean {
  return /^[1-9]\d*$/.test(name);
}

/** Reports whether a directory was written by {@linkcode Results.write}. */
function isResult(path: string, name: string): boolean {
  try {
    if (!Deno.lstatSync(path).isDirectory) return false;
    const isOurs = listDirectory(path)
      .every(({ name = "", kind }) => kind === "file" && fileNames.includes(name));
    if (!isOurs) return false;
    const record: unknown = JSON.parse(Deno.readTextFileSync(join(path, "status.json")));
    const parsed = jobRecordSchema.safeParse(record);
    return parsed.success && String(parsed.data.seq) === name;
  } catch {
    // Unreadable, or not JSON: not a result.
    return false;
  }
}

/** Removes a job's results, but no other files next to them. */
async function removeResult(path: string): Promise<void> {
  for (const name of fileNames) await removeFile(join(path, name));
  await removeIfEmpty(path);
}

async function removeFile(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function removeIfEmpty(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ENOTEMPTY") throw error;
  }
}

function notResults(directory: string, names: readonly string[]): LlamaError {
  const shown = names.slice(0, 3).map((name) => JSON.stringify(join(directory, name))).join(", ");
  const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
  const what = names.length === 1 ? "is not the result" : "are not the results";
  return new LlamaError("usage", `${shown}${more} ${what} of an earlier run`, {
    hint: "move it elsewhere, or name another directory with -results",
  });
}

async function writeDirectory(
  path: string,
  files: readonly (readonly [name: string, source: Uint8Array | string])[],
): Promise<void> {
  const temporary = temporaryName(path);
  await Deno.mkdir(temporary);
  try {
    await Promise.all(
      files.map(([name, source]) =>
        withDescriptor(async () => {
          // Not a file copy, which would keep the temporary file's private mode.
          const data = typeof source === "string" ? (await Deno.open(source)).readable : source;
          await Deno.writeFile(join(temporary, name), data);
        })
      ),
    );
    await putInPlace(temporary, path);
  } catch (error) {
    await removeIfThere(temporary);
    throw error;
  }
}

/** Moves existing results away first, since a rename can only replace an empty directory. */
async function putInPlace(temporary: string, path: string): Promise<void> {
  try {
    await Deno.rename(temporary, path);
  } catch (error) {
    if (!isResult(path, path.slice(path.lastIndexOf("/") + 1))) throw error;
    const old = temporaryName(path);
    await Deno.rename(path, old);
    try {
      await Deno.rename(temporary, path);
    } catch (error) {
      await Deno.rename(old, path);
      throw error;
    }
    await removeResult(old);
  }
}
